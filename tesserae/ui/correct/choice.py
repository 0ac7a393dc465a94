"""Which label map of a mosaic is corrected: a draft that was begun, a result of a model, or an annotation from elsewhere."""

from pathlib import Path

import streamlit as st

from tesserae.importing import read_annotation
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.drafts import DraftRecord, create_draft, list_drafts, open_draft
from tesserae.store.photos import PhotoRecord
from tesserae.store.segmentations import SegmentationRecord, list_segmentations
from tesserae.ui import session
from tesserae.ui.count import name_of_result

_ENDINGS = ["tif", "tiff", "png", "json"]


def ask_author() -> str:
    """The field for the visitor's name, which the page's address keeps; "" as long as nobody gave one."""
    name = st.text_input("Your name", value=session.author(), placeholder="stands beside each correction", max_chars=80)
    session.keep_author(name.strip())
    return name.strip()


def choose_draft(store: Store, settings: Settings, photo: PhotoRecord, author: str) -> DraftRecord | None:
    """Show what can be corrected; returns the draft that is open, None where nothing is yet."""
    drafts = {draft.id: draft for draft in list_drafts(store, photo.id)}
    opened = session.opened_draft()
    begun = {draft.segmentation_id for draft in drafts.values()}
    results = [result for result in list_segmentations(store, photo.id) if result.id not in begun]
    if drafts:
        index = list(drafts).index(opened) if opened in drafts else 0
        chosen = st.selectbox("Corrections", list(drafts), index=index, format_func=lambda each: _name_of_draft(drafts[each]))
        session.open_draft(chosen)
    if results:
        with st.expander("Correct another result", expanded=not drafts):
            _offer_results(store, results, author)
    with st.expander("Begin with an annotation from elsewhere"):
        _offer_import(store, settings, photo, author)
    draft_id = session.opened_draft()
    return drafts.get(draft_id) if draft_id else None


def _offer_results(store: Store, results: list[SegmentationRecord], author: str) -> None:
    names = {result.id: result for result in results}
    chosen = st.selectbox("Result", list(names), format_func=lambda each: name_of_result(names[each]))
    if st.button("Correct this result", type="primary", width="stretch"):
        _open(open_draft(store, names[chosen], author))


def _offer_import(store: Store, settings: Settings, photo: PhotoRecord, author: str) -> None:
    st.caption("A label map (TIFF, PNG), a mask of tesserae and mortar (PNG), or COCO (JSON), of this very photo.")
    file = st.file_uploader("Annotation", type=_ENDINGS, label_visibility="collapsed", key=f"import {photo.id}")
    if file is not None and st.button("Begin with it", width="stretch"):
        part = settings.home.absolute() / "uploads" / f"{photo.id[:16]}{Path(file.name).suffix.lower()}"
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(file.getbuffer())
            read = read_annotation(part, (photo.height, photo.width), photo.name)
        finally:
            part.unlink(missing_ok=True)
        _open(create_draft(store, photo.id, read.labels, "import", read.notes, author))


def _open(draft: DraftRecord) -> None:
    session.open_draft(draft.id)
    st.rerun()


def _name_of_draft(draft: DraftRecord) -> str:
    origin = {"segmentation": "A model's result", "import": "An imported annotation", "empty": "From nothing"}[draft.origin]
    return f"{origin}, begun {draft.created_at:%Y-%m-%d %H:%M} UTC" + (f" by {draft.created_by}" if draft.created_by else "")
