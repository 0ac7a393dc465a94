"""Approval: a person vouches for the label map, or a part of it, and the dataset takes it as an annotation."""

import streamlit as st

from tesserae.correcting import Desk
from tesserae.corrections.operations import Approve
from tesserae.store import Store
from tesserae.store.annotations import AnnotationRecord, list_annotations
from tesserae.ui.correct.actions import correct
from tesserae.ui.correct.bench import Bench
from tesserae.ui.wording import counted, plain


def show_approval(store: Store, desk: Desk, bench: Bench, author: str) -> None:
    """Show what was approved, and the button that approves all of it; regions are approved with a tool of the palette."""
    st.write(
        "What you approve becomes an annotation that the model can learn from. Nobody corrects ten thousand tesserae before the first "
        "training: approve a region with the tool **Approve** under **Regions**, or the whole mosaic when all of it is right."
    )
    if not author:
        st.caption("Write your name on the left first: an approval stands under somebody's name.")
    with st.popover("Approve the whole mosaic", disabled=not author):
        st.write(f"You vouch for all {counted(desk.map.count, 'tessera')} of this mosaic, and that none is missing.")
        st.button("Approve it", type="primary", on_click=correct, args=(bench, desk, Approve(), author), key="approve all")
    annotations = list_annotations(store, desk.draft.photo_id)
    if not annotations:
        st.caption("Nothing of this mosaic was approved yet.")
    for annotation in annotations:
        st.write(plain(_in_words(annotation)))


def _in_words(annotation: AnnotationRecord) -> str:
    what = "all of it" if annotation.region_xy is None else counted(len(annotation.region_xy), "region")
    by = f" by {annotation.author}" if annotation.author else ""
    verb = "taken back; approved" if annotation.withdrawn else "approved"
    when = f"{annotation.approved_at:%Y-%m-%d %H:%M} UTC"
    return f"Revision {annotation.revision}: {counted(annotation.count, 'tessera')}, {what}, {verb}{by} on {when}"
