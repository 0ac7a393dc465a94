"""What one visitor's session holds, under which keys; no module but this and `address` touches session keys."""

import uuid
from collections.abc import Callable
from typing import Any, TypeVar

import streamlit as st

from tesserae.store.photos import PhotoRecord
from tesserae.ui import address

_Kept = TypeVar("_Kept")

_MOSAIC, _RESULT = "mosaic", "result"
_DRAFT, _AUTHOR, _BENCHES, _SELF = "draft", "name", "benches", "session_id"
_ADDINGS, _OUTCOMES = "addings", "adding_outcomes"
_PRESSED = "pressed"
_SEEN, _CONFLICT, _SCALE_POINTS = "seen_record", "conflict", "scale_points"


def opened_mosaic() -> str | None:
    """Id of the mosaic that was opened last: as the page's address says, else as this session remembers from another page."""
    opened: str | None = address.read(_MOSAIC) or st.session_state.get(_MOSAIC)
    return opened


def open_mosaic(photo_id: str) -> None:
    """Open a mosaic: on this page's address, so that a reload or a shared link comes back to it, and for the other pages."""
    st.session_state[_MOSAIC] = photo_id
    address.write(_MOSAIC, photo_id)


def close_mosaic() -> None:
    """Open none, as after the mosaic was deleted."""
    st.session_state.pop(_MOSAIC, None)
    address.write(_MOSAIC, None)


def asked_result() -> str | None:
    """Id of the result that the page's address asks for; None for the last one."""
    return address.read(_RESULT)


def ask_for_result(segmentation_id: str | None) -> None:
    """Write a result into the page's address; None for the last one, whichever that is."""
    address.write(_RESULT, segmentation_id)


def adding_key() -> str:
    """Key of the field that adds photos to the collection; another one after each upload, which empties the field."""
    return f"adding_{st.session_state.get(_ADDINGS, 0)}"


def next_adding() -> None:
    """Empty the field that adds photos."""
    st.session_state[_ADDINGS] = st.session_state.get(_ADDINGS, 0) + 1


def outcomes() -> list[Any]:
    """What became of the files that were added last (`tesserae.ui.adding.Outcome`)."""
    noted: list[Any] = st.session_state.get(_OUTCOMES, [])
    return noted


def note_outcome(outcome: object) -> None:
    """Note what became of one more file."""
    st.session_state[_OUTCOMES] = [*outcomes(), outcome]


def forget_outcomes() -> None:
    """Forget what became of earlier files."""
    st.session_state.pop(_OUTCOMES, None)


def note_press(button: str) -> None:
    """Note as a button's callback that it was pressed.

    What a press starts may take seconds, and the next event, such as a movement in a viewer, would begin the page anew and lose the press.
    """
    st.session_state[_PRESSED] = button


def pressed(button: str) -> bool:
    """Whether a button was pressed and its work not yet done (`forget_press`)."""
    return bool(st.session_state.get(_PRESSED) == button)


def forget_press() -> None:
    """Forget which button was pressed: call when its work is done, or just before what must not be done twice."""
    st.session_state.pop(_PRESSED, None)


def seen_record(photo_id: str) -> PhotoRecord | None:
    """The record as this session sees it in its fields, which others may have changed since."""
    record: PhotoRecord | None = st.session_state.get(_SEEN)
    return record if record is not None and record.id == photo_id else None


def keep_seen_record(record: PhotoRecord) -> None:
    """Keep the record that the fields show."""
    st.session_state[_SEEN] = record


def forget_seen_record() -> None:
    """Forget the record, so that the fields take a new one from the collection."""
    st.session_state.pop(_SEEN, None)


def keep_conflict(conflict: tuple[str, PhotoRecord]) -> None:
    """Keep the sentence on a refused edit, and the record as it was to be."""
    st.session_state[_CONFLICT] = conflict


def take_conflict() -> tuple[str, PhotoRecord] | None:
    """Return the conflict once."""
    conflict: tuple[str, PhotoRecord] | None = st.session_state.pop(_CONFLICT, None)
    return conflict


def scale_points(photo_id: str) -> tuple[tuple[float, float], ...]:
    """The points of the scale bar that were clicked so far, in photo pixels; at most two."""
    points: tuple[tuple[float, float], ...] = st.session_state.get(_SCALE_POINTS, {}).get(photo_id, ())
    return points


def keep_scale_points(photo_id: str, points: tuple[tuple[float, float], ...]) -> None:
    """Keep the points clicked on one photo; those on another are forgotten."""
    st.session_state[_SCALE_POINTS] = {photo_id: points}


def opened_draft() -> str | None:
    """Id of the draft that is corrected, as the page's address says, else as this session remembers; None when there is none."""
    opened: str | None = address.read(_DRAFT) or st.session_state.get(_DRAFT)
    return opened


def open_draft(draft_id: str) -> None:
    """Open a draft on this page's address and for a later visit."""
    st.session_state[_DRAFT] = draft_id
    address.write(_DRAFT, draft_id)


def author() -> str:
    """The visitor's name as the address or the session has it; "" when none was given."""
    return str(address.read(_AUTHOR) or st.session_state.get(_AUTHOR, ""))


def keep_author(name: str) -> None:
    """Keep the visitor's name for a reload and for the other pages."""
    st.session_state[_AUTHOR] = name
    address.write(_AUTHOR, name or None)


def session_id() -> str:
    """A random name of this session, by which others on the same mosaic are told apart."""
    return str(st.session_state.setdefault(_SELF, uuid.uuid4().hex))


def bench(draft_id: str, make: Callable[[], _Kept]) -> _Kept:
    """What this session keeps of a draft under correction; `make` gives it at first."""
    benches: dict[str, _Kept] = st.session_state.setdefault(_BENCHES, {})
    if draft_id not in benches:
        benches[draft_id] = make()
    return benches[draft_id]
