"""Masks that are still logits: scored and boxed in photo pixels without keeping any, and turned into pixels on demand.

Logits are enlarged as torch's bilinear interpolation does, but only where they can reach the mask, and in strips.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.grid.plan import Box, GridSettings

STRIP_PX = 16_000_000
_FILL_LOGIT = np.float32(10)


@dataclass(frozen=True)
class GridMask:
    """One mask in the photo frame.

    Attributes:
        box_xyxy: pixels, half open, tight.
        crop: bool (h, w) of the box.
        predicted_iou: the model's own estimate; untrained models exceed 1.
        stability: 0 to 1.
        point_xy: the point that asked for it, pixels.
    """

    box_xyxy: Box
    crop: NDArray[np.bool_]
    predicted_iou: float
    stability: float
    point_xy: tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """Where a run of n output pixels reads along one axis of the logits.

    Attributes:
        start: first output pixel, crop frame.
        before: int64 (n,), the neighbour before, counted from the window's first logit.
        after: int64 (n,), the neighbour after.
        weight: float32 (n,), of the neighbour after.
    """

    start: int
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: NDArray[np.float32]

    def part(self, inside: NDArray[np.bool_]) -> "Axis":
        """Return the run from the first to the last pixel of `inside` (n,)."""
        first, last = np.flatnonzero(inside)[[0, -1]]
        run = slice(first, last + 1)
        return Axis(self.start + int(first), self.before[run], self.after[run], self.weight[run])


@dataclass(frozen=True)
class Candidate:
    """A mask as a window of logits (h, w), with how to read it and all that is known of it.

    Attributes:
        window: float32 (h, w), all logits that the mask depends on.
        threshold: above it is mask.
        rows, columns: how the pixels of the box read the window.
        box_xyxy: pixels, half open, tight; crop frame at first, then cell, then photo.
        area_px: of the mask.
        predicted_iou, stability, point_xy: as in GridMask.
        is_cut: the box touches an inner edge of its cell.
    """

    window: NDArray[np.float32]
    threshold: np.float32
    rows: Axis
    columns: Axis
    box_xyxy: Box
    area_px: int
    predicted_iou: float
    stability: float
    point_xy: tuple[float, float]
    is_cut: bool = False

    def moved(self, x: int, y: int) -> "Candidate":
        """Return the same mask in a frame whose origin lies (x, y) pixels before this one's."""
        x0, y0, x1, y1 = self.box_xyxy
        point = (self.point_xy[0] + x, self.point_xy[1] + y)
        return replace(self, box_xyxy=(x0 + x, y0 + y, x1 + x, y1 + y), point_xy=point)

    def to_pixels(self) -> GridMask:
        """Return the mask as pixels."""
        strips = _enlarged_strips(self.window, self.rows, self.columns)
        crop = np.concatenate([fine > self.threshold for fine in strips])
        return GridMask(self.box_xyxy, crop, self.predicted_iou, self.stability, self.point_xy)


def score_mask(
    logits: NDArray[np.float32],
    shape: tuple[int, int],
    settings: GridSettings,
    predicted_iou: float,
    point_xy: tuple[float, float],
) -> Candidate | None:
    """Measure a mask, float32 (h, w), as enlarged to a crop of `shape`; None if it is empty or not stable enough."""
    low, threshold, high = (np.float32(settings.mask_threshold + k * settings.stability_score_offset) for k in (-1, 0, 1))
    reach = logits > low  # no interpolated value exceeds its neighbours: nothing to measure beyond these
    if not reach.any():
        return None
    rows, row_span = _axis(shape[0], np.asarray(reach.any(axis=1)))
    columns, column_span = _axis(shape[1], np.asarray(reach.any(axis=0)))
    window = logits[row_span, column_span].copy()  # a view would keep the whole batch alive
    strict = loose = area = 0
    in_row = np.zeros(len(rows.weight), dtype=bool)
    in_column = np.zeros(len(columns.weight), dtype=bool)
    done = 0
    for fine in _enlarged_strips(window, rows, columns):
        mask = fine > threshold
        strict += int(np.count_nonzero(fine > high))
        loose += int(np.count_nonzero(fine > low))
        area += int(np.count_nonzero(mask))
        in_row[done : done + len(fine)] = mask.any(axis=1)
        in_column |= mask.any(axis=0)
        done += len(fine)
    stability = np.float32(strict) / np.float32(max(loose, 1))
    if not area or (settings.stability_score_thresh > 0 and stability < np.float32(settings.stability_score_thresh)):
        return None
    rows, columns = rows.part(in_row), columns.part(in_column)
    box = (columns.start, rows.start, columns.start + len(columns.weight), rows.start + len(rows.weight))
    return Candidate(window, threshold, rows, columns, box, area, predicted_iou, float(stability), point_xy)


def clean_small_regions(logits: NDArray[np.float32], max_area: int) -> NDArray[np.float32]:
    """Fill holes and remove islands of at most `max_area` logits in a mask (h, w), as the package's extension does.

    Both are looked for in the logits as given, above 0 being mask whatever the threshold is, with eight neighbours.
    """
    filled = np.where(_small_regions(logits <= 0, max_area), _FILL_LOGIT, logits)
    return np.asarray(np.where(_small_regions(logits > 0, max_area), -_FILL_LOGIT, filled), dtype=np.float32)


def _small_regions(region: NDArray[np.bool_], max_area: int) -> NDArray[np.bool_]:
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    is_small = stats[:, cv2.CC_STAT_AREA] <= max_area
    is_small[0] = False  # number 0 is the rest
    return np.asarray(is_small[numbers])


def _axis(length: int, reach: NDArray[np.bool_]) -> tuple[Axis, slice]:
    """Return the run of `length` output pixels that read a logit of `reach`, and the window of logits they read.

    The formula is that of torch's bilinear interpolation with align_corners=False, in float32 as there.
    """
    source, half = len(reach), np.float32(0.5)
    scale = np.float32(source) / np.float32(length)
    place = np.maximum(scale * (np.arange(length, dtype=np.float32) + half) - half, np.float32(0))
    before = np.minimum(place.astype(np.int64), source - 1)
    after = np.minimum(before + 1, source - 1)
    weight = np.clip(place - before.astype(np.float32), np.float32(0), np.float32(1))
    first, last = (int(end) for end in np.flatnonzero(reach)[[0, -1]])
    run = np.flatnonzero((after >= first) & (before <= last))
    window = slice(max(0, first - 1), min(source, last + 2))
    start = int(run[0]) if len(run) else 0  # a small crop may read none of them
    return Axis(start, before[run] - window.start, after[run] - window.start, weight[run]), window


def _enlarged_strips(window: NDArray[np.float32], rows: Axis, columns: Axis) -> Iterator[NDArray[np.float32]]:
    """Yield the enlarged logits in strips of whole rows, each of at most STRIP_PX pixels or one row."""
    right, down = columns.weight, rows.weight[:, None]
    wide = window[:, columns.before] * (1 - right) + window[:, columns.after] * right
    step = max(1, STRIP_PX // max(1, len(right)))
    for start in range(0, len(down), step):
        part = slice(start, start + step)
        fine = wide[rows.before[part]] * (1 - down[part]) + wide[rows.after[part]] * down[part]
        yield np.asarray(fine, dtype=np.float32)
