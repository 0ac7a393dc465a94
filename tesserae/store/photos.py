"""The collection's photos: adding, searching, describing and deleting them."""

import math
import shutil
import unicodedata
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from tesserae.errors import ConflictError, LabelMapError, StoreError
from tesserae.photo import Photo
from tesserae.store.database import Store
from tesserae.store.files import PHOTOS
from tesserae.store.references import adding_file, drop_unused_files, files_of_photo
from tesserae.store.schema import AnnotationRow, CorrectionRow, DraftRow, PhotoRow, SegmentationRow, storable, to_record, utc_now

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif"}
_WRITTEN = ("title", "site", "inventory_number", "period", "remarks", "credit")
_SEARCHED = ("title", "site", "inventory_number", "period")


@dataclass(frozen=True)
class PhotoFacts:
    """What reading a file told; the fields are those of `tesserae.photo.Photo`, width and height after rotation."""

    width: int
    height: int
    format: str
    bit_depth: int
    mode: str
    orientation: int
    profile: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PhotoRecord:
    """A photo of the collection.

    Attributes:
        id: sha256 of the file's bytes.
        name: of the file, when it was first added.
        file: where it is kept, from the home folder; see `photo_path`.
        width, height, format, bit_depth, mode, orientation, profile, notes: as in `PhotoFacts`.
        title, site, inventory_number, period, remarks, credit: what people wrote; "" while nobody did.
        mm_per_px: scale; None while it is not known.
        version: grows with each edit.
        added_at: UTC.
    """

    id: str
    name: str
    file: str
    width: int
    height: int
    format: str
    bit_depth: int
    mode: str
    orientation: int
    profile: str | None
    notes: tuple[str, ...]
    title: str
    site: str
    inventory_number: str
    period: str
    remarks: str
    credit: str
    mm_per_px: float | None
    version: int
    added_at: datetime

    @property
    def shown_name(self) -> str:
        """The title, or the file's name while there is none."""
        return self.title or self.name


@dataclass(frozen=True)
class Removal:
    """What goes when a photo is deleted.

    Attributes:
        photo: as it is now.
        segmentations: how many.
        files: paths of the photo's file and of label maps that nothing else uses.
        size_bytes: of these files.
        corrections: how many were made by hand.
        annotations: how many approved revisions.
    """

    photo: PhotoRecord
    segmentations: int
    files: tuple[Path, ...]
    size_bytes: int
    corrections: int = 0
    annotations: int = 0

    @property
    def sentence(self) -> str:
        """What to say before asking."""
        by_hand = {"correction": self.corrections, "approved annotation": self.annotations}
        gone = ["the photo", "what was written about it", _counted(self.segmentations, "segmentation")]
        gone += [_counted(number, noun) for noun, number in by_hand.items() if number]
        files = _counted(len(self.files), "file")
        return (
            f"Deleting “{self.photo.shown_name}” removes {', '.join(gone[:-1])} and {gone[-1]}: {files}, "
            f"{self.size_bytes / 1e6:.1f} MB. This cannot be undone."
        )


def facts_of(photo: Photo) -> PhotoFacts:
    """Return what is stored of a photo that was read."""
    width, height = photo.size
    return PhotoFacts(width, height, photo.format, photo.bit_depth, photo.mode, photo.orientation, photo.profile, photo.notes)


def add_photo(store: Store, content: bytes | Path, name: str, facts: PhotoFacts) -> PhotoRecord:
    """Add a photo, given by its bytes or by the path of a file, which is copied; never altered.

    Bytes that the collection has already give the record that is there, unchanged.

    Raises:
        OutputError: the file cannot be kept, as when the disk is full.
        StoreError: the database fails.
    """

    def fill(part: Path) -> object:
        return part.write_bytes(content) if isinstance(content, bytes) else shutil.copyfile(content, part)

    with adding_file(store, PHOTOS, _SUFFIXES[facts.format], fill) as (session, file):
        photo_id = Path(file).stem
        row = session.get(PhotoRow, photo_id)
        if row is None:
            row = PhotoRow(id=photo_id, name=storable(name), file=file, added_at=utc_now(), **_columns(facts))
            row.search_text = _search_text(row)
            session.add(row)
            session.flush()
        return to_record(PhotoRecord, row)


def get_photo(store: Store, photo_id: str) -> PhotoRecord:
    """Return a photo's record; raises StoreError when the collection has none of this id."""
    with store.reading() as session:
        return to_record(PhotoRecord, find_row(session, photo_id))


def list_photos(store: Store, search: str = "", *, limit: int | None = None, offset: int = 0) -> list[PhotoRecord]:
    """Return the photos that were added last first.

    Args:
        search: each of its words must occur in title, site, inventory number, period or file name; case and accents
            do not matter.
        limit: at most so many.
        offset: how many to leave out before.
    """
    found = select(PhotoRow).where(*_matching(search)).order_by(PhotoRow.added_at.desc(), PhotoRow.id)
    with store.reading() as session:
        return [to_record(PhotoRecord, row) for row in session.scalars(found.limit(limit).offset(offset))]


