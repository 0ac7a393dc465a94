"""Better outlines, one tessera at a time: fill holes, smooth what is frayed.

No tessera takes pixels from another, or from unreadable places.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.canvas import largest_part
from tesserae.cleanup.trying import Labels, Unreadable
from tesserae.corrections.operations import MaskRuns, Replace, Several
from tesserae.labelmap import check_label_map, tessera_slices

SMOOTHING = 0.05  # of a tessera's side; more rounds corners off, less leaves the pixels of the model's grid
LEAST_GAIN = 0.08  # of an outline's length that smoothing saves; where it is less, the outline is not frayed
_REACH = 3.0  # standard deviations, beyond which smoothing changes nothing
_SMALLEST_PX = 4  # a correction makes no smaller tessera

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cutout:
    """One tessera in its surroundings.

    Attributes:
        label: its number.
        origin_xy: the first pixel of the cut-out in the photo.
        mask: bool (h, w), its pixels.
        free: bool (h, w), pixels that are its own, or mortar that may become so.
    """

    label: int
    origin_xy: tuple[int, int]
    mask: Mask
    free: Mask


def fill_holes(labels: Labels, ignored: Unreadable = None) -> Several | None:
    """Give mortar that a tessera encloses to it, unless the hole is larger than the tessera; None where there are no holes."""
    return _redrawn("Fill holes", cut_out_tesserae(labels, ignored, lambda _: 1), _without_holes)


def smooth_outlines(labels: Labels, ignored: Unreadable = None) -> Several | None:
    """Smooth frayed outlines by a share of the tessera's side, and keep the area; None where there are none."""
    return _redrawn("Smooth outlines", cut_out_tesserae(labels, ignored, _reach_px), _smoothed)


def cut_out_tesserae(labels: Labels, ignored: Unreadable, margin_px: Callable[[int], int]) -> Iterator[Cutout]:
    """The tesserae of a label map (H, W) in ascending order, those that lie in several parts left out.

    `margin_px` tells from the area of a tessera how much wider than its box its cut-out is.
    """
    height, width = check_label_map(labels).shape
    for label, box in zip(*tessera_slices(labels), strict=True):
        margin = margin_px(int(np.count_nonzero(labels[box] == label)))
        y0, x0 = max(0, box[0].start - margin), max(0, box[1].start - margin)
        part = np.s_[y0 : min(height, box[0].stop + margin), x0 : min(width, box[1].stop + margin)]
        mask = labels[part] == label
        free = (labels[part] == 0) if ignored is None else (labels[part] == 0) & ~ignored[part]
        if largest_part(mask).sum() == mask.sum():
            yield Cutout(int(label), (x0, y0), mask, free | mask)


def filled(mask: Mask) -> Mask:
    """A mask (h, w) with all that it encloses."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return np.asarray(cv2.drawContours(np.zeros(mask.shape, dtype=np.uint8), contours, -1, 1, cv2.FILLED) > 0)


def _redrawn(title: str, tesserae: Iterator[Cutout], redraw: Callable[[Cutout], Mask]) -> Several | None:
    """Outlines that change, as corrections; None where none does."""
    changes = []
    for tessera in tesserae:
        mask = largest_part(redraw(tessera) & tessera.free)
        kept = largest_part(mask & tessera.mask)  # pixels that no neighbour's correction can have taken meanwhile
        if np.count_nonzero(kept) >= _SMALLEST_PX and (mask != tessera.mask).any():
            changes.append(Replace(tessera.label, mask=_runs(mask, tessera.origin_xy)))
    return Several(title, tuple(changes)) if changes else None


def _without_holes(tessera: Cutout) -> Mask:
    holes = filled(tessera.mask) & ~tessera.mask & tessera.free
    return tessera.mask | holes if np.count_nonzero(holes) <= np.count_nonzero(tessera.mask) else tessera.mask


def _smoothed(tessera: Cutout) -> Mask:
    """The tessera's pixels, as many as before, where it is densest all around; an outline that is not frayed keeps its corners."""
    area_px = int(np.count_nonzero(tessera.mask))
    deviation_px = SMOOTHING * math.sqrt(area_px)
    density = cv2.GaussianBlur(tessera.mask.astype(np.float32), (0, 0), deviation_px, borderType=cv2.BORDER_REPLICATE)
    density = np.where(tessera.free, density, 0)
    smooth: Mask = density >= np.partition(density, -area_px, axis=None)[-area_px]
    return smooth if _outline_px(smooth) <= (1 - LEAST_GAIN) * _outline_px(tessera.mask) else tessera.mask


def _outline_px(mask: Mask) -> float:
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return float(sum(cv2.arcLength(contour, closed=True) for contour in contours))


def _reach_px(area_px: int) -> int:
    return 1 + math.ceil(_REACH * SMOOTHING * math.sqrt(area_px))


def _runs(mask: Mask, origin_xy: tuple[int, int]) -> MaskRuns:
    """The runs of a mask (h, w) in the smallest box around it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return MaskRuns.of_array(inner, (origin_xy[0] + int(columns[0]), origin_xy[1] + int(rows[0])))
