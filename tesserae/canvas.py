"""The canvas: tiles' results are painted into one label map of the photo, so that seams neither lose nor double a tessera."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Labels = NDArray[np.int32]

_MOST_HIDDEN = 0.5  # of a mask's area; above it, the tessera is there already, painted from the neighbouring tile
_SMALLEST_SHARE = 0.08  # of the median area; smaller pieces are fragments


class Canvas:
    """A label map that grows tile by tile."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.labels: Labels = np.zeros(shape, dtype=np.int32)
        self.count = 0

    def paint(self, photo_box: tuple[int, int, int, int], pieces: Labels) -> dict[int, int]:
        """Paint `pieces` (h, w), numbered from 1, into the photo box; return the label given to each number.

        Pixels that are taken stay as they are; a piece that finds most of its pixels taken is the same tessera seen from a
        neighbouring tile and is left out.
        """
        x0, y0, x1, y1 = photo_box
        ground = self.labels[y0:y1, x0:x1]
        most = int(pieces.max(initial=0)) + 1
        area = np.bincount(pieces.ravel(), minlength=most)
        hidden = np.bincount(pieces[ground > 0].ravel(), minlength=most)
        new = (area > 0) & (hidden <= _MOST_HIDDEN * area)
        new[0] = False
        number = np.zeros(most, dtype=np.int32)
        number[new] = self.count + np.arange(1, int(new.sum()) + 1)
        self.count += int(new.sum())
        free = ground == 0
        ground[free] = number[pieces[free]]
        return {int(k): int(number[k]) for k in np.flatnonzero(new)}


def tidy_labels(labels: Labels) -> tuple[Labels, Mapping[int, int]]:
    """Return the label map numbered from 1 in reading order without fragments and holes, and the old number of each new one.

    Of each tessera only the largest 4-connected part stays; what is then far smaller than the median tessera goes; holes are filled where
    they are mortar. Tidying twice changes nothing: areas are taken with holes filled, and the median is taken anew when pieces went.
    """
    tidy = np.zeros_like(labels)
    slices = ndimage.find_objects(labels)
    areas = np.zeros(len(slices) + 1, dtype=np.int64)
    corners: dict[int, tuple[int, int]] = {}
    holed = []
    for number, box in enumerate(slices, 1):
        if box is None:
            continue
        part = largest_part(labels[box] == number)
        tidy[box][part] = number
        whole = ndimage.binary_fill_holes(part)
        areas[number] = np.count_nonzero(whole)
        corners[number] = _corner(part, box)
        if areas[number] > np.count_nonzero(part):
            holed.append(number)
    kept = _without_tiny(areas)
    tidy[~kept[tidy]] = 0
    for number in sorted(holed, key=areas.__getitem__):  # inner tesserae first: a hole belongs to the one just around it
        if kept[number]:
            _fill_holes(tidy[slices[number - 1]], number)
    ordered = sorted(np.flatnonzero(kept).tolist(), key=corners.__getitem__)
    new_number = np.zeros(len(areas), dtype=np.int32)
    new_number[ordered] = np.arange(1, len(ordered) + 1)
    return np.asarray(new_number[tidy]), {new: int(old) for new, old in enumerate(ordered, 1)}


def largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest 4-connected part of a mask; of equal ones the first."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    return np.asarray(parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())) if count > 2 else mask


def _corner(part: NDArray[np.bool_], box: tuple[slice, slice]) -> tuple[int, int]:
    """First row and first column (photo pixels) of a part that lies in the box."""
    return box[0].start + int(part.any(1).argmax()), box[1].start + int(part.any(0).argmax())


def _without_tiny(areas: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which numbers stay: those with an area that is not far below the median of those that stay."""
    kept = areas > 0
    while kept.any():
        tiny = kept & (areas < _SMALLEST_SHARE * np.median(areas[kept]))
        if not tiny.any():
            break
        kept &= ~tiny
    return np.asarray(kept)


def _fill_holes(labels: Labels, number: int) -> None:
    """Give mortar that tessera `number` encloses to it, in place; mortar that does not touch it stays."""
    part = labels == number
    filled = part | (ndimage.binary_fill_holes(part) & (labels == 0))
    labels[largest_part(filled)] = number
