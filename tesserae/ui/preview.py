"""Photos and label maps at the size in which a browser shows them; knows nothing of Streamlit."""

import cv2
import numpy as np
from numpy.typing import NDArray

PREVIEW_PX = 1600


def reduce_image(image: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    """Image uint8 (H, W, 3) with its longest side at most `longest_px`; itself if it is small enough."""
    size = _reduced_size(image.shape, longest_px)
    return image if size is None else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def reduce_labels(labels: NDArray[np.int32], longest_px: int) -> NDArray[np.int32]:
    """Label map (H, W) reduced like its image; every pixel takes one label of the original, none is invented."""
    size = _reduced_size(labels.shape, longest_px)
    if size is None:
        return labels
    height, width = labels.shape
    rows = (np.arange(size[1]) * height + height // 2) // size[1]
    columns = (np.arange(size[0]) * width + width // 2) // size[0]
    reduced: NDArray[np.int32] = labels[np.minimum(rows, height - 1)[:, None], np.minimum(columns, width - 1)]
    return reduced


def _reduced_size(shape: tuple[int, ...], longest_px: int) -> tuple[int, int] | None:
    """(width, height) to reduce to, None when nothing is to be done."""
    height, width = shape[:2]
    share = longest_px / max(height, width)
    return None if share >= 1 else (max(1, round(width * share)), max(1, round(height * share)))
