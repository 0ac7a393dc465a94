"""Cached pictures of photos and label maps: zoom levels and thumbnails, named after the content that they show; draws none of them.

They are made at first sight and anew when they are missing, so that to remove one loses nothing.
"""

import logging
import re
from pathlib import Path

logger = logging.getLogger(__name__)

PYRAMIDS, THUMBNAILS = "pyramids", "thumbnails"

_NAME = re.compile(r"[0-9a-f]{64}(\.pyramid|\.jpg)")


def pictures_of(home: Path, content_id: str) -> tuple[Path, ...]:
    """Return where the pictures of a photo or label map lie, or would; `content_id` is the sha256 that is also its file's name."""
    return home / PYRAMIDS / f"{content_id}.pyramid", home / THUMBNAILS / f"{content_id}.jpg"


def list_pictures(home: Path) -> list[Path]:
    """Return all pictures, sorted; other files in their folders are not ours, and are left out."""
    found = [path for folder in (PYRAMIDS, THUMBNAILS) for path in (home / folder).glob("*")]
    return sorted(path for path in found if _NAME.fullmatch(path.name))


def drop_pictures(home: Path, content_id: str) -> None:
    """Remove the pictures of a photo or label map; one that the system will not let go is left to `tesserae.store.repair`."""
    for path in pictures_of(home, content_id):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            logger.warning("%s shows what was deleted, but cannot be removed: %s", path, error)
