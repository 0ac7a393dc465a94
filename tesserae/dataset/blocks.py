"""Cuts one mosaic into a block to learn from and a block to check on, with a strip between them that belongs to neither."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import mask_box, window
from tesserae.corrections.operations import BoxXYXY
from tesserae.dataset.ground import Labels, Mask, limit_truth
from tesserae.labelmap import count_tesserae, tessera_slices
from tesserae.measure import median_side_px

VALIDATION_SHARE = 0.25
"""Of the tesserae of a mosaic that is cut."""

FEWEST_TO_CUT = 24
"""A mosaic with fewer known tesserae is not cut: a quarter of them would say nothing."""

_GUARD_SIDES = 2.0  # of the median tessera: no tessera, nor its joint, is seen from both blocks


@dataclass(frozen=True)
class Blocks:
    """Two boxes of one photo, half open, and how many tesserae are known in each."""

    train_xyxy: BoxXYXY
    validation_xyxy: BoxXYXY
    train_count: int
    validation_count: int


def cut_blocks(labels: Labels, known: Mask) -> Blocks | None:
    """Cut a photo with a label map (H, W), known in `known` (H, W), across the longer side of what is known.

    Returns None where that leaves too few tesserae on one side, or there are fewer than `FEWEST_TO_CUT`.
    """
    values, slices = tessera_slices(labels)
    if len(values) < FEWEST_TO_CUT:
        return None
    height, width = labels.shape
    x0, y0, x1, y1 = mask_box(known)
    is_wide = x1 - x0 >= y1 - y0
    middles = np.sort([(each[is_wide].start + each[is_wide].stop) / 2 for each in slices])
    guard_px = math.ceil(_GUARD_SIDES * median_side_px(labels))
    place = _find_cut(middles, guard_px, width if is_wide else height)
    if place is None:
        return None
    train, validation = ((0, 0, place, height), (place + guard_px, 0, width, height))
    if not is_wide:
        train, validation = ((0, 0, width, place), (0, place + guard_px, width, height))
    counts = [_count_within(labels, known, box) for box in (train, validation)]
    return Blocks(train, validation, *counts) if all(counts) else None


def _find_cut(middles: NDArray[np.float64], guard_px: int, length_px: int) -> int | None:
    """Where the strip begins so that the tesserae beyond it are nearest to their share; of such places one that costs the fewest tesserae.

    `middles` (N,), ascending, are those of the tesserae along the side that is cut.
    """
    places = np.arange(1, length_px - guard_px)
    before = np.searchsorted(middles, places)
    beyond = len(middles) - np.searchsorted(middles, places + guard_px)
    usable = (before > 0) & (beyond > 0)
    if not usable.any():
        return None
    places, before, beyond = places[usable], before[usable], beyond[usable]
    off = np.abs(beyond / (before + beyond) - VALIDATION_SHARE)
    return int(places[np.lexsort((-(before + beyond), off.round(2)))[0]])


def _count_within(labels: Labels, known: Mask, box_xyxy: BoxXYXY) -> int:
    inside = np.zeros(labels.shape, dtype=bool)
    inside[window(box_xyxy)] = True
    return count_tesserae(limit_truth(labels, known & inside)[0])
