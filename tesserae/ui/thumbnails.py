"""Thumbnails of the collection: small JPEG files under TESSERAE_HOME, named by photo id, made anew when missing; knows no Streamlit."""

import logging
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.atomic import write_file
from tesserae.deepzoom import Pyramid, read_level
from tesserae.errors import OutputError

logger = logging.getLogger(__name__)

THUMBNAILS_FOLDER = "thumbnails"
THUMBNAIL_SIZE = 480, 360  # one shape for all, so that the cards of the library stand in line

_JPEG_QUALITY = 82


def thumbnail(home: Path, photo_id: str, open_levels: Callable[[], Pyramid]) -> bytes:
    """Return a photo's thumbnail as a JPEG file; when there is none it is made from the pyramid that `open_levels` gives, and kept.

    Raises OutputError when it cannot be kept, and what `open_levels` raises.
    """
    path = thumbnail_path(home, photo_id)
    try:
        return path.read_bytes()
    except OSError:
        logger.info("Making the thumbnail %s.", path)
    levels = open_levels()
    content = encode_thumbnail(read_level(levels, len(levels.level_shapes) - 1))
    _keep(path, content)
    return content


def thumbnail_path(home: Path, photo_id: str) -> Path:
    """Return where a photo's thumbnail lies, or would."""
    return home / THUMBNAILS_FOLDER / f"{photo_id}.jpg"


def encode_thumbnail(image: NDArray[np.uint8]) -> bytes:
    """Cut the middle out of an image (H, W, 3) uint8 in the shape of `THUMBNAIL_SIZE`, and return it at that size as a JPEG file."""
    height, width = image.shape[:2]
    share = min(width / THUMBNAIL_SIZE[0], height / THUMBNAIL_SIZE[1])
    cut_width, cut_height = (max(1, round(side * share)) for side in THUMBNAIL_SIZE)
    left, top = (width - cut_width) // 2, (height - cut_height) // 2
    cut = image[top : top + cut_height, left : left + cut_width]
    shrinks = share > 1
    small = cv2.resize(cut, THUMBNAIL_SIZE, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return encode_jpeg(np.asarray(small, dtype=np.uint8))


def encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """An image (H, W, 3) uint8 as the bytes of a small JPEG file."""
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return encoded.tobytes()


def _keep(path: Path, content: bytes) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        raise OutputError(
            f"The thumbnail {path} could not be written ({error.strerror}). Make room, or allow this user to write there, then load the "
            "page again."
        ) from error
