"""Files under TESSERAE_HOME, named by their content: photos/<sha256>.jpg, labels/<sha256>.tif; knows no database.

A file is written under a temporary name, flushed to the disk and put in place at once: what bears a name is complete.
"""

import errno
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tesserae.atomic import PART_SUFFIX
from tesserae.errors import OutputError

PHOTOS, LABELS, STRAYS = "photos", "labels", "strays"
EMBEDDINGS = "embeddings"
"""What models said of tiles; `tesserae.tilecache` fills it."""

_FOLDERS_OPEN = os.name != "nt"  # Windows cannot open a folder, and has nothing to be flushed there
_DISK_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


def keep_file(home: Path, folder: str, suffix: str, fill: Callable[[Path], object]) -> str:
    """Let `fill` write a file, then put it into `folder` under the name of its content.

    Returns the path from `home`, with slashes on every system. A sound file of that content stays as it is, a damaged
    one is replaced. Raises OutputError when the disk is full or refuses; then nothing is left behind.
    """
    part = home / folder / f"{uuid.uuid4().hex}{PART_SUFFIX}"
    with disk_errors(part.parent):
        part.parent.mkdir(parents=True, exist_ok=True)
        try:
            fill(part)
            _flush(part)
            file = f"{folder}/{_sha256(part)}{suffix}"
            if not is_sound(home / file):
                os.replace(part, home / file)
                _flush_folder(part.parent)
        finally:
            part.unlink(missing_ok=True)
    return file


def is_sound(path: Path) -> bool:
    """Whether the file is there and its content is what its name says."""
    return path.is_file() and path.stem == _sha256(path)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into a sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _DISK_FULL:
            raise OutputError(
                f"The disk ran full while writing to {path} ({reason}). Nothing was changed: make room, then do it again."
            ) from error
        raise OutputError(
            f"{path} could not be used ({reason}). Expected a folder in which this user may read and write: allow it, or "
            "name another folder in TESSERAE_HOME."
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Wait until the content is on the disk, so that a power cut cannot leave a name without content."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    """Wait until the name is on the disk too."""
    if not _FOLDERS_OPEN:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
