"""The mosaics of the dataset, one card each: picture, what is approved by whom, and the side of the split, which can be changed."""

import math

import streamlit as st

from tesserae.dataset import Member, move_member
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.ui.dataset.pictures import approved_picture
from tesserae.ui.dataset.split import PURPOSES
from tesserae.ui.wording import approval_in_words, counted, plain

PAGE_SIZE = 10

_SPLIT_HELP = (
    "What was learned from cannot serve to judge: after you move a mosaic away from “To learn from”, models that were trained before still "
    "know it. Photos that show the same move together. Different details of one mosaic are not noticed: put them on one side yourself."
)


def show_members(store: Store, settings: Settings, members: tuple[Member, ...], author: str) -> None:
    """Show a card for each photo, page by page; a side that was chosen anew is stored under the author's name.

    Raises StoreError when it cannot be stored.
    """
    if not members:
        return
    st.subheader(counted(len(members), "approved photo"))
    if not author:
        st.caption("Write your name on the left to move a mosaic to another side of the split: the choice stands under somebody's name.")
    names = {member.photo.id: member.photo.shown_name for member in members}
    cards = st.container()
    pages = math.ceil(len(members) / PAGE_SIZE)
    page = min(st.pagination(pages, key="dataset page"), pages) if pages > 1 else 1
    for member in members[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
        with cards.container(border=True):
            _show_card(store, settings, member, names, author)


def _show_card(store: Store, settings: Settings, member: Member, names: dict[str, str], author: str) -> None:
    picture_column, facts_column, side_column = st.columns([1, 2, 1], vertical_alignment="center")
    try:
        alt = f"What is approved of {member.photo.shown_name}"
        picture_column.image(approved_picture(store, settings, member), width="stretch", alt=alt)
    except TesseraeError as error:
        picture_column.caption(plain(str(error)))
    with facts_column:
        st.markdown(f"**{plain(member.photo.shown_name)}**")
        st.write(plain(approval_in_words(member.annotation)))
        if member.alike:
            others = ", ".join(f"“{names[photo_id]}”" for photo_id in member.alike)
            st.caption(f":material/content_copy: Shows the same as {plain(others)}, and stays on the same side.")
    with side_column:
        _choose_side(store, member, author)


def _choose_side(store: Store, member: Member, author: str) -> None:
    splits = list(PURPOSES)
    chosen = st.selectbox(
        f"Side of {plain(member.photo.shown_name)}",
        splits,
        index=splits.index(member.record.split),
        format_func=lambda split: PURPOSES[split],
        key=f"side {member.photo.id} {member.record.split}",
        disabled=not author,
        help=_SPLIT_HELP,
        label_visibility="collapsed",
    )
    who = member.record.chosen_by
    st.caption("Chosen by the rule" if who is None else f"Chosen by {plain(who)} on {member.record.chosen_at:%Y-%m-%d}")
    if chosen != member.record.split:
        move_member(store, member.photo.id, chosen, author)
        st.rerun()
