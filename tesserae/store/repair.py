"""Finds where files and rows do not agree, explains it, and mends what can be mended without losing anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tesserae.atomic import PART_SUFFIX, broken_writes
from tesserae.store.database import Store
from tesserae.store.files import EMBEDDINGS, LABELS, PHOTOS, STRAYS, disk_errors, is_sound
from tesserae.store.pictures import PYRAMIDS, THUMBNAILS, list_pictures
from tesserae.store.references import drop_unused_picture, set_aside, used_contents, used_files
from tesserae.store.schema import AnnotationRow, DraftRow, PhotoRow, SegmentationRow

_FROM_BACKUP = "Put it back from a backup"
_FOLDERS = (".", PHOTOS, LABELS, PYRAMIDS, THUMBNAILS, EMBEDDINGS)


@dataclass(frozen=True)
class Stray:
    """One thing that is not as it should be.

    Attributes:
        kind: "part" is the rest of a write that broke off, "unknown" a file without a row, "lost" a row without its file,
            "changed" a file whose content is not what its name says, "picture" a cached picture of what was deleted.
        file: from the home folder.
        text: what was found, and what can be done.
    """

    kind: Literal["part", "unknown", "lost", "changed", "picture"]
    file: str
    text: str

    @property
    def mendable(self) -> bool:
        """Whether a repair puts it right; else it is left to people."""
        return self.kind in ("part", "unknown", "picture")


def find_strays(store: Store) -> list[Stray]:
    """Compare the files with the rows; changes nothing. Reads every file once, about a second per gigabyte.

    Raises StoreError when the database fails, OutputError when a folder cannot be read.
    """
    with disk_errors(store.home):
        # files first: one that is added meanwhile is then in the rows only, and is there when its turn comes
        files = [path for folder in (PHOTOS, LABELS) for path in sorted((store.home / folder).glob("*")) if path.is_file()]
        pictures = list_pictures(store.home)
        with store.reading() as session:
            used, contents, owners = used_files(session), used_contents(session), _owners(session)
        return [
            *_examine_writes(store.home),
            *_examine_files(store.home, files, used),
            *_examine_pictures(store.home, pictures, contents),
            *_examine_rows(store.home, owners),
        ]


def repair(store: Store) -> list[str]:
    """Remove rests of writes and pictures of what is gone, move files without a row to `strays`, and say of the others what can be done.

    Returns one sentence for each stray. Raises as `find_strays`.
    """
    return [_mend(store, stray) for stray in find_strays(store)]


def _examine_writes(home: Path) -> Iterator[Stray]:
    for part, age_s in (found for folder in _FOLDERS for found in broken_writes(home / folder)):
        file = part.relative_to(home).as_posix()
        yield Stray("part", file, f"{file} is the rest of a write that broke off {age_s / 3600:.0f} h ago. Nothing refers to it.")


def _examine_pictures(home: Path, pictures: list[Path], contents: set[str]) -> Iterator[Stray]:
    for path in pictures:
        if path.stem not in contents:
            file = path.relative_to(home).as_posix()
            yield Stray("picture", file, f"{file} is a cached picture of a photo or result that was deleted. A repair removes it.")


def _examine_files(home: Path, files: list[Path], used: set[str]) -> Iterator[Stray]:
    for path in files:
        file = path.relative_to(home).as_posix()
        if path.suffix != PART_SUFFIX and file not in used:
            yield Stray(
                "unknown",
                file,
                f"{file} belongs to no record: the program ended between writing or deleting it and the record, or somebody put it there. "
                f"A repair moves it to {STRAYS}, it is not deleted.",
            )


def _examine_rows(home: Path, owners: dict[str, tuple[str, str]]) -> Iterator[Stray]:
    for file, (owner, advice) in owners.items():
        if not (home / file).is_file():
            yield Stray("lost", file, f"{file}, which belongs to {owner}, is missing. {advice}")
        elif not is_sound(home / file):
            yield Stray("changed", file, f"{file}, which belongs to {owner}, was damaged or altered since it was stored. {advice}")


def _owners(session: Session) -> dict[str, tuple[str, str]]:
    """Whose file each one is, in words, and what its owner can do when it is lost; of several owners the one who can do most."""
    return _annotation_owners(session) | _draft_owners(session) | _segmentation_owners(session) | _photo_owners(session)


def _photo_owners(session: Session) -> dict[str, tuple[str, str]]:
    photos = session.execute(select(PhotoRow.file, PhotoRow.name).order_by(PhotoRow.added_at))
    return {file: (f"the photo “{name}”", f"{_FROM_BACKUP}, or add the photo again.") for file, name in photos}


def _segmentation_owners(session: Session) -> dict[str, tuple[str, str]]:
    of_photo = select(SegmentationRow.file, PhotoRow.name, SegmentationRow.checkpoint).join(PhotoRow)
    maps = session.execute(of_photo.order_by(SegmentationRow.created_at))
    advice = f"{_FROM_BACKUP}, or segment the photo again."
    return {file: (f"a segmentation of the photo “{name}” by {checkpoint}", advice) for file, name, checkpoint in maps}


def _draft_owners(session: Session) -> dict[str, tuple[str, str]]:
    bases = session.execute(select(DraftRow.base_file, PhotoRow.name).join(PhotoRow).order_by(DraftRow.created_at))
    advice = f"{_FROM_BACKUP}: corrections were made on it, and cannot be shown without it."
    return {file: (f"the corrections of the photo “{name}”", advice) for file, name in bases}


def _annotation_owners(session: Session) -> dict[str, tuple[str, str]]:
    columns = (AnnotationRow.file, AnnotationRow.ignored_file, AnnotationRow.revision, PhotoRow.name)
    rows = session.execute(select(*columns).join(PhotoRow).order_by(AnnotationRow.approved_at)).all()
    files = [(file, revision, name) for *both, revision, name in rows for file in both if file is not None]
    advice = f"{_FROM_BACKUP}, or approve it again."
    return {file: (f"annotation {revision} of the photo “{name}”", advice) for file, revision, name in files}


def _mend(store: Store, stray: Stray) -> str:
    if stray.kind == "part":
        with disk_errors(store.home / stray.file):
            (store.home / stray.file).unlink(missing_ok=True)
        return f"{stray.file}, the rest of a write that broke off, was removed."
    if stray.kind == "unknown":
        target = set_aside(store, stray.file, STRAYS)
        if target is None:
            return f"{stray.file} was in order by now."
        return f"{stray.file}, which belonged to no record, was moved to {target}. Add it again if it is wanted, or delete it."
    if stray.kind == "picture":
        gone = drop_unused_picture(store, store.home / stray.file)
        return f"{stray.file}, a cached picture of what was deleted, was removed." if gone else f"{stray.file} was in order by now."
    return stray.text
