"""Drafts: label maps under correction, each with the log of what was done to it, and who has it open; replays nothing itself.

A log only grows. Who adds to it says how long it was when they last looked, and is refused when it has grown since: see
`tesserae.correcting`, which brings such a person up to date.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from tesserae.corrections.log import Entry, entry_from_json, entry_to_json
from tesserae.corrections.operations import BoxXYXY
from tesserae.errors import ConflictError, StoreError
from tesserae.labelmap import check_label_map, read_label_map, write_label_map
from tesserae.store.database import Store
from tesserae.store.files import LABELS
from tesserae.store.photos import check_fits, find_row, get_photo
from tesserae.store.references import adding_file, drop_unused_files
from tesserae.store.schema import CorrectionRow, DraftRow, EditorRow, SegmentationRow, storable, to_record, utc_now
from tesserae.store.segmentations import SegmentationRecord

Origin = Literal["segmentation", "import", "empty"]

_FORGOTTEN_S = 3600.0  # editors who were not heard for so long are deleted when the next one is


@dataclass(frozen=True)
class DraftRecord:
    """A label map under correction.

    Attributes:
        id: random, hexadecimal.
        photo_id: of the photo.
        base_file: the label map that the corrections begin with, from the home folder; see `read_base`.
        segmentation_id: where it comes from; None without one, and when that was deleted.
        origin: "segmentation", "import" or "empty".
        origin_notes: sentences on what was done to an imported map.
        created_at: UTC.
        created_by: name of a person; "" when nobody gave one.
    """

    id: str
    photo_id: str
    base_file: str
    segmentation_id: str | None
    origin: Origin
    origin_notes: tuple[str, ...]
    created_at: datetime
    created_by: str


@dataclass(frozen=True)
class LoggedEntry:
    """One entry of a draft's log.

    Attributes:
        number: 1, 2, 3 ... without a gap.
        entry: what was done, by whom and when.
        box_xyxy: the smallest box around the pixels that it changed; None where it changed none.
    """

    number: int
    entry: Entry
    box_xyxy: BoxXYXY | None


@dataclass(frozen=True)
class Editor:
    """Somebody who has a draft open: a person, a session (one tab of a browser), and when it was last heard, UTC."""

    session: str
    author: str
    seen_at: datetime


def open_draft(store: Store, segmentation: SegmentationRecord, author: str) -> DraftRecord:
    """Return the draft that corrects a segmentation, made now if there is none; whoever comes later goes on with it.

    Raises StoreError when the segmentation was deleted meanwhile, or the database fails.
    """
    with store.writing(alone=True) as session:
        if session.get(SegmentationRow, segmentation.id) is None:
            raise StoreError(
                "The result that was to be corrected has been deleted meanwhile. Choose another one, or count the photo again."
            )
        row = session.scalar(select(DraftRow).where(DraftRow.segmentation_id == segmentation.id))
        if row is None:
            row = _new_row(segmentation.photo_id, segmentation.file, "segmentation", (), author)
            row.segmentation_id = segmentation.id
            session.add(row)
            session.flush()
        return to_record(DraftRecord, row)


def create_draft(store: Store, photo_id: str, labels: NDArray[np.int32], origin: Origin, notes: Sequence[str], author: str) -> DraftRecord:
    """Begin a draft with a label map int32 (H, W) that was imported, or that is empty; each call makes another one.

    Raises:
        LabelMapError: `labels` is no label map, or not of the photo's size.
        OutputError: the file cannot be kept, as when the disk is full.
        StoreError: the photo was deleted meanwhile, or the database fails.
    """
    labels = check_label_map(labels)
    check_fits(labels, get_photo(store, photo_id), "Give a label map of this photo.")
    with adding_file(store, LABELS, ".tif", lambda part: write_label_map(part, labels)) as (session, file):
        find_row(session, photo_id)
        row = _new_row(photo_id, file, origin, notes, author)
        session.add(row)
        session.flush()
        return to_record(DraftRecord, row)


def get_draft(store: Store, draft_id: str) -> DraftRecord:
    """Return a draft's record; raises StoreError when there is none of this id."""
    with store.reading() as session:
        return to_record(DraftRecord, find_draft_row(session, draft_id))


def list_drafts(store: Store, photo_id: str) -> list[DraftRecord]:
    """Return the drafts of a photo, the last first; empty when there is no such photo."""
    of_photo = select(DraftRow).where(DraftRow.photo_id == photo_id)
    with store.reading() as session:
        return [to_record(DraftRecord, row) for row in session.scalars(of_photo.order_by(DraftRow.created_at.desc(), DraftRow.id))]


def read_base(store: Store, draft: DraftRecord) -> NDArray[np.int32]:
    """Read the label map int32 (H, W) that the corrections begin with; raises LabelMapError when its file is missing or damaged."""
    return read_label_map(store.home / draft.base_file)


def delete_draft(store: Store, draft_id: str) -> None:
    """Delete a draft with its log, and its file unless something else uses it; what was approved of it stays.

    Raises StoreError when it is gone already.
    """
    with store.writing() as session:
        row = find_draft_row(session, draft_id)
        file = row.base_file
        session.delete(row)
    drop_unused_files(store, [file])


