"""Paint masks of single tesserae, which may overlap, into one label map; knows nothing of files."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.importing.wording import count_of_tesserae, counted

_MOST_HIDDEN = 0.5  # of a mask's area; above it, the outline was drawn twice, or around tesserae that have their own


@dataclass(frozen=True, eq=False)
class CroppedMask:
    """The pixels of one tessera.

    Attributes:
        pixels: bool (h, w), the part of the photo's frame around them.
        origin_xy: photo pixel of the first one.
        was_cut: whether its outline went on beyond the photo.
    """

    pixels: NDArray[np.bool_]
    origin_xy: tuple[int, int]
    was_cut: bool = False

    @property
    def area_px(self) -> int:
        """Number of its pixels."""
        return int(np.count_nonzero(self.pixels))

    @property
    def place(self) -> tuple[slice, slice]:
        """Rows and columns of the photo that `pixels` stands for."""
        (x0, y0), (height, width) = self.origin_xy, self.pixels.shape
        return slice(y0, y0 + height), slice(x0, x0 + width)


def paint_masks(masks: Sequence[CroppedMask], numbers: Sequence[int], shape: tuple[int, int]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Paint masks with their numbers into a label map int32 (H, W); return it with notes on overlaps.

    A pixel of several masks belongs to the smallest: a small tessera drawn over a large one stays whole. Of equal ones the first has it.
    A mask of which more than half lies under smaller ones is left out.
    """
    labels = np.zeros(shape, dtype=np.int32)
    shared = np.zeros(shape, dtype=bool)
    overlapping: set[int] = set()
    left_out = 0
    for index in np.argsort([mask.area_px for mask in masks], kind="stable").tolist():
        mask, number = masks[index], numbers[index]
        ground = labels[mask.place]
        taken = mask.pixels & (ground > 0)
        hidden_px = int(np.count_nonzero(taken))
        if hidden_px > _MOST_HIDDEN * mask.area_px:
            left_out += 1
            continue
        if hidden_px:
            overlapping |= {number, *np.unique(ground[taken]).tolist()}
            shared[mask.place] |= taken
        ground[mask.pixels & ~taken] = number
    return labels, _notes(len(overlapping), int(np.count_nonzero(shared)), left_out)


def _notes(overlapping: int, shared_px: int, left_out: int) -> tuple[str, ...]:
    notes = []
    if overlapping:
        notes.append(f"{count_of_tesserae(overlapping)} overlapped in {shared_px:,} px, which went to the smaller tessera each time.")
    if left_out:
        outlines = counted(left_out, "outline was", "outlines were")
        notes.append(f"{outlines} left out: more than half lay under smaller ones, as when a tessera is outlined twice.")
    return tuple(notes)
