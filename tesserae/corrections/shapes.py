"""What is drawn, as pixels: polygons, brushes and masks, each within its own box and cut at the photo's edge.

A pixel (column j, row i) has its centre at (j + 0.5, i + 0.5). Nothing here knows of tesserae.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import EMPTY, common_box, is_empty, window
from tesserae.corrections.operations import BoxXYXY, MaskRuns, PointXY
from tesserae.errors import CorrectionError
from tesserae.polygons import fill_polygon

_LONGEST_PX = 128.0  # of a brush stroke that is looked at in one go: its box, not its length, is what costs


@dataclass(frozen=True, eq=False)
class Shape:
    """Pixels of a photo.

    Attributes:
        box_xyxy: where they lie, half open, within the photo; `EMPTY` for what lies outside it.
        mask: bool (h, w) of that box.
    """

    box_xyxy: BoxXYXY
    mask: NDArray[np.bool_]

    def within(self, box: BoxXYXY) -> NDArray[np.bool_]:
        """Its pixels in `box`, bool (h, w) of that box."""
        inside = np.zeros((box[3] - box[1], box[2] - box[0]), dtype=bool)
        shared = common_box(box, self.box_xyxy)
        if not is_empty(shared):
            inside[window(shared, box[:2])] = self.mask[window(shared, self.box_xyxy[:2])]
        return inside


NOTHING = Shape(EMPTY, np.zeros((0, 0), dtype=bool))


def polygon_shape(polygon_xy: tuple[PointXY, ...], shape: tuple[int, int]) -> Shape:
    """Pixels whose centre lies inside a polygon by the even-odd rule, in a photo of `shape` (H, W)."""
    corners = np.asarray(polygon_xy, dtype=np.float64)
    box = _box_around(corners, 0.0, shape)
    return NOTHING if is_empty(box) else Shape(box, fill_polygon(corners, box))


def brush_shape(line_xy: tuple[PointXY, ...], width_px: float, shape: tuple[int, int]) -> Shape:
    """Pixels whose centre is within half of `width_px` of a line through points; one point makes a disc."""
    points = np.asarray(line_xy, dtype=np.float64)
    radius = width_px / 2
    box = _box_around(points, radius, shape)
    if is_empty(box):
        return NOTHING
    x0, y0, x1, y1 = box
    mask = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    for start, end in _short_steps(points):
        near = common_box(_box_around(np.stack([start, end]), radius, shape), box)
        if not is_empty(near):
            mask[window(near, (x0, y0))] |= _near_segment(near, start, end, radius)
    return Shape(box, mask)


def runs_shape(runs: MaskRuns, shape: tuple[int, int]) -> Shape:
    """Pixels of a mask; raises CorrectionError when its box is larger than the photo."""
    x0, y0, x1, y1 = runs.box_xyxy
    if (x1 - x0) * (y1 - y0) > shape[0] * shape[1]:
        raise CorrectionError(
            f"The mask fills a box of {x1 - x0} x {y1 - y0} pixels, more than the photo of {shape[1]} x {shape[0]} has."
            " Use the corrections that were made on this photo."
        )
    return box_shape(runs.box_xyxy, shape, runs.to_array())


def box_shape(box: BoxXYXY, shape: tuple[int, int], mask: NDArray[np.bool_] | None = None) -> Shape:
    """Pixels of a box, all of them or those of a `mask` (h, w), in a photo of `shape` (H, W)."""
    inside = common_box(box, (0, 0, shape[1], shape[0]))
    if is_empty(inside):
        return NOTHING
    size = inside[3] - inside[1], inside[2] - inside[0]
    return Shape(inside, np.broadcast_to(np.True_, size) if mask is None else mask[window(inside, box[:2])])


def _box_around(points: NDArray[np.float64], radius: float, shape: tuple[int, int]) -> BoxXYXY:
    """The box of pixels that may lie within `radius` of points (N, 2), within the photo."""
    low = np.clip(np.floor(points.min(axis=0) - radius), 0, shape[::-1])
    high = np.clip(np.ceil(points.max(axis=0) + radius), 0, shape[::-1])
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _short_steps(points: NDArray[np.float64]) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Both ends of each step of a line, with points in between so that none is longer than `_LONGEST_PX`; one point is a step by itself."""
    for start, end in itertools.pairwise(points if len(points) > 1 else points[[0, 0]]):
        count = max(1, math.ceil(float(np.abs(end - start).max()) / _LONGEST_PX))
        yield from itertools.pairwise(start + (end - start) * (np.arange(count + 1)[:, None] / count))


def _near_segment(box: BoxXYXY, start: NDArray[np.float64], end: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    """Tell which pixel centres of a box are within `radius` of a segment; bool (h, w)."""
    x = np.arange(box[0], box[2]) + 0.5 - start[0]
    y = (np.arange(box[1], box[3]) + 0.5 - start[1])[:, None]
    dx, dy = end - start
    length2 = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length2, 0.0, 1.0) if length2 > 0 else np.zeros((y.size, x.size))
    return np.asarray((x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius * radius)
