"""Between polygons and pixels, both ways: which pixels an outline holds, and the outline that a mask's pixels have; knows no labels.

Coordinates are photo pixels (x, y). The pixel of column c and row r is the square from (c, r) to (c + 1, r + 1), so that corners of pixels
lie at whole numbers and centres at whole numbers plus a half. A polygon holds a pixel when it holds its centre, by the even-odd rule; of
two polygons with a common side each pixel belongs to one at most. An outline traced here and filled again gives the same pixels.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Coordinates: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]
BoxXYXY: TypeAlias = tuple[int, int, int, int]

_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))  # right, down, left, up; the tessera lies to the right-hand side
_TURNS = (1, 0, 3)  # right, straight on, left: the first that there is keeps to the same pixel where two meet at a corner


def points_in_polygon(points_xy: Coordinates, polygon_xy: Coordinates) -> Mask:
    """Even-odd rule: a point is inside when a ray towards larger x crosses an odd number of sides.

    Args:
        points_xy: float (N, 2).
        polygon_xy: float (K, 2), closed by itself (the last corner is joined to the first).

    Returns:
        bool (N,). Each side owns its upper corner only (smaller y), so a corner is never counted twice.
    """
    x, y = points_xy[:, 0], points_xy[:, 1]
    inside = np.zeros(len(points_xy), dtype=bool)
    for (ax, ay), (bx, by) in zip(polygon_xy, np.roll(polygon_xy, 1, axis=0), strict=True):
        if ay == by:
            continue  # a level side is never crossed by a level ray
        spans = (ay > y) != (by > y)
        inside ^= spans & (x < ax + (bx - ax) * (y - ay) / (by - ay))
    return inside


def pixel_box(polygon_xy: Coordinates) -> BoxXYXY:
    """Box around the pixels whose centres a polygon (K, 2) may hold, half open; it may be empty, and lie outside the photo."""
    x0, y0 = (int(edge) for edge in np.ceil(polygon_xy.min(axis=0) - 0.5))
    x1, y1 = (int(edge) for edge in np.ceil(polygon_xy.max(axis=0) - 0.5))
    return x0, y0, x1, y1


def fill_polygon(polygon_xy: Coordinates, box_xyxy: BoxXYXY) -> Mask:
    """Return which pixels of a box, bool (h, w), a polygon (K, 2) holds; same rule as `points_in_polygon` at their centres.

    Every row is crossed once by each side that spans it: time follows the length of the outline and the area of the box, not their product.
    """
    x0, y0, x1, y1 = box_xyxy
    (ax, ay), (bx, by) = polygon_xy.T, np.roll(polygon_xy, 1, axis=0).T
    first, last = (np.clip(np.ceil(edge(ay, by) - 0.5), y0, y1).astype(np.int64) for edge in (np.minimum, np.maximum))
    rows_of_side = last - first
    side = np.repeat(np.arange(len(polygon_xy)), rows_of_side)
    row = np.arange(len(side)) - np.repeat(np.cumsum(rows_of_side) - rows_of_side, rows_of_side) + first[side]
    x = ax[side] + (bx - ax)[side] * (row + 0.5 - ay[side]) / (by - ay)[side]
    column = np.clip(np.ceil(x - 0.5), x0, x1).astype(np.int64)  # the first pixel whose centre lies at the crossing or beyond
    crossed = np.zeros((y1 - y0, x1 - x0 + 1), dtype=bool)
    np.logical_xor.at(crossed, (row - y0, column - x0), True)
    return np.asarray(np.logical_xor.accumulate(crossed, axis=1)[:, :-1])


def trace_outlines(mask: Mask, origin_xy: tuple[int, int] = (0, 0)) -> list[Coordinates]:
    """Return the outlines of a mask (h, w) along the edges of its pixels, each float64 (K, 2), without points on straight lines.

    Pixels that meet at a corner only are not joined. Outer outlines run clockwise as seen in the photo, those of holes the other way:
    `signed_area` tells them apart.

    Args:
        mask: the tessera's pixels.
        origin_xy: photo pixel of the mask's first pixel.
    """
    ways = _ways(np.pad(mask, 1))
    width = ways.shape[1]
    open_ways = bytearray(ways.tobytes())
    outlines = []
    for start in np.flatnonzero(ways.ravel()).tolist():
        while open_ways[start]:
            corners = _walk(open_ways, start, width)
            outlines.append(np.array([(place % width, place // width) for place in corners], dtype=np.float64) + np.asarray(origin_xy))
    return outlines


def join_outlines(outlines: list[Coordinates]) -> Coordinates:
    """Return one polygon (K, 2) that holds what several outlines of whole numbers, at least one, hold together by the even-odd rule.

    From the first corner of the first outline a level and an upright way lead to each of the others, and back: walked twice, they hold
    nothing.
    """
    x, y = outlines[0][0]
    parts = [outlines[0], outlines[0][:1]]
    for outline in outlines[1:]:
        corner = np.array([[outline[0, 0], y]])
        parts += [corner, outline, outline[:1], corner, np.array([[x, y]])]
    return np.concatenate(parts)


def signed_area(polygon_xy: Coordinates) -> float:
    """Area of a polygon (K, 2) in square pixels: positive when it runs clockwise as seen in the photo."""
    x, y = (polygon_xy - polygon_xy[0]).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _ways(padded: Mask) -> NDArray[np.uint8]:
    """For each corner of the pixels, which ways an outline leaves it: bit 0 right, 1 down, 2 left, 3 up; uint8 (h + 1, w + 1).

    `padded` is the mask (h + 2, w + 2) with a rim of mortar; corner (0, 0) is the upper left one of the mask's first pixel.
    """
    above_left, above_right = padded[:-1, :-1], padded[:-1, 1:]
    below_left, below_right = padded[1:, :-1], padded[1:, 1:]
    right, down = below_right & ~above_right, below_left & ~below_right
    left, up = above_left & ~below_left, above_right & ~above_left
    return np.asarray(right + 2 * down + 4 * left + 8 * up, dtype=np.uint8)


def _walk(ways: bytearray, start: int, width: int) -> list[int]:
    """Follow one outline from its first corner in reading order back to it, and return the corners where it turns.

    Each way that was taken is closed. Of the outlines that pass the first corner only this one is open still: others have corners before.
    """
    steps = [dx + dy * width for dx, dy in _STEPS]
    place, heading = start, ways[start].bit_length() - 1
    corners = [start]
    while True:
        ways[place] &= ~(1 << heading)
        place += steps[heading]
        onward = [(heading + turn) % 4 for turn in _TURNS if ways[place] >> (heading + turn) % 4 & 1]
        if not onward:
            return corners
        if onward[0] != heading:
            corners.append(place)
        heading = onward[0]
