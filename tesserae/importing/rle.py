"""Run-length codes of COCO files: a mask of the whole photo as lengths of runs, column by column, of outside and inside by turns.

`counts` is either a list of lengths, or the same list packed into text: each number is written as its difference to the number two before
it (from the fourth number on), in groups of five bits, lowest first, one character per group (code 48 + group, 32 more where another
group follows); the highest bit of the last group is the sign. Nothing here is ever as large as the photo.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tesserae.importing.painting import CroppedMask

_FIRST_CODE, _GROUP_BITS = 48, 5
_MORE, _SIGN, _VALUE = 0x20, 0x10, 0x1F


def unpack_counts(text: str) -> list[int]:
    """Return the run lengths that a packed text holds; raises ValueError where it is none."""
    counts: list[int] = []
    number, bits = 0, 0
    for sign in text:
        group = ord(sign) - _FIRST_CODE
        if not 0 <= group < 64:
            raise ValueError(f"character {sign!r} has no meaning in packed runs")
        number |= (group & _VALUE) << bits
        bits += _GROUP_BITS
        if group & _MORE:
            continue
        if group & _SIGN:
            number -= 1 << bits
        counts.append(number + (counts[-2] if len(counts) > 2 else 0))
        number, bits = 0, 0
    if bits:
        raise ValueError("the packed runs end within a number")
    return counts


def mask_of_counts(counts: Sequence[int], shape: tuple[int, int]) -> CroppedMask:
    """Return the mask that runs describe in a photo of `shape`, without empty rows and columns.

    Raises ValueError when the runs do not fill the photo.
    """
    height, width = shape
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise ValueError(f"the runs should fill {height * width} px, found {sum(counts)}")
    ends = np.cumsum(np.asarray(counts, dtype=np.int64))
    runs = [(start, end) for start, end in zip(ends[:-1:2].tolist(), ends[1::2].tolist(), strict=True) if start < end]
    if not runs:
        return CroppedMask(np.zeros((0, 0), dtype=bool), (0, 0))
    x0, x1 = runs[0][0] // height, (runs[-1][1] - 1) // height + 1
    flat = np.zeros((x1 - x0) * height, dtype=bool)
    for start, end in runs:
        flat[start - x0 * height : end - x0 * height] = True
    columns = flat.reshape(x1 - x0, height)
    rows = np.flatnonzero(columns.any(axis=0))
    y0, y1 = int(rows[0]), int(rows[-1]) + 1
    return CroppedMask(np.ascontiguousarray(columns[:, y0:y1].T), (x0, y0))


def counts_of_mask(pixels: NDArray[np.bool_], origin_xy: tuple[int, int], shape: tuple[int, int]) -> list[int]:
    """Return the run lengths of a mask, bool (h, w) with its first pixel at `origin_xy`, in a photo of `shape`."""
    height, width = shape
    columns, rows = np.nonzero(pixels.T)
    places = (columns + origin_xy[0]) * height + rows + origin_xy[1]
    breaks = np.flatnonzero(np.diff(places) > 1)
    starts, ends = places[np.concatenate([[0], breaks + 1])], places[np.concatenate([breaks, [-1]])] + 1
    edges = np.concatenate([[0], np.column_stack([starts, ends]).ravel(), [height * width]])
    counts: list[int] = np.diff(edges).tolist()
    return counts if counts[-1] else counts[:-1]
