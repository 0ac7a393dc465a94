"""What clicks alone say of a stone's outline, and what they say against one: masks of a part of the photo, no model.

Masks are bool (h, w); points and boxes count their pixels, the first pixel's centre lying at 0 for points; boxes are half open.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

_BOX_FILL = 0.9  # a stone in a drawn box: its sides over those of the box,
_BOX_POWER = 4.0  # and how square it is (2 = an ellipse)
_DISC_SIDES = 0.8  # a stone of which one point is known: its diameter in tessera sides
_STROKE_SIDES = 0.35  # what a further click paints or erases


def rounded_box(shape: tuple[int, int], box_xyxy: NDArray[np.float64]) -> Mask:
    """Return a stone that a box was drawn around: a little smaller, with round corners."""
    first, last = box_xyxy[:2], box_xyxy[2:]
    middle, half = (first + last - 1) / 2, _BOX_FILL * (last - first) / 2
    x, y = (np.abs(np.arange(length) - middle[k]) / half[k] for k, length in enumerate(reversed(shape)))
    return np.asarray((x**_BOX_POWER)[None] + (y**_BOX_POWER)[:, None] <= 1)


def disc(shape: tuple[int, int], middle_xy: Points, side_px: float) -> Mask:
    """Return a stone of usual size around a point (2,)."""
    return _stroke(shape, middle_xy, middle_xy, _DISC_SIDES * side_px)


def draw_clicks(mask: Mask, points_xy: Points, inside: Mask, side_px: float) -> Mask:
    """Return the mask with what points (N, 2) say, `inside` (N,) or not: first strokes are painted, then spots erased.

    A stone is nearly convex, so all between its first point and another one is painted. No spot reaches a point inside.
    """
    shape, width = (mask.shape[0], mask.shape[1]), _STROKE_SIDES * side_px
    positive, drawn = points_xy[inside], mask.copy()
    for point in positive[1:]:
        drawn |= _stroke(shape, positive[0], point, width)
    for point in points_xy[~inside]:
        nearest = np.hypot(*(positive - point).T).min(initial=np.inf)
        drawn &= ~_stroke(shape, point, point, min(width, nearest))
    return drawn


def part_at(mask: Mask, point_xy: Points, reach_px: float = 0.0) -> Mask | None:
    """Return the 4-connected part at a point (2,), or the nearest within `reach_px`, without holes; None where there is none."""
    rows, columns = np.nonzero(mask)
    column, row = np.floor(point_xy + 0.5)
    away = np.hypot(rows - row, columns - column)
    if away.min(initial=np.inf) > reach_px:
        return None
    nearest = int(away.argmin())
    parts, _ = ndimage.label(mask)
    return np.asarray(ndimage.binary_fill_holes(parts == parts[rows[nearest], columns[nearest]]))


def _stroke(shape: tuple[int, int], start_xy: Points, end_xy: Points, width_px: float) -> Mask:
    """Pixels whose centres lie within half the width of a line."""
    x, y = np.meshgrid(np.arange(shape[1]) - start_xy[0], np.arange(shape[0]) - start_xy[1])
    along = end_xy - start_xy
    share = np.clip((x * along[0] + y * along[1]) / max(float(along @ along), 1e-9), 0, 1)
    return np.asarray(np.hypot(x - share * along[0], y - share * along[1]) <= width_px / 2)
