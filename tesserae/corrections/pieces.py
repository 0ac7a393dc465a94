"""Tesserae hang together: which pieces a tessera has fallen into, which of them keeps the number, and which are too small to be one.

Pieces are 4-connected. Of a tessera that fell apart, the piece with most of its former pixels keeps the number (of equal ones the
largest, of equal ones the first in reading order); the others get new numbers in reading order. Pieces below `CRUMB_PX` are mortar.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.ground import Numbers, Work
from tesserae.corrections.operations import BoxXYXY
from tesserae.corrections.patches import MORTAR, Pixels

CRUMB_PX = 4
"""Pieces with fewer pixels are no tesserae."""


def parts_of(mask: NDArray[np.bool_]) -> tuple[Pixels, NDArray[np.int64]]:
    """The 4-connected parts of a mask (h, w), numbered from 1, int32 (h, w), and the pixels of each by number, 0 first."""
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    return np.asarray(parts, dtype=np.int32), np.bincount(parts.ravel(), minlength=count)


def stones_of(mask: NDArray[np.bool_]) -> Pixels:
    """As `parts_of`, without the crumbs."""
    parts, areas = parts_of(mask)
    parts[areas[parts] < CRUMB_PX] = 0
    return parts


def count_parts(parts: Pixels) -> int:
    """How many numbers above 0 occur in `parts`."""
    return int(np.count_nonzero(np.unique(parts)))


def keep_connected(work: Work, tesserae: Mapping[int, BoxXYXY], numbers: Numbers) -> None:
    """Give each of the `tesserae` that fell apart in `work` its number for one piece, and new numbers for the others.

    Args:
        work: the cut-out, changed in place.
        tesserae: those that may have changed, each with a box that holds all of its pixels, before and after.
        numbers: for new tesserae.
    """
    for label in sorted(tesserae):
        inner = work.window(tesserae[label])
        former, after = work.before[inner] == label, work.after[inner]
        mask = after == label
        if (mask == former).all():
            continue
        parts, areas = parts_of(mask)
        if len(areas) == 2 and areas[1] >= CRUMB_PX:
            continue
        crumbs = mask & (areas[parts] < CRUMB_PX)
        after[crumbs], parts[crumbs] = MORTAR, 0
        number_pieces(after, parts, label, former, numbers)


def number_pieces(after: Pixels, parts: Pixels, label: int, former: NDArray[np.bool_], numbers: Numbers) -> None:
    """Write the number of each piece of a tessera into `after`, in place.

    Args:
        after: pixels (h, w).
        parts: int32 (h, w), the pieces by any numbers, 0 elsewhere.
        label: the tessera's number.
        former: bool (h, w), pixels that were the tessera's.
        numbers: for the pieces that cannot keep it.
    """
    names, first = np.unique(parts, return_index=True)
    pieces = names[np.argsort(first)]
    pieces = pieces[pieces > 0]
    kept, areas = np.bincount(parts[former], minlength=names[-1] + 1), np.bincount(parts.ravel())
    keeper = max(pieces, key=lambda piece: (kept[piece], areas[piece]), default=0)
    for piece in pieces:
        after[parts == piece] = label if piece == keeper else numbers.take()
