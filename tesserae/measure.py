"""Measurements of tesserae, one row each, from a label map alone; knows nothing of files or of how labels were made.

Lengths are in pixels of the photo. Millimetres appear only when a scale is given; without one they stay NaN.
"""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.errors import TesseraeError
from tesserae.labelmap import check_label_map, present_labels, relabel_sequential

_STRIP_PIXELS = 1 << 22  # bounds the float64 weights of the coordinate sums


def measure_tesserae(
    labels: NDArray[np.int32],
    *,
    predicted_iou: Mapping[int, float] | None = None,
    stability: Mapping[int, float] | None = None,
    mm_per_px: float | None = None,
) -> pd.DataFrame:
    """Measure every tessera of a label map (H, W).

    Args:
        labels: label map, 0 is mortar.
        predicted_iou: the model's own estimate per label; labels without one get NaN.
        stability: stability score per label; labels without one get NaN.
        mm_per_px: scale of the photo in millimetres per pixel.

    Returns a table in ascending order of label: label; centroid_x_px, centroid_y_px (mean of pixel indices, so whole
    numbers are pixel centres); area_px; box_x0, box_y0, box_x1, box_y1 (pixels, half open); side_px (square root of
    the area: the side of a square of that area); predicted_iou; stability; area_mm2 and side_mm (NaN without a scale).

    Raises LabelMapError when `labels` is not a label map, TesseraeError when the scale is not a positive number.
    """
    scale_mm = _checked_scale(mm_per_px)
    labels = check_label_map(labels)
    values = present_labels(labels)
    dense = labels if values.size == 0 or values[-1] == values.size else relabel_sequential(labels)
    area_px, sum_x, sum_y = _moments(dense, values.size)
    boxes = _boxes_xyxy(dense, values.size)
    side_px = np.sqrt(area_px)
    columns = {
        "label": values,
        "centroid_x_px": sum_x / area_px,
        "centroid_y_px": sum_y / area_px,
        "area_px": area_px,
        **{f"box_{edge}": boxes[:, index] for index, edge in enumerate(("x0", "y0", "x1", "y1"))},
        "side_px": side_px,
        "predicted_iou": _looked_up(predicted_iou, values),
        "stability": _looked_up(stability, values),
        "area_mm2": area_px * scale_mm**2,
        "side_mm": side_px * scale_mm,
    }
    return pd.DataFrame(columns)


def median_side_px(labels: NDArray[np.int32]) -> float:
    """Median over the tesserae of the square root of their area, in pixels; NaN when there are none."""
    values = present_labels(labels)
    if values.size == 0:
        return math.nan
    dense = labels if values[-1] == values.size else relabel_sequential(labels)
    return float(np.median(np.sqrt(_areas_px(dense, values.size))))


def _checked_scale(mm_per_px: float | None) -> float:
    """The scale as a number, NaN when none is given."""
    if mm_per_px is None:
        return math.nan
    if not (math.isfinite(mm_per_px) and mm_per_px > 0):
        raise TesseraeError(
            f"The scale is a positive number of millimetres per pixel, found {mm_per_px}. Give for example 0.25, or leave the scale out."
        )
    return float(mm_per_px)


def _areas_px(dense: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Pixels per tessera of a label map numbered 1..count; int64 (count,)."""
    area_px = np.zeros(count + 1, dtype=np.int64)
    step = max(1, _STRIP_PIXELS // dense.shape[1])
    for top in range(0, dense.shape[0], step):
        area_px += np.bincount(dense[top : top + step].ravel(), minlength=count + 1)
    return area_px[1:]


def _moments(dense: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Area and sums of column and row indices per tessera of a label map numbered 1..count; three times (count,).

    The sums are of whole numbers below 2^53, hence exact: strips do not change them.
    """
    height, width = dense.shape
    sum_x, sum_y = np.zeros(count + 1), np.zeros(count + 1)
    step = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, step):
        strip = dense[top : top + step]
        flat = strip.ravel()
        x = np.broadcast_to(np.arange(width, dtype=np.float64), strip.shape)
        y = np.broadcast_to(np.arange(top, top + strip.shape[0], dtype=np.float64)[:, None], strip.shape)
        sum_x += np.bincount(flat, weights=x.ravel(), minlength=count + 1)
        sum_y += np.bincount(flat, weights=y.ravel(), minlength=count + 1)
    return _areas_px(dense, count), sum_x[1:], sum_y[1:]


def _boxes_xyxy(dense: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """Boxes of a label map numbered 1..count in pixels, half open; int64 (count, 4)."""
    boxes = ndimage.find_objects(dense, max_label=count)
    edges = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in boxes]
    return np.array(edges, dtype=np.int64).reshape(count, 4)


def _looked_up(scores: Mapping[int, float] | None, values: NDArray[np.int32]) -> NDArray[np.float64]:
    """Score of each label, NaN where there is none."""
    known = scores or {}
    return np.array([known.get(int(value), math.nan) for value in values], dtype=np.float64)
