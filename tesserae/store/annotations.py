"""Annotations: what people vouch for in a photo, revision by revision, from which a fine-tune learns.

A revision is stored together with the entry of the draft's log that approves it, both or neither. Undoing that entry withdraws the
revision, redoing it puts it back in force; neither deletes anything.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select, update

from tesserae.corrections.log import Entry
from tesserae.corrections.operations import PointXY
from tesserae.errors import StoreError
from tesserae.labelmap import check_label_map, read_label_map, write_label_map
from tesserae.store.database import Store
from tesserae.store.drafts import DraftRecord, hold_log, new_entry_row
from tesserae.store.files import LABELS
from tesserae.store.photos import check_fits, get_photo
from tesserae.store.references import adding_files, drop_unused_files
from tesserae.store.schema import AnnotationRow, storable, to_record, utc_now

PolygonXY: TypeAlias = tuple[PointXY, ...]


@dataclass(frozen=True, eq=False)
class Approved:
    """What is vouched for.

    Attributes:
        labels: the label map at this moment, int32 (H, W).
        ignored: bool (H, W), unreadable pixels, which are neither counted nor learned from; None without any.
        region_xy: polygons in photo pixels that together cover what was approved; None for the whole photo.
        count: how many tesserae have more than half of their area in the region.
    """

    labels: NDArray[np.int32]
    ignored: NDArray[np.bool_] | None
    region_xy: tuple[PolygonXY, ...] | None
    count: int


@dataclass(frozen=True)
class AnnotationRecord:
    """A stored revision of what is vouched for; its label map is read when it is needed.

    Attributes:
        id: random, hexadecimal.
        photo_id: of the photo.
        draft_id: the draft in which it was approved; None when that was deleted since.
        revision: 1, 2, 3 ... among those of the photo.
        number: of the entry in the draft's log that approves it.
        file: the label map, from the home folder; see `read_annotation`.
        ignored_file: the unreadable pixels, as a label map of 0 and 1; None without any.
        region_xy, count: as in `Approved`.
        author: who approved it.
        approved_at: UTC.
        withdrawn: whether the approval was undone since.
    """

    id: str
    photo_id: str
    draft_id: str | None
    revision: int
    number: int
    file: str
    ignored_file: str | None
    region_xy: tuple[PolygonXY, ...] | None
    count: int
    author: str
    approved_at: datetime
    withdrawn: bool


def add_annotation(store: Store, draft: DraftRecord, expected_number: int, entry: Entry, approved: Approved) -> AnnotationRecord:
    """Append an approval to the draft's log, and store what it approves as the photo's next revision.

    What the last revision of the photo says already, approved in the same draft, is returned instead, and the log stays as it is:
    its `number` tells, for it is not above `expected_number` then.

    Args:
        expected_number: how long the log was when the author last looked.

    Raises:
        ConflictError: the log is longer by now: somebody else was quicker.
        LabelMapError: the label map is none, or not of the photo's size.
        OutputError: a file cannot be kept, as when the disk is full.
        StoreError: photo or draft are gone, or the database fails.
    """
    labels = check_label_map(approved.labels)
    check_fits(labels, get_photo(store, draft.photo_id), "Open the draft again.")
    maps = [labels] if approved.ignored is None else [labels, approved.ignored.astype(np.int32)]
    with adding_files(store, LABELS, ".tif", [partial(write_label_map, labels=each) for each in maps]) as (session, files):
        hold_log(session, draft.id, expected_number)
        row = _new_row(draft, expected_number + 1, entry, approved, files)
        last = session.scalar(_in_force(draft.photo_id))
        if last is None or not _says_the_same(last, row):
            row.revision = 1 + (
                session.scalar(select(func.max(AnnotationRow.revision)).where(AnnotationRow.photo_id == draft.photo_id)) or 0
            )
            session.add_all([new_entry_row(draft.id, row.number, entry, None), row])
            session.flush()
            last = row
        return _to_record(last)


def turn_approval(store: Store, draft_id: str, expected_number: int, entry: Entry, number: int, *, withdrawn: bool) -> int:
    """Append the undoing (`withdrawn`) or redoing of an approval to the draft's log, and let its revision follow; both or neither.

    Args:
        number: of the entry that approved.

    Returns the log's new length. Raises as `append_corrections`.
    """
    of_entry = (AnnotationRow.draft_id == draft_id) & (AnnotationRow.number == number)
    with store.writing() as session:
        hold_log(session, draft_id, expected_number)
        session.add(new_entry_row(draft_id, expected_number + 1, entry, None))
        session.execute(update(AnnotationRow).where(of_entry).values(withdrawn=withdrawn))
    return expected_number + 1


def list_annotations(store: Store, photo_id: str) -> list[AnnotationRecord]:
    """Return all revisions of a photo, the last first, withdrawn ones too; empty when there is no such photo."""
    of_photo = select(AnnotationRow).where(AnnotationRow.photo_id == photo_id)
    with store.reading() as session:
        return [_to_record(row) for row in session.scalars(of_photo.order_by(AnnotationRow.revision.desc()))]


def latest_annotation(store: Store, photo_id: str) -> AnnotationRecord | None:
    """Return the last revision of a photo that is in force; None when nothing of it is approved."""
    with store.reading() as session:
        row = session.scalar(_in_force(photo_id))
        return None if row is None else _to_record(row)


def annotations_in_force(store: Store) -> list[AnnotationRecord]:
    """Return what `latest_annotation` gives of every photo that has one; those whose first approval is the oldest first."""
    standing = select(AnnotationRow).where(AnnotationRow.withdrawn.is_(False))
    with store.reading() as session:
        records = [_to_record(row) for row in session.scalars(standing.order_by(AnnotationRow.approved_at, AnnotationRow.id))]
    latest: dict[str, AnnotationRecord] = {}
    for record in records:  # a later one takes the place of the first
        before = latest.setdefault(record.photo_id, record)
        latest[record.photo_id] = max(before, record, key=lambda each: each.revision)
    return list(latest.values())


def read_annotation(store: Store, annotation: AnnotationRecord) -> Approved:
    """Read what a revision vouches for; raises LabelMapError when a file is missing or damaged."""
    labels = read_label_map(store.home / annotation.file)
    ignored = None if annotation.ignored_file is None else read_label_map(store.home / annotation.ignored_file) > 0
    return Approved(labels, ignored, annotation.region_xy, annotation.count)


def delete_annotation(store: Store, annotation_id: str) -> None:
    """Delete a revision, and its files unless something else uses them; raises StoreError when it is gone already."""
    with store.writing() as session:
        row = session.get(AnnotationRow, annotation_id)
        if row is None:
            raise StoreError(f"There is no annotation {annotation_id[:12]}; it may have been deleted meanwhile. Choose another one.")
        files = [file for file in (row.file, row.ignored_file) if file is not None]
        session.delete(row)
    drop_unused_files(store, files)


def _in_force(photo_id: str) -> Select[AnnotationRow]:
    """Select the last revision that was not withdrawn."""
    standing = (AnnotationRow.photo_id == photo_id, AnnotationRow.withdrawn.is_(False))
    return select(AnnotationRow).where(*standing).order_by(AnnotationRow.revision.desc()).limit(1)


def _new_row(draft: DraftRecord, number: int, entry: Entry, approved: Approved, files: list[str]) -> AnnotationRow:
    row = AnnotationRow(id=uuid.uuid4().hex, photo_id=draft.photo_id, draft_id=draft.id, number=number, count=approved.count)
    row.file, row.ignored_file = files[0], files[1] if len(files) > 1 else None
    row.region_xy = None if approved.region_xy is None else [[list(point) for point in polygon] for polygon in approved.region_xy]
    row.author, row.approved_at, row.withdrawn = storable(entry.author), entry.at or utc_now(), False
    return row


def _says_the_same(last: AnnotationRow, row: AnnotationRow) -> bool:
    return all(getattr(last, name) == getattr(row, name) for name in ("draft_id", "file", "ignored_file", "region_xy"))


def _to_record(row: AnnotationRow) -> AnnotationRecord:
    region = None if row.region_xy is None else tuple(tuple((x, y) for x, y in polygon) for polygon in row.region_xy)
    return replace(to_record(AnnotationRecord, row), region_xy=region)
