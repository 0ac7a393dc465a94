"""Takes photos with truth from elsewhere into the collection: all of them or none.

Everything is read and checked before the first of them is stored. Where storing fails after all, as on a full disk, what was stored goes
again. A photo that the collection has keeps its entries and its side of the split; the later approval counts.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import mask_box
from tesserae.corrections.log import Entry
from tesserae.corrections.operations import Approve, BoxXYXY, Ignore
from tesserae.dataset.incoming import Incoming, open_incoming
from tesserae.dataset.membership import settle
from tesserae.importing.wording import counted
from tesserae.photo import Photo, read_photo
from tesserae.polygons import join_outlines, trace_outlines
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.annotations import Approved, add_annotation, annotations_in_force, delete_annotation, latest_annotation, read_annotation
from tesserae.store.drafts import append_corrections, create_draft, delete_draft
from tesserae.store.members import choose_split, list_members
from tesserae.store.photos import PhotoRecord, add_photo, delete_photo, edit_photo, facts_of
from tesserae.store.schema import utc_now

Progress: TypeAlias = Callable[[float, str], None]


@dataclass(frozen=True)
class Taken:
    """What came of it.

    Attributes:
        photos: how many photos are approved as the dataset says, that were not before.
        notes: plain sentences on what was repaired, and what was left as it was.
    """

    photos: int
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """How many, in words."""
        if not self.photos:
            return "Nothing was taken over: the collection has all of it, or has approved it later."
        return f"{counted(self.photos, 'photo was', 'photos were')} taken into the dataset."


def import_dataset(store: Store, settings: Settings, path: Path, author: str = "", progress: Progress | None = None) -> Taken:
    """Take a zip file or a folder into the collection; see `open_incoming` for both.

    Args:
        author: who vouches for the annotations of a folder.
        progress: told the share done, 0 to 1, and the name of the photo.

    Raises, and leaves the collection as it was:
        DatasetError: it is no dataset, or damaged.
        PhotoError, AnnotationError, LabelMapError: a photo or its truth cannot be read, or they do not fit.
        OutputError, StoreError: it cannot be stored.
    """
    tell = progress or (lambda _share, _what: None)
    with open_incoming(path, author) as incoming:
        for number, each in enumerate(incoming):
            tell(number / len(incoming) / 2, each.name)
            _read(each, settings)
        with ExitStack() as undo:  # what it holds is done when an error leaves the block
            taken = _take_all(store, settings, incoming, undo, tell)
            undo.pop_all()
    return taken


def _read(incoming: Incoming, settings: Settings) -> tuple[bytes, Photo, Approved, tuple[str, ...]]:
    content = incoming.read_file()
    photo = read_photo(content, name=incoming.name, max_pixels=settings.max_pixels)
    return content, photo, *incoming.read_approved(photo.shape)


def _take_all(store: Store, settings: Settings, incoming: Sequence[Incoming], undo: ExitStack, tell: Progress) -> Taken:
    notes: list[str] = []
    count = 0
    id_of: dict[str, Incoming] = {}
    for number, each in enumerate(incoming):
        tell(0.5 + number / len(incoming) / 2, each.name)
        content, photo, approved, said = _read(each, settings)
        record = _add_photo(store, each, content, photo, undo)
        id_of[record.id] = each
        was_approved, left_out = _approve(store, record, each, approved, said, undo)
        count += was_approved
        notes += [f"{each.name}: {note}" for note in (said if was_approved else left_out)]
    _settle(store, settings, id_of)
    return Taken(count, tuple(notes))


def _add_photo(store: Store, incoming: Incoming, content: bytes, photo: Photo, undo: ExitStack) -> PhotoRecord:
    """Add a photo with what people wrote about it; one that is there stays as it is."""
    started = utc_now()
    record = add_photo(store, content, incoming.name, facts_of(photo))
    if record.added_at < started:
        return record
    undo.callback(delete_photo, store, record.id)
    entries: dict[str, Any] = dict(incoming.entries)
    return edit_photo(store, replace(record, **entries)) if entries else record


def _approve(
    store: Store, photo: PhotoRecord, incoming: Incoming, approved: Approved, notes: Sequence[str], undo: ExitStack
) -> tuple[bool, tuple[str, ...]]:
    """Store what is vouched for as a draft that can be corrected further, and approve it; returns whether, and else why not."""
    latest = latest_annotation(store, photo.id)
    if latest is not None and _same(read_annotation(store, latest), approved):
        return False, ()
    if latest is not None and incoming.approved_at is not None and latest.approved_at >= incoming.approved_at:
        return False, (f"It was approved here later, by {latest.author or 'somebody'}; what the dataset says was left out.",)
    draft = create_draft(store, photo.id, approved.labels, "import", notes, incoming.author)
    undo.callback(delete_draft, store, draft.id)
    *first, last = _log_of(approved)
    at = incoming.approved_at or datetime.now(UTC)
    entries = [(Entry(correction, incoming.author, at), box) for correction, box in first]
    number = append_corrections(store, draft.id, 0, entries)
    annotation = add_annotation(store, draft, number, Entry(last[0], incoming.author, at), approved)
    undo.callback(delete_annotation, store, annotation.id)
    return True, ()


def _same(one: Approved, other: Approved) -> bool:
    """Whether two vouch for the same."""
    arrays = (one.labels, other.labels), (_ignored(one), _ignored(other))
    return one.region_xy == other.region_xy and all(np.array_equal(*pair) for pair in arrays)


def _ignored(approved: Approved) -> NDArray[np.bool_]:
    return np.zeros(approved.labels.shape, dtype=bool) if approved.ignored is None else approved.ignored


def _log_of(approved: Approved) -> list[tuple[Ignore | Approve, BoxXYXY | None]]:
    """The corrections after which a draft with the same labels is as it was approved, each with the box that it changes."""
    log: list[tuple[Ignore | Approve, BoxXYXY | None]] = []
    if approved.ignored is not None and approved.ignored.any():
        polygon = join_outlines(trace_outlines(approved.ignored))
        log.append((Ignore(tuple((float(x), float(y)) for x, y in polygon)), mask_box(approved.ignored)))
    regions = (None,) if approved.region_xy is None else approved.region_xy
    return [*log, *((Approve(polygon_xy), None) for polygon_xy in regions)]


def _settle(store: Store, settings: Settings, incoming: Mapping[str, Incoming]) -> None:
    """Put photos that are new to the dataset on the side that they had."""
    before = list_members(store)
    wishes = {photo_id: each.split for photo_id, each in incoming.items() if each.split is not None}
    after = settle(store, settings, [each.photo_id for each in annotations_in_force(store)], wishes)
    for photo_id, each in incoming.items():
        is_new = photo_id in after and photo_id not in before
        if is_new and each.split_chosen_by is not None and after[photo_id].split == each.split:
            choose_split(store, [photo_id], after[photo_id].split, each.split_chosen_by)
