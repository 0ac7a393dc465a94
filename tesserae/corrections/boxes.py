"""Boxes of tesserae in the photo, half open: what lets a correction look at a few thousand pixels instead of the photo."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.operations import BoxXYXY
from tesserae.labelmap import tessera_slices

Window: TypeAlias = tuple[slice, slice]

EMPTY: BoxXYXY = (0, 0, 0, 0)


def tessera_boxes(labels: NDArray[np.int32]) -> dict[int, BoxXYXY]:
    """The smallest box around each tessera of a label map (H, W), by number; the one look at the whole photo."""
    values, slices = tessera_slices(labels)
    return {int(value): (columns.start, rows.start, columns.stop, rows.stop) for value, (rows, columns) in zip(values, slices, strict=True)}


def is_empty(box: BoxXYXY) -> bool:
    """Tell whether a box holds no pixel."""
    return box[0] >= box[2] or box[1] >= box[3]


def union_box(boxes: Iterable[BoxXYXY]) -> BoxXYXY:
    """The smallest box around those boxes that hold pixels; `EMPTY` where none does."""
    filled = [box for box in boxes if not is_empty(box)]
    if not filled:
        return EMPTY
    x0, y0, x1, y1 = zip(*filled, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def common_box(a: BoxXYXY, b: BoxXYXY) -> BoxXYXY:
    """What two boxes share; empty where they share nothing."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def widened_box(box: BoxXYXY, by_px: int) -> BoxXYXY:
    """A box made wider by `by_px` on each side."""
    return box[0] - by_px, box[1] - by_px, box[2] + by_px, box[3] + by_px


def window(box: BoxXYXY, origin_xy: tuple[int, int] = (0, 0)) -> Window:
    """Index of a box in an array whose first pixel lies at `origin_xy` in the photo."""
    x, y = origin_xy
    return slice(box[1] - y, box[3] - y), slice(box[0] - x, box[2] - x)


def mask_box(mask: NDArray[np.bool_], origin_xy: tuple[int, int] = (0, 0)) -> BoxXYXY:
    """The smallest box around the pixels of a mask (h, w) whose first pixel lies at `origin_xy`; `EMPTY` where it has none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return EMPTY
    x, y = origin_xy
    return x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1
