"""Small files that are there complete or not at all, and what a write that broke off left; knows nothing of what is in them."""

import os
import time
import uuid
from pathlib import Path

PART_SUFFIX = ".part"
PART_AGE_S = 3600.0
"""A write touches its file every few seconds: what nobody has touched for an hour broke off."""


def write_file(path: Path, content: bytes) -> None:
    """Put `content` in place under its name at once, and make its folder; raises OSError, leaving nothing behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}{PART_SUFFIX}")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def broken_writes(folder: Path) -> list[tuple[Path, float]]:
    """Return the rests of writes into `folder` that broke off, as by kill -9, sorted, with their age in seconds.

    What another process may still be writing is left out.
    """
    found = []
    for part in folder.glob(f"*{PART_SUFFIX}"):
        try:
            age_s = time.time() - part.stat().st_mtime
        except OSError:  # put in place, or cleared away, at this moment
            continue
        if age_s > PART_AGE_S:
            found.append((part, age_s))
    return sorted(found)
