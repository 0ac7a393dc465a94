"""Which rows use which file; keeps the two in step: file first and row second, when deleting row first and file second.

So a crash in between leaves at most a file that nobody uses, never a row without its file.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import exists, or_, select, union_all
from sqlalchemy.orm import Session

from tesserae.errors import StoreError
from tesserae.store.database import Store
from tesserae.store.files import disk_errors, keep_file
from tesserae.store.pictures import drop_pictures
from tesserae.store.schema import PhotoRow, SegmentationRow

logger = logging.getLogger(__name__)


@contextmanager
def adding_file(store: Store, folder: str, suffix: str, fill: Callable[[Path], object]) -> Iterator[tuple[Session, str]]:
    """Keep a file (see `keep_file`), then open the transaction that adds its row; gives session and path from home.

    Where the row does not come, as when the disk is full by now, the file goes again, unless another row uses it.

    Raises OutputError when the file cannot be kept, StoreError when the database fails.
    """
    file = keep_file(store.home, folder, suffix, fill)
    stored = False
    try:
        with store.writing(alone=True) as session:
            if not (store.home / file).is_file():  # the last user of the same content was deleted in between
                keep_file(store.home, folder, suffix, fill)
            yield session, file
        stored = True
    finally:
        if not stored:
            _drop_without_row(store, file)


def drop_unused_files(store: Store, files: Iterable[str]) -> None:
    """Delete those files that no row uses, with their cached pictures.

    What the system will not let go is left to `tesserae.store.repair`.
    """
    for file in files:
        with store.writing(alone=True) as session:
            if is_used(session, file):
                continue
            try:
                (store.home / file).unlink(missing_ok=True)
            except OSError as error:
                logger.warning("%s belongs to no record any more, but cannot be deleted: %s", store.home / file, error)
            drop_pictures(store.home, Path(file).stem)


def set_aside(store: Store, file: str, folder: str) -> Path | None:
    """Move a file that no row uses to another folder; returns its new place, None if it is used or gone by now.

    Raises OutputError when it cannot be moved.
    """
    source = store.home / file
    with store.writing(alone=True) as session, disk_errors(source):
        if is_used(session, file) or not source.is_file():
            return None
        target = _free_name(store.home / folder / source.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        return source.rename(target)


def drop_unused_picture(store: Store, picture: Path) -> bool:
    """Remove a cached picture of what no row uses; returns whether it went.

    Raises OutputError when it cannot be removed.
    """
    with store.writing(alone=True) as session, disk_errors(picture):
        if picture.stem in used_contents(session):
            return False
        picture.unlink(missing_ok=True)
        return True


def is_used(session: Session, file: str) -> bool:
    """Whether a row uses the file (path from home)."""
    used = or_(exists().where(PhotoRow.file == file), exists().where(SegmentationRow.file == file))
    return bool(session.scalar(select(used)))


def used_files(session: Session) -> set[str]:
    """All files that rows use, as paths from home."""
    return set(session.scalars(union_all(select(PhotoRow.file), select(SegmentationRow.file))))


def used_contents(session: Session) -> set[str]:
    """The sha256 of all files that rows use."""
    return {Path(file).stem for file in used_files(session)}


def _drop_without_row(store: Store, file: str) -> None:
    try:
        drop_unused_files(store, [file])
    except StoreError as error:  # the one that kept the row from coming is on its way to the caller
        logger.warning("%s is left to a repair: %s", store.home / file, error)


def _free_name(path: Path) -> Path:
    """`path`, or with _2, _3 ... before its ending when that is taken: what lies there may be the only copy."""
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_stem(f"{path.stem}_{number}"), number + 1
    return candidate
