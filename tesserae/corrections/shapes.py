"""What is drawn, as pixels: polygons, brushes and masks, each within its own box and cut at the photo's edge.

A pixel (column j, row i) has its centre at (j + 0.5, i + 0.5). Nothing here knows of tesserae.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import EMPTY, common_box, is_empty, window
from tesserae.corrections.operations import BoxXYXY, MaskRuns, PointXY
from tesserae.errors import CorrectionError
from tesserae.polygons import fill_polygon

_DECIMALS = 6  # of a brush's points: what is finer means nothing, and would not stay finite where a step is divided by


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
    """Pixels whose centre is within half of `width_px` of a line through points; one point makes a disc.

    What is near a step of the line is convex, so each row of pixel centres has one section in it: the time follows rows, not pixels.
    """
    points = np.asarray(line_xy if len(line_xy) > 1 else line_xy * 2, dtype=np.float64).round(_DECIMALS)
    box = _box_around(points, width_px / 2, shape)
    if is_empty(box):
        return NOTHING
    x0, y0, x1, y1 = box
    step, row = _rows_near(points, width_px / 2, y0, y1)
    first, last = _sections(points[step], points[step + 1], np.asarray(row + 0.5), width_px / 2)
    filled = first <= last
    edges = np.zeros((y1 - y0, x1 - x0 + 1), dtype=np.int32)
    np.add.at(edges, (row[filled] - y0, _column(first[filled], box)), 1)
    np.add.at(edges, (row[filled] - y0, _column(np.nextafter(last[filled], np.inf), box)), -1)
    return Shape(box, np.cumsum(edges, axis=1, out=edges)[:, :-1] > 0)


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


def _column(x: NDArray[np.float64], box: BoxXYXY) -> NDArray[np.intp]:
    """The first column of a box whose centre is not left of x, (N,); one beyond the last where all are."""
    return np.asarray(np.clip(np.ceil(x - 0.5) - box[0], 0, box[2] - box[0]), dtype=np.intp)


def _rows_between(low: NDArray[np.float64], high: NDArray[np.float64], y0: int, y1: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Of y0 to y1 the rows whose centre is at least `low` and below `high`, for each of N: its index, and the row; two arrays (M,)."""
    first = np.clip(np.ceil(low - 0.5), y0, y1).astype(np.intp)
    count = np.clip(np.ceil(high - 0.5), y0, y1).astype(np.intp) - first
    index = np.repeat(np.arange(len(low)), count)
    return index, np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[index]


def _rows_near(points: NDArray[np.float64], radius: float, y0: int, y1: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Each step of a line with each row that may be within `radius` of it; two arrays (M,)."""
    y = points[:, 1]
    return _rows_between(np.minimum(y[:-1], y[1:]) - radius, np.maximum(y[:-1], y[1:]) + radius + 1, y0, y1)


def _sections(
    start: NDArray[np.float64], end: NDArray[np.float64], y: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last x at height y (M,) within `radius` of the steps from `start` to `end` (M, 2); first above last where there is none.

    Such a section is that of the discs around both ends and of the rectangle between them, taken together.
    """
    sections = _disc(start, y, radius), _disc(end, y, radius), _rectangle(start, end - start, y, radius)
    first, last = np.stack(sections, axis=1)
    return first.min(axis=0), last.max(axis=0)


def _disc(centre: NDArray[np.float64], y: NDArray[np.float64], radius: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    aside = y - centre[:, 1]
    half = np.sqrt(np.maximum(radius**2 - aside**2, 0))
    inside = np.abs(aside) <= radius
    return np.where(inside, centre[:, 0] - half, np.inf), np.where(inside, centre[:, 0] + half, -np.inf)


def _rectangle(
    start: NDArray[np.float64], step: NDArray[np.float64], y: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Section of what is within `radius` aside of a step and neither before its start nor beyond its end."""
    (dx, dy), below = step.T, y - start[:, 1]
    length = np.hypot(dx, dy)
    with np.errstate(divide="ignore", invalid="ignore"):  # a level or an upright step bounds x one way only, see below
        ends = np.sort([-below * dy / dx, (length**2 - below * dy) / dx], axis=0)
        sides = below * dx / dy + np.multiply.outer([-1, 1], radius * (length / np.abs(dy)))
    open_ends = np.where((below * dy >= 0) & (below * dy <= length**2), [[-np.inf], [np.inf]], [[np.inf], [-np.inf]])
    open_sides = np.where(np.abs(below) <= radius, [[-np.inf], [np.inf]], [[np.inf], [-np.inf]])
    bounds = np.where(dx == 0, open_ends, ends), np.where(dy == 0, open_sides, sides)
    first, last = np.maximum(bounds[0][0], bounds[1][0]), np.minimum(bounds[0][1], bounds[1][1])
    inside = (first <= last) & (length > 0)
    return np.where(inside, start[:, 0] + first, np.inf), np.where(inside, start[:, 0] + last, -np.inf)
