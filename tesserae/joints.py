"""The joints of a label map: between which tesserae they run, how long and how wide they are, and how deep the mortar is everywhere.

A large photo is looked at through a coarser grid, on which the median tessera still has about `_SAMPLES` samples a side.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.forms import Forms
from tesserae.labelmap import TABLE_LIMIT, fill_mortar_from_nearest

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SAMPLES = 32
_WIDEST_SIDES = 1.0  # mortar that is wider than the side of the median tessera is no joint


@dataclass(frozen=True, eq=False)
class Mortar:
    """The mortar of a photo, seen on a grid (h, w).

    Attributes:
        step_px: pixels of the photo per sample.
        depths_px: float32 (h, w), distance to the nearest tessera or unreadable pixel; 0 on these.
        nearest: int32 (h, w), row of the nearest tessera among the forms; -1 where there is none in the photo.
    """

    step_px: int
    depths_px: NDArray[np.float32]
    nearest: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Joints:
    """Pairs of neighbouring tesserae, P of them.

    Attributes:
        first, second: int64 (P,), rows of the forms, first < second.
        lengths_px: float64 (P,), how far they run beside each other.
        widths_px: float64 (P,), mean width of the mortar between them; 0 where they touch.
        usual_px: median width along all joints of the map; NaN without any.
    """

    first: Integers
    second: Integers
    lengths_px: Floats
    widths_px: Floats
    usual_px: float


def survey_mortar(labels: NDArray[np.int32], forms: Forms, ignored: NDArray[np.bool_] | None = None) -> Mortar:
    """Measure how deep the mortar of a label map (H, W) is, and whose it is.

    Args:
        labels: the label map.
        forms: those of the same map.
        ignored: bool (H, W), unreadable pixels; they are no mortar.
    """
    step = max(1, int(_median_side_px(forms)) // _SAMPLES)
    grid = np.ascontiguousarray(labels[::step, ::step])
    if not grid.any():
        return Mortar(step, np.full(grid.shape, np.inf, dtype=np.float32), np.full(grid.shape, -1, dtype=np.int32))
    bare = grid == 0 if ignored is None else (grid == 0) & ~ignored[::step, ::step]
    depths = cv2.distanceTransform(bare.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return Mortar(step, np.asarray(depths * step, dtype=np.float32), _rows_of(fill_mortar_from_nearest(grid), forms))


def find_joints(mortar: Mortar, forms: Forms) -> Joints:
    """Find the joints of all neighbouring tesserae."""
    count, widest_px = max(len(forms), 1), _WIDEST_SIDES * _median_side_px(forms)
    borders = [_borders(mortar, count, along) for along in (0, 1)]
    codes, widths = (np.concatenate(each) for each in zip(*borders, strict=True))
    codes, widths = codes[widths <= widest_px], widths[widths <= widest_px]
    pairs, pair, steps = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.bincount(pair, weights=widths, minlength=len(pairs)) / np.maximum(steps, 1)
    first, second = np.divmod(pairs, count)
    usual_px = float(np.median(widths)) if len(widths) else math.nan
    return Joints(first, second, steps.astype(np.float64) * mortar.step_px, means, usual_px)


def _median_side_px(forms: Forms) -> float:
    return float(np.median(np.sqrt(forms.areas_px))) if len(forms) else 1.0


def _borders(mortar: Mortar, count: int, along: int) -> tuple[Integers, Floats]:
    """Where neighbouring samples along an axis belong to two tesserae: the pair as first * count + second, and the width there."""
    one, other = ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:]))[along]
    border = mortar.nearest[one] != mortar.nearest[other]
    here, there = mortar.nearest[one][border], mortar.nearest[other][border]
    widths = mortar.depths_px[one][border].astype(np.float64) + mortar.depths_px[other][border]
    return np.minimum(here, there).astype(np.int64) * count + np.maximum(here, there), widths


def _rows_of(labels: NDArray[np.int32], forms: Forms) -> NDArray[np.int32]:
    """The row of the forms for each label of a map without mortar; by a table where numbers allow it, ten times as fast as sorting."""
    highest = int(forms.labels[-1])
    if highest > TABLE_LIMIT:
        return np.searchsorted(forms.labels, labels).astype(np.int32)
    table = np.zeros(highest + 1, dtype=np.int32)
    table[forms.labels] = np.arange(len(forms), dtype=np.int32)
    return np.asarray(table[labels])
