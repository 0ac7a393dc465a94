"""What the canvas shows, and what was drawn on it as points in photo pixels; knows its JSON (Fabric.js), and nothing of corrections.

The canvas shows a part of the photo, so every point is turned into the photo's frame here, once.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.operations import BoxXYXY, PointXY
from tesserae.ui.correct.view import View

_LEAST_STEP_PX = 0.5  # of the photo; a stroke's points closer than this say nothing new


@dataclass(frozen=True)
class Drawing:
    """One finished stroke.

    Attributes:
        points_xy: in photo pixels: the points of a stroke or polygon in order, the ends of a line, opposite corners of a box, or one point.
    """

    points_xy: tuple[PointXY, ...]

    @property
    def first_xy(self) -> PointXY:
        """Where it begins."""
        return self.points_xy[0]

    @property
    def box_xyxy(self) -> BoxXYXY:
        """The box around its points, whole pixels, half open, at least one pixel wide."""
        x, y = np.asarray(self.points_xy).T
        x0, y0 = math.floor(x.min()), math.floor(y.min())
        return x0, y0, max(x0 + 1, math.ceil(x.max())), max(y0 + 1, math.ceil(y.max()))


def empty_drawing(jpeg: bytes) -> dict[str, Any]:
    """A drawing with nothing on it but a picture of the canvas' size.

    The canvas takes no stroke before it is seen. A background image, its other way to have a picture, would be reported to the page as soon
    as it is loaded, and the page drawn anew for each.
    """
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
    return {"objects": [], "backgroundImage": {"type": "Image", "src": source, "left": 0, "top": 0, "originX": "left", "originY": "top"}}


def read_drawing(raw: Mapping[str, Any] | None, view: View) -> Drawing | None:
    """The last object of a canvas' drawing as it lies on the photo; None when nothing that can be read was drawn."""
    objects: Sequence[Mapping[str, Any]] = (raw or {}).get("objects") or []
    if not objects:
        return None
    try:
        points = _canvas_points(objects[-1])
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    if points is None or not np.isfinite(points).all():
        return None
    return Drawing(_thinned(view.to_photo(points)))


def _canvas_points(drawn: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """Points (N, 2) of an object in canvas pixels; None for a kind that no tool draws."""
    readers = {"Path": _path_points, "Line": _line_points, "Rect": _rect_points, "Polygon": _polygon_points, "Circle": _circle_point}
    reader = readers.get(str(drawn["type"]))
    return None if reader is None else np.asarray(reader(drawn), dtype=np.float64).reshape(-1, 2)


def _path_points(drawn: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The end of each segment of a stroke; Fabric smooths between them by less than a pixel."""
    return [(segment[-2], segment[-1]) for segment in drawn["path"]]


def _line_points(drawn: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Both ends, which Fabric gives from the line's middle."""
    x, y = drawn["left"], drawn["top"]
    return [(x + drawn["x1"], y + drawn["y1"]), (x + drawn["x2"], y + drawn["y2"])]


def _rect_points(drawn: Mapping[str, Any]) -> list[tuple[float, float]]:
    x, y = drawn["left"], drawn["top"]
    return [(x, y), (x + drawn["width"], y + drawn["height"])]


def _polygon_points(drawn: Mapping[str, Any]) -> list[tuple[float, float]]:
    return [(corner["x"], corner["y"]) for corner in drawn["points"]]


def _circle_point(drawn: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The middle of the dot that a click leaves; its left is that of its line, its top that of its middle."""
    return [(drawn["left"] + drawn["radius"] + drawn["strokeWidth"] / 2, drawn["top"])]


def _thinned(points: NDArray[np.float64]) -> tuple[PointXY, ...]:
    """Points rounded to a hundredth of a pixel, without those that lie as good as on the one before; the last one stays."""
    kept = [points[0]]
    for point in points[1:]:
        if np.hypot(*(point - kept[-1])) >= _LEAST_STEP_PX:
            kept.append(point)
    if len(points) > 1 and (kept[-1] != points[-1]).any():
        kept.append(points[-1])
    return tuple((round(float(x), 2), round(float(y), 2)) for x, y in kept)
