"""Which rows use which file; keeps the two in step: file first and row second, when deleting row first and file second.

So a crash in between leaves at most a file that nobody uses, never a row without its file.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import exists, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from tesserae.errors import StoreError
from tesserae.store.database import Store
from tesserae.store.files import disk_errors, keep_file
from tesserae.store.pictures import drop_pictures
from tesserae.store.schema import AnnotationRow, DraftRow, PhotoRow, SegmentationRow

Fill = Callable[[Path], object]

logger = logging.getLogger(__name__)

_LABEL_MAPS = (
    (SegmentationRow, SegmentationRow.file),
    (DraftRow, DraftRow.base_file),
    (AnnotationRow, AnnotationRow.file),
    (AnnotationRow, AnnotationRow.ignored_file),
)


@contextmanager
def adding_file(store: Store, folder: str, suffix: str, fill: Fill) -> Iterator[tuple[Session, str]]:
    """Keep a file (see `keep_file`), then open the transaction that adds its row; gives session and path from home.

    Where the row does not come, as when the disk is full by now, the file goes again, unless another row uses it.

    Raises OutputError when the file cannot be kept, StoreError when the database fails.
    """
    with adding_files(store, folder, suffix, [fill]) as (session, files):
        yield session, files[0]


@contextmanager
def adding_files(store: Store, folder: str, suffix: str, fills: Sequence[Fill]) -> Iterator[tuple[Session, list[str]]]:
    """The same for several files that belong to one row; gives session and paths from home."""
    files: list[str] = []
    stored = False
    try:
        for fill in fills:
            files.append(keep_file(store.home, folder, suffix, fill))
        with store.writing(alone=True) as session:
            for file, fill in zip(files, fills, strict=True):
                if not (store.home / file).is_file():  # the last user of the same content was deleted in between
                    keep_file(store.home, folder, suffix, fill)
            yield session, files
        stored = True
    finally:
        if not stored:
            _drop_without_row(store, files)


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
    return bool(session.scalar(select(or_(*(exists().where(column == file) for column in _columns())))))


def used_files(session: Session) -> set[str]:
    """All files that rows use, as paths from home."""
    return {file for file in session.scalars(union_all(*map(select, _columns()))) if file is not None}


def files_of_photo(session: Session, photo_id: str) -> set[str]:
    """The label maps, as paths from home, that belong to a photo and to no other one: equal label maps share a file."""
    own = [select(column).where(row.photo_id == photo_id) for row, column in _LABEL_MAPS]
    others = [select(column).where(row.photo_id != photo_id) for row, column in _LABEL_MAPS]
    only = set(session.scalars(union_all(*own))) - set(session.scalars(union_all(*others)))
    return {file for file in only if file is not None}


def used_contents(session: Session) -> set[str]:
    """The sha256 of all files that rows use."""
    return {Path(file).stem for file in used_files(session)}


def _columns() -> list[InstrumentedAttribute[str] | InstrumentedAttribute[str | None]]:
    return [PhotoRow.file, *(column for _, column in _LABEL_MAPS)]


def _drop_without_row(store: Store, files: list[str]) -> None:
    try:
        drop_unused_files(store, files)
    except StoreError as error:  # the one that kept the row from coming is on its way to the caller
        logger.warning("%s in %s: left to a repair: %s", ", ".join(files), store.home, error)


def _free_name(path: Path) -> Path:
    """`path`, or with _2, _3 ... before its ending when that is taken: what lies there may be the only copy."""
    candidate, number = path, 2
    while candidate.exists():
        candidate, number = path.with_stem(f"{path.stem}_{number}"), number + 1
    return candidate
