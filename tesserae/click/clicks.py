"""Clicks on a photo that ask for one stone: a checked record; knows nothing of photos and models."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tesserae.corrections.operations import PointXY
from tesserae.errors import CorrectionError


@dataclass(frozen=True)
class Clicks:
    """What a person pointed at to have one stone outlined, in photo pixels; as in corrections, the first pixel's centre is at 0.5.

    Attributes:
        points_xy: the clicks.
        point_labels: of each click, 1 = inside the stone, 0 = not part of it.
        box_xyxy: drawn around the stone, or None.
    """

    points_xy: tuple[PointXY, ...] = ()
    point_labels: tuple[int, ...] = ()
    box_xyxy: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        points, labels = len(self.points_xy), len(self.point_labels)
        _expect(points == labels, f"Each click is either inside the stone or not; found {points} clicks and {labels} labels.")
        _expect(set(self.point_labels) <= {0, 1}, f"A click has the label 1 (inside) or 0 (not part of it), found {self.point_labels}.")
        numbers = [*(number for point in self.points_xy for number in point), *(self.box_xyxy or ())]
        _expect(bool(np.isfinite(numbers).all()), "The positions of clicks and the corners of a box are numbers.")
        _expect(self.box_xyxy is not None or 1 in self.point_labels, "Click inside the stone first, or draw a box around it.")
        if self.box_xyxy is not None:
            x0, y0, x1, y1 = self.box_xyxy
            _expect(x1 - x0 >= 1 and y1 - y0 >= 1, "The box is less than a pixel wide or high. Drag it from corner to corner of the stone.")

    @property
    def anchor_xy(self) -> PointXY:
        """Where the stone is: the first click inside, else the middle of the box."""
        if 1 in self.point_labels:
            return self.points_xy[self.point_labels.index(1)]
        x0, y0, x1, y1 = self.box_xyxy or (0.0, 0.0, 0.0, 0.0)
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def box_side_px(self) -> float:
        """Square root of the box's area; NaN without a box."""
        if self.box_xyxy is None:
            return float("nan")
        x0, y0, x1, y1 = self.box_xyxy
        return float(np.sqrt((x1 - x0) * (y1 - y0)))

    def as_dict(self) -> Mapping[str, object]:
        """JSON types, for the record of a correction."""
        box = None if self.box_xyxy is None else list(self.box_xyxy)
        return {"points_xy": [list(point) for point in self.points_xy], "point_labels": list(self.point_labels), "box_xyxy": box}


def _expect(holds: bool, sentence: str) -> None:
    if not holds:
        raise CorrectionError(sentence)
