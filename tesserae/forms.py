"""The form of every tessera of a label map, box by box: what tells a stone from a fragment, or from two that were taken for one.

A large tessera is looked at through a grid of about `_SAMPLES` a side, so that the time follows the number of tesserae and not the pixels
of the photo.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.labelmap import check_label_map
from tesserae.measure import measure_tesserae

Floats = NDArray[np.float64]
Mask8 = NDArray[np.uint8]

_SAMPLES = 32  # along the shorter side of a box; more change no figure by more than a hundredth
_LEAST_SEED_SHARE = 0.5  # of the depth of the first seed; a shallower second one is a bump of the outline
_WAIST_LEVELS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)  # of the greatest depth, where a waist is looked for
_STRAIGHT = 0.93  # from this solidity on, no waist is deep enough to be seen


@dataclass(frozen=True, eq=False)
class Forms:
    """Tesserae in ascending order of label, N of them.

    Attributes:
        labels: int32 (N,).
        boxes_xyxy: int64 (N, 4), pixels, half open.
        centres_xy: float64 (N, 2), mean of pixel indices.
        areas_px: int64 (N,).
        radii_px: float64 (N,), distance from the deepest pixel's centre to the nearest outside, holes filled.
        solidities: float64 (N,), area over that of the convex hull, 0..1, holes filled.
        waists: float64 (N,), depth of the narrowest place between two seeds over the depth of the second; 1 where there is one seed.
        cut: bool (N,), at the photo's edge, which may cut it.
    """

    labels: NDArray[np.int32]
    boxes_xyxy: NDArray[np.int64]
    centres_xy: Floats
    areas_px: NDArray[np.int64]
    radii_px: Floats
    solidities: Floats
    waists: Floats
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)


def measure_forms(labels: NDArray[np.int32]) -> Forms:
    """Measure all tesserae of a label map int32 (H, W); raises LabelMapError when it is none."""
    labels = check_label_map(labels)
    table = measure_tesserae(labels)
    numbers = table["label"].to_numpy(np.int32)
    boxes = table[["box_x0", "box_y0", "box_x1", "box_y1"]].to_numpy(np.int64)
    figures = [_measure(mask, step) for mask, step in _masks(labels, numbers, boxes)]
    radii, solidities, waists = np.array(figures, dtype=np.float64).reshape(-1, 3).T
    height, width = labels.shape
    return Forms(
        labels=numbers,
        boxes_xyxy=boxes,
        centres_xy=table[["centroid_x_px", "centroid_y_px"]].to_numpy(np.float64),
        areas_px=table["area_px"].to_numpy(np.int64),
        radii_px=radii,
        solidities=solidities,
        waists=waists,
        cut=(boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2] == width) | (boxes[:, 3] == height),
    )


def solidity_of_several(labels: NDArray[np.int32], forms: Forms, rows: NDArray[np.int64]) -> float:
    """Solidity of several tesserae of the label map (H, W) taken as one, with nothing of what lies between them."""
    boxes = forms.boxes_xyxy[rows]
    (x0, y0), (x1, y1) = boxes[:, :2].min(axis=0).tolist(), boxes[:, 2:].max(axis=0).tolist()
    step = max(1, min(x1 - x0, y1 - y0) // _SAMPLES)
    mask = np.isin(labels[y0:y1:step, x0:x1:step], forms.labels[rows]).astype(np.uint8)
    return _solidity(mask, _outlines(mask)) if mask.any() else 0.0


def _masks(labels: NDArray[np.int32], numbers: NDArray[np.int32], boxes: NDArray[np.int64]) -> Iterator[tuple[Mask8, int]]:
    """The mask of each tessera, uint8 (h, w), one sample wider than its box all around, and the pixels per sample."""
    for number, (x0, y0, x1, y1) in zip(numbers.tolist(), boxes.tolist(), strict=True):
        step = max(1, min(x1 - x0, y1 - y0) // _SAMPLES)
        inside = labels[y0:y1:step, x0:x1:step] == number
        if step > 1 and not inside.any():  # strokes that are thinner than the grid
            step, inside = 1, labels[y0:y1, x0:x1] == number
        mask = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2), dtype=np.uint8)
        mask[1:-1, 1:-1] = inside
        yield mask, step


def _measure(mask: Mask8, step: int) -> tuple[float, float, float]:
    """Radius in pixels, solidity and waist of a mask with a rim of zeros, holes filled: a hole is no waist."""
    outlines = _outlines(mask)
    whole = np.asarray(cv2.drawContours(mask, outlines, -1, 1, cv2.FILLED), dtype=np.uint8)
    depth = np.asarray(cv2.distanceTransform(whole, cv2.DIST_L2, cv2.DIST_MASK_5), dtype=np.float32)
    solid = _solidity(whole, outlines)
    return float(depth.max()) * step, solid, 1.0 if solid >= _STRAIGHT else _waist(depth)


def _outlines(mask: Mask8) -> list[NDArray[np.int32]]:
    """The outer outline pixels of each part of a mask, int32 (P, 1, 2)."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(contour, dtype=np.int32) for contour in contours]


def _solidity(mask: Mask8, outlines: list[NDArray[np.int32]]) -> float:
    """Pixels of a mask over those of its convex hull; near 1 for a convex one, whatever its size."""
    hull = cv2.fillConvexPoly(np.zeros_like(mask), cv2.convexHull(np.concatenate(outlines)), 1)
    return cv2.countNonZero(mask) / cv2.countNonZero(hull)


def _waist(depth: NDArray[np.float32]) -> float:
    """The smallest share of the second seed's depth at which two seeds part, as far as levels of depth tell; 1 where they never do."""
    deepest, narrowest = float(depth.max()), 1.0
    for level in _WAIST_LEVELS:
        count, parts = cv2.connectedComponents((depth > level * deepest).astype(np.uint8), connectivity=8)
        if count < 3:
            continue
        peaks = ndimage.maximum(depth, parts, np.arange(1, count))
        second = float(np.sort(peaks)[-2])
        if second >= _LEAST_SEED_SHARE * deepest:
            narrowest = min(narrowest, level * deepest / second)
    return narrowest
