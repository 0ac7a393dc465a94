"""Regions of a photo: what a correction was drawn on, and which tesserae belong to what was approved."""

from collections.abc import Mapping, Sequence

import numpy as np

from tesserae.corrections.boxes import EMPTY, common_box, is_empty, union_box, widened_box, window
from tesserae.corrections.operations import Approve, BoxXYXY, Correction, PointXY, Several
from tesserae.corrections.patches import Pixels
from tesserae.corrections.shapes import brush_shape, polygon_shape


def drawn_box(correction: Correction, shape: tuple[int, int]) -> BoxXYXY:
    """The smallest box around what was drawn for a correction, in a photo of `shape` (H, W); empty where nothing was.

    It says where a person was looking, also where no pixel changed. All of a photo is drawn on by who approves all of it.
    """
    if isinstance(correction, Several):
        return union_box(drawn_box(each, shape) for each in correction.corrections)
    if correction == Approve():
        return 0, 0, shape[1], shape[0]
    brush = getattr(correction, "line_xy", None) or getattr(correction, "points_xy", None)
    polygon, mask = getattr(correction, "polygon_xy", None), getattr(correction, "mask", None)
    return union_box(
        [
            brush_shape(brush, getattr(correction, "width_px", 1.0), shape).box_xyxy if brush else EMPTY,
            polygon_shape(polygon, shape).box_xyxy if polygon else EMPTY,
            mask.box_xyxy if mask else EMPTY,
            getattr(correction, "box_xyxy", None) or EMPTY,
        ]
    )


def touch(a: BoxXYXY, b: BoxXYXY) -> bool:
    """Tell whether two boxes share a pixel or lie side by side; an empty one touches nothing."""
    return not (is_empty(a) or is_empty(b) or is_empty(common_box(widened_box(a, 1), b)))


def count_in_region(labels: Pixels, boxes: Mapping[int, BoxXYXY], region_xy: Sequence[tuple[PointXY, ...]] | None) -> int:
    """How many tesserae have more than half of their area in a region.

    Args:
        labels: label map (H, W).
        boxes: the smallest box around each tessera, by number.
        region_xy: polygons, which may overlap; None for the whole photo.
    """
    if region_xy is None:
        return len(boxes)
    shapes = [polygon_shape(polygon_xy, labels.shape) for polygon_xy in region_xy]
    found = 0
    for label, box in boxes.items():
        near = [shape for shape in shapes if not is_empty(common_box(shape.box_xyxy, box))]
        if near:
            own = labels[window(box)] == label
            inside = np.logical_or.reduce([shape.within(box) for shape in near])
            found += int(2 * np.count_nonzero(own & inside) > np.count_nonzero(own))
    return found