def count_photos(store: Store, search: str = "") -> int:
    """Return how many photos `list_photos` would give without a limit."""
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(PhotoRow).where(*_matching(search))) or 0


def edit_photo(store: Store, edited: PhotoRecord) -> PhotoRecord:
    """Store what people wrote: `edited` is the record as they saw it, with changed fields (`dataclasses.replace`).

    Title, site, inventory number, period, remarks, credit and scale are taken over, nothing else.

    Raises:
        ConflictError: somebody else changed the record meanwhile; nothing was stored.
        StoreError: the photo is gone, or the scale is not a positive number.
    """
    if edited.mm_per_px is not None and not (math.isfinite(edited.mm_per_px) and edited.mm_per_px > 0):
        raise StoreError(
            f"The scale is a positive number of millimetres per pixel, found {edited.mm_per_px}. Give for example 0.25, or leave it out."
        )
    with store.writing() as session:
        # the version is raised first, by whoever comes first: on PostgreSQL a second writer waits here, then finds another one
        mine = (PhotoRow.id == edited.id) & (PhotoRow.version == edited.version)
        changed = session.execute(update(PhotoRow).where(mine).values(version=PhotoRow.version + 1).returning(PhotoRow.id)).all()
        row = find_row(session, edited.id)
        if not changed:
            raise ConflictError(
                f"“{row.title or row.name}” was changed by somebody else while you were editing: expected version "
                f"{edited.version}, found {row.version}. Nothing of yours was stored; look at the new entries and repeat your change."
            )
        for field in _WRITTEN:
            setattr(row, field, storable(getattr(edited, field)))
        row.mm_per_px = edited.mm_per_px
        row.search_text = _search_text(row)
        return to_record(PhotoRecord, row)


def what_goes(store: Store, photo_id: str) -> Removal:
    """Return what `delete_photo` would delete; raises StoreError when the photo is gone."""
    with store.reading() as session:
        return _removal(session, store.home, photo_id)


def delete_photo(store: Store, photo_id: str) -> Removal:
    """Delete a photo with its segmentations and files, and return what went; raises StoreError when it is gone already."""
    with store.writing(alone=True) as session:
        removal = _removal(session, store.home, photo_id)
        session.delete(find_row(session, photo_id))  # its segmentations go with it, by the foreign key
    drop_unused_files(store, [path.relative_to(store.home).as_posix() for path in removal.files])
    return removal


def photo_path(store: Store, photo: PhotoRecord) -> Path:
    """Return where the photo's file is; raises StoreError when it has been lost."""
    path = store.home / photo.file
    if not path.is_file():
        raise StoreError(
            f"The file of “{photo.shown_name}” is missing: expected {path}. Put it back from a backup, or add the photo "
            "again; its entries and segmentations are still there."
        )
    return path


def find_row(session: Session, photo_id: str) -> PhotoRow:
    """Return the photo's row for use within `session`; raises StoreError when there is none."""
    row = session.get(PhotoRow, photo_id)
    if row is None:
        raise StoreError(f"The collection has no photo {photo_id[:12]}; it may have been deleted meanwhile. Choose another one.")
    return row


def check_fits(labels: NDArray[np.int32], photo: PhotoRecord, advice: str) -> None:
    """Raise LabelMapError, ending with `advice`, unless the label map (H, W) has the photo's size."""
    if labels.shape != (photo.height, photo.width):
        height, width = labels.shape
        raise LabelMapError(
            f"Expected a label map of {photo.width} x {photo.height} pixels, the size of “{photo.shown_name}”, found "
            f"{width} x {height}. {advice}"
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number or 'no'} {noun}s"


def _removal(session: Session, home: Path, photo_id: str) -> Removal:
    photo = to_record(PhotoRecord, find_row(session, photo_id))
    paths = tuple(home / file for file in (photo.file, *sorted(files_of_photo(session, photo_id))))
    segmentations, annotations = (_count(session, row.photo_id == photo_id) for row in (SegmentationRow, AnnotationRow))
    corrections = _count(session, CorrectionRow.draft_id == DraftRow.id, DraftRow.photo_id == photo_id)
    return Removal(photo, segmentations, paths, sum(path.stat().st_size for path in paths if path.is_file()), corrections, annotations)


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).where(*conditions)) or 0


def _columns(facts: PhotoFacts) -> dict[str, object]:
    profile = None if facts.profile is None else storable(facts.profile)
    return asdict(facts) | {"profile": profile, "notes": [storable(note) for note in facts.notes], **dict.fromkeys(_WRITTEN, "")}


def _matching(search: str) -> list[ColumnElement[bool]]:
    """One condition for each word."""
    return [PhotoRow.search_text.contains(word, autoescape=True) for word in _fold(search).split()]


def _search_text(row: PhotoRow) -> str:
    return _fold("\n".join([*(getattr(row, field) for field in _SEARCHED), row.name]))


def _fold(text: str) -> str:
    """Text without case and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