def append_corrections(store: Store, draft_id: str, expected_number: int, entries: Sequence[tuple[Entry, BoxXYXY | None]]) -> int:
    """Add entries, each with the box of the pixels that it changes, to a draft's log; all or none. Returns the log's new length.

    Args:
        expected_number: how long the log was when the author last looked.

    Raises:
        ConflictError: it is longer by now: somebody else was quicker.
        StoreError: the draft is gone, its log is shorter than expected, or the database fails, as on a full disk.
    """
    with store.writing() as session:
        hold_log(session, draft_id, expected_number)
        for number, (entry, box) in enumerate(entries, expected_number + 1):
            session.add(new_entry_row(draft_id, number, entry, box))
    return expected_number + len(entries)


def read_entries(store: Store, draft_id: str, after: int = 0) -> list[LoggedEntry]:
    """Return the entries of a draft's log whose number is above `after`, in order; empty when there is no such draft.

    Raises CorrectionError when an entry cannot be understood, as when a newer Tesserae wrote it.
    """
    later = select(CorrectionRow).where(CorrectionRow.draft_id == draft_id, CorrectionRow.number > after).order_by(CorrectionRow.number)
    with store.reading() as session:
        return [_to_logged(row) for row in session.scalars(later)]


def last_entry(store: Store, draft_id: str) -> LoggedEntry | None:
    """Return the last entry of a draft's log, whose number is the log's length; None while it is empty."""
    of_draft = select(CorrectionRow).where(CorrectionRow.draft_id == draft_id)
    with store.reading() as session:
        row = session.scalar(of_draft.order_by(CorrectionRow.number.desc()).limit(1))
        return None if row is None else _to_logged(row)


def note_editor(store: Store, draft_id: str, session_id: str, author: str) -> None:
    """Note that a session has a draft open at this moment; raises StoreError when the draft is gone."""
    now = utc_now()
    with store.writing() as session:
        find_draft_row(session, draft_id, alone=True)
        session.execute(delete(EditorRow).where(EditorRow.draft_id == draft_id, EditorRow.seen_at < now - timedelta(seconds=_FORGOTTEN_S)))
        row = session.get(EditorRow, (draft_id, session_id)) or EditorRow(draft_id=draft_id, session=session_id)
        row.author, row.seen_at = storable(author), now
        session.add(row)


def other_editors(store: Store, draft_id: str, session_id: str, within_s: float = 30.0) -> list[Editor]:
    """Return the other sessions that have a draft open: those that were heard in the last `within_s` seconds, the last first.

    Machines that share the collection need clocks that agree within a few seconds.
    """
    heard = EditorRow.seen_at > utc_now() - timedelta(seconds=within_s)
    others = select(EditorRow).where(EditorRow.draft_id == draft_id, EditorRow.session != session_id, heard)
    with store.reading() as session:
        return [to_record(Editor, row) for row in session.scalars(others.order_by(EditorRow.seen_at.desc()))]


def find_draft_row(session: Session, draft_id: str, *, alone: bool = False) -> DraftRow:
    """Return the draft's row; with `alone` nobody else holds it like this until the transaction ends. Raises StoreError without one."""
    row = session.get(DraftRow, draft_id, with_for_update=alone or None)
    if row is None:
        raise StoreError(f"There is no draft {draft_id[:12]}; it may have been deleted meanwhile. Choose a result to correct.")
    return row


def hold_log(session: Session, draft_id: str, expected_number: int) -> None:
    """Keep a draft's log as it is until the transaction ends; raises as `append_corrections` when it is not as long as expected."""
    find_draft_row(session, draft_id, alone=True)
    found = session.scalar(select(func.max(CorrectionRow.number)).where(CorrectionRow.draft_id == draft_id)) or 0
    if found > expected_number:
        raise ConflictError(
            f"Somebody else corrected this mosaic meanwhile: expected {expected_number} entries in its log, found {found}. "
            "Nothing of yours was stored; look at the new corrections and repeat yours."
        )
    if found < expected_number:
        raise StoreError(
            f"Expected {expected_number} entries in the log of this draft, found {found}: the database was put back to an earlier "
            "state meanwhile. Nothing was stored; open the draft again."
        )


def new_entry_row(draft_id: str, number: int, entry: Entry, box_xyxy: BoxXYXY | None) -> CorrectionRow:
    """Return the row of an entry, to be added within a transaction that holds the log."""
    signed = replace(entry, author=storable(entry.author), at=entry.at or utc_now())
    row = CorrectionRow(draft_id=draft_id, number=number, entry=entry_to_json(signed), author=signed.author, at=signed.at)
    row.box_xyxy = None if box_xyxy is None else list(box_xyxy)
    return row


def _new_row(photo_id: str, file: str, origin: Origin, notes: Sequence[str], author: str) -> DraftRow:
    row = DraftRow(id=uuid.uuid4().hex, photo_id=photo_id, base_file=file, origin=origin, created_at=utc_now())
    row.origin_notes, row.created_by = [storable(note) for note in notes], storable(author)
    return row


def _to_logged(row: CorrectionRow) -> LoggedEntry:
    box = None if row.box_xyxy is None else (row.box_xyxy[0], row.box_xyxy[1], row.box_xyxy[2], row.box_xyxy[3])
    return LoggedEntry(row.number, entry_from_json(row.entry), box)
