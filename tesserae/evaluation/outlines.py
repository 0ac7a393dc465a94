"""How well the outlines of two label maps agree, within a tolerance."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tesserae.evaluation.counts import harmonic, ratio

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class BoundaryScore:
    """Outlines that lie within a tolerance of each other; see `score_boundary`."""

    precision: float
    recall: float
    f: float
    tolerance_px: float


def score_boundary(pred_labels: Labels, true_labels: Labels, tolerance_px: float) -> BoundaryScore:
    """Share of outline pixels with an outline pixel of the other map within a (Euclidean) tolerance.

    Outline pixels are those of a tessera with a 4-neighbour of another label, mortar or tessera; the edge of the map is
    no outline.

    Raises:
        ValueError: the tolerance is negative or not finite.
    """
    if not (math.isfinite(tolerance_px) and tolerance_px >= 0):
        raise ValueError(f"tolerance_px should be a number of pixels of at least 0, found {tolerance_px}")
    pred, true = outline_pixels(pred_labels), outline_pixels(true_labels)
    precision = ratio(int((pred & widen(true, tolerance_px)).sum()), int(pred.sum()))
    recall = ratio(int((true & widen(pred, tolerance_px)).sum()), int(true.sum()))
    return BoundaryScore(precision, recall, harmonic(precision, recall), float(tolerance_px))


def outline_pixels(labels: Labels) -> Mask:
    """Pixels of tesserae that touch another label; bool (H, W)."""
    edge: Mask = np.zeros(labels.shape, dtype=bool)
    below, beside = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    edge[1:] |= below
    edge[:-1] |= below
    edge[:, 1:] |= beside
    edge[:, :-1] |= beside
    edge &= labels != 0
    return edge


def widen(mask: Mask, radius_px: float) -> Mask:
    """Pixels within `radius_px` (Euclidean, between pixel centres) of a pixel of the mask; bool (H, W).

    A disc is a stack of rows, so the mask is widened along its rows step by step and each row of the disc laid over the
    result: about 4 radii of passes, where a distance transform would take several times the memory.
    """
    height, width = mask.shape
    wide, result, half_width = mask.copy(), np.zeros_like(mask), 0
    for dy in range(min(int(radius_px), height - 1), -1, -1):
        target = min(int(math.sqrt(radius_px**2 - dy**2)), width - 1)
        while half_width < target:
            half_width += 1
            wide[:, half_width:] |= mask[:, :-half_width]
            wide[:, :-half_width] |= mask[:, half_width:]
        result[dy:] |= wide[: height - dy]
        result[: height - dy] |= wide[dy:]
    return result
