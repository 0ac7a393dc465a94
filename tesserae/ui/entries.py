"""What people write about a mosaic: the fields, and what is said when somebody else was faster."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

from tesserae.errors import ConflictError
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, edit_photo, get_photo
from tesserae.ui import session
from tesserae.ui.wording import plain

FIELDS = {
    "title": "Title",
    "site": "Site",
    "inventory_number": "Inventory number",
    "period": "Period",
    "remarks": "Notes",
    "credit": "Credit",
}
_HELP = {
    "site": "Where the mosaic is, or was found.",
    "period": "As you write it, for example “2nd century CE”.",
    "credit": "Who took the photograph, and who holds its rights.",
}
_SCALE = "Scale"


def seen_record(store: Store, photo_id: str) -> PhotoRecord:
    """Return the record that the fields show: as it was when the mosaic was opened, so that an edit of somebody else is noticed.

    Raises StoreError when the collection has no such photo.
    """
    record = session.seen_record(photo_id)
    if record is None:
        record = get_photo(store, photo_id)
        session.keep_seen_record(record)
    return record


def save_entries(store: Store, edited: PhotoRecord) -> None:
    """Store an edited record and run the page anew; a conflict is kept for `show_conflict`, and the fields take the newer record.

    Raises StoreError when the photo is gone or the scale is not one.
    """
    try:
        session.keep_seen_record(edit_photo(store, edited))
        st.toast("Saved")
    except ConflictError as error:
        session.keep_conflict((str(error), edited))
        session.forget_seen_record()
    st.rerun()


def show_conflict(record: PhotoRecord) -> None:
    """Say once that an edit was not stored, with what was written, so that it can be written again."""
    conflict = session.take_conflict()
    if conflict is None:
        return
    sentence, edited = conflict
    st.error(plain(sentence))
    rows = differences(record, edited)
    if rows and edited.id == record.id:
        st.table(rows)


def differences(stored: PhotoRecord, edited: PhotoRecord) -> list[dict[str, str]]:
    """Return a row for each entry in which the two differ, in words."""
    pairs = [(label, getattr(stored, field), getattr(edited, field)) for field, label in FIELDS.items()]
    pairs.append((_SCALE, _scale_in_words(stored.mm_per_px), _scale_in_words(edited.mm_per_px)))
    return [
        {"Entry": label, "In the collection now": plain(now), "In your fields": plain(mine)} for label, now, mine in pairs if now != mine
    ]


def edit_entries(store: Store, record: PhotoRecord) -> None:
    """Show the fields; raises StoreError when they cannot be stored."""
    with st.form(f"entries {record.id} {record.version}", enter_to_submit=False):
        written: dict[str, Any] = {field: _field(field, label, record) for field, label in FIELDS.items()}
        if st.form_submit_button("Save", type="primary"):
            save_entries(store, replace(record, **written))


def _field(field: str, label: str, record: PhotoRecord) -> str:
    show: Callable[..., str | None] = st.text_area if field == "remarks" else st.text_input
    return show(label, getattr(record, field), key=f"{field} {record.id} {record.version}", help=_HELP.get(field)) or ""


def _scale_in_words(mm_per_px: float | None) -> str:
    return "not known" if mm_per_px is None else f"{mm_per_px:.4g} mm per pixel"
