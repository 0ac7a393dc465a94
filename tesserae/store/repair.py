"""Finds where files and rows do not agree, explains it, and mends what can be mended without losing anything."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from tesserae.store.database import Store
from tesserae.store.files import LABELS, PART_SUFFIX, PHOTOS, STRAYS, disk_errors, is_sound
from tesserae.store.references import set_aside, used_files
from tesserae.store.schema import PhotoRow, SegmentationRow

PART_AGE_S = 3600.0
"""A write takes seconds: what is unfinished after an hour broke off."""


@dataclass(frozen=True)
class Stray:
    """One thing that is not as it should be.

    Attributes:
        kind: "part" is the rest of a write that broke off, "unknown" a file without a row, "lost" a row without its file,
            "changed" a file whose content is not what its name says.
        file: from the home folder.
        text: what was found, and what can be done.
    """

    kind: Literal["part", "unknown", "lost", "changed"]
    file: str
    text: str


def find_strays(store: Store) -> list[Stray]:
    """Compare the files with the rows; changes nothing. Reads every file once, about a second per gigabyte.

    Raises StoreError when the database fails, OutputError when a folder cannot be read.
    """
    with disk_errors(store.home):
        # files first: one that is added meanwhile is then in the rows only, and is there when its turn comes
        files = [path for folder in (PHOTOS, LABELS) for path in sorted((store.home / folder).glob("*")) if path.is_file()]
        with store.reading() as session:
            used, owners = used_files(session), _owners(session)
        return [*_examine_files(store.home, files, used), *_examine_rows(store.home, owners)]


def repair(store: Store) -> list[str]:
    """Remove the rests of writes, move files without a row to `strays`, and say of the others what a person can do.

    Returns one sentence for each stray. Raises as `find_strays`.
    """
    return [_mend(store, stray) for stray in find_strays(store)]


def _examine_files(home: Path, files: list[Path], used: set[str]) -> Iterator[Stray]:
    for path in files:
        file = path.relative_to(home).as_posix()
        if path.suffix == PART_SUFFIX:
            age_s = time.time() - path.stat().st_mtime
            if age_s > PART_AGE_S:
                yield Stray("part", file, f"{file} is the rest of a write that broke off {age_s / 3600:.0f} h ago. Nothing refers to it.")
        elif file not in used:
            yield Stray(
                "unknown",
                file,
                f"{file} belongs to no record: the program ended between writing or deleting it and the record, or somebody put it there. "
                f"A repair moves it to {STRAYS}, it is not deleted.",
            )


def _examine_rows(home: Path, owners: dict[str, str]) -> Iterator[Stray]:
    for file, owner in owners.items():
        advice = "Put it back from a backup, or " + ("add the photo again." if file.startswith(PHOTOS) else "segment the photo again.")
        if not (home / file).is_file():
            yield Stray("lost", file, f"{file}, which belongs to {owner}, is missing. {advice}")
        elif not is_sound(home / file):
            yield Stray("changed", file, f"{file}, which belongs to {owner}, was damaged or altered since it was stored. {advice}")


def _owners(session: Session) -> dict[str, str]:
    """Whose file each one is, in words."""
    photos = session.execute(select(PhotoRow.file, PhotoRow.name).order_by(PhotoRow.added_at)).all()
    of_photo = select(SegmentationRow.file, PhotoRow.name, SegmentationRow.checkpoint).join(PhotoRow)
    maps = session.execute(of_photo.order_by(SegmentationRow.created_at)).all()
    named = {file: f"a segmentation of the photo “{name}” by {checkpoint}" for file, name, checkpoint in maps}
    return {file: f"the photo “{name}”" for file, name in photos} | named


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
    return stray.text
