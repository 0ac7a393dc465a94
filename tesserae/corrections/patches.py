"""Pixels that a correction changes, kept small: runs along the rows of a box with what was there before and what is there after.

What a pixel is, is one whole number here: the number of a tessera, `MORTAR`, or `IGNORED`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import EMPTY, is_empty, mask_box, union_box, window
from tesserae.corrections.operations import BoxXYXY

Pixels = NDArray[np.int32]

MORTAR, IGNORED = 0, -1


@dataclass(frozen=True, eq=False)
class Patch:
    """Changed pixels.

    Attributes:
        box_xyxy: the smallest box around them, in the photo.
        starts, lengths: int32 (N,), runs of changed pixels in row order of the box; no run goes on into the next row.
        before, after: int32 (N,), what the pixels of each run were, and what they are.
    """

    box_xyxy: BoxXYXY
    starts: Pixels
    lengths: Pixels
    before: Pixels
    after: Pixels

    @classmethod
    def between(cls, before: Pixels, after: Pixels, origin_xy: tuple[int, int]) -> "Patch":
        """What changed between two arrays of pixels (h, w) whose first pixel lies at `origin_xy`; an empty patch where nothing did."""
        box = mask_box(before != after, origin_xy)
        if is_empty(box):
            none = np.zeros(0, dtype=np.int32)
            return cls(EMPTY, none, none, none, none)
        inner = window(box, origin_xy)
        old, new = before[inner].ravel(), after[inner].ravel()
        turns = (old[1:] != old[:-1]) | (new[1:] != new[:-1])
        turns[box[2] - box[0] - 1 :: box[2] - box[0]] = True
        starts = np.concatenate([[0], np.flatnonzero(turns) + 1])
        lengths = np.diff(starts, append=old.size)
        changed = old[starts] != new[starts]
        starts, lengths = starts[changed].astype(np.int32), lengths[changed].astype(np.int32)
        return cls(box, starts, lengths, old[starts], new[starts])

    def inverted(self) -> "Patch":
        """The patch that takes this one back."""
        return Patch(self.box_xyxy, self.starts, self.lengths, self.after, self.before)

    def write(self, labels: Pixels, ignored: NDArray[np.bool_]) -> None:
        """Put what is after into a label map and its ignored pixels (H, W), in place."""
        rows, columns = self._places()
        values = np.repeat(self.after, self.lengths)
        labels[rows, columns] = np.maximum(values, MORTAR)
        ignored[rows, columns] = values == IGNORED

    def paint(self, labels: Pixels, origin_xy: tuple[int, int]) -> None:
        """Put the labels that are after into part of a label map (h, w) that begins at `origin_xy` and holds the patch, in place."""
        rows, columns = self._places()
        labels[rows - origin_xy[1], columns - origin_xy[0]] = np.maximum(np.repeat(self.after, self.lengths), MORTAR)

    def touched(self) -> tuple[int, ...]:
        """Numbers of the tesserae that lose or gain pixels, ascending."""
        return tuple(int(label) for label in np.unique(np.concatenate([self.before, self.after])) if label > MORTAR)

    def gains(self) -> Iterator[tuple[int, BoxXYXY]]:
        """Each tessera that loses or gains pixels, with the smallest box around those that it gains."""
        width = max(1, self.box_xyxy[2] - self.box_xyxy[0])
        for label in self.touched():
            runs = self.after == label
            yield label, self._box_of(self.starts[runs], self.lengths[runs], width)

    def loses(self, label: int) -> bool:
        """Tell whether a tessera loses pixels."""
        return bool((self.before == label).any())

    def _box_of(self, starts: Pixels, lengths: Pixels, width: int) -> BoxXYXY:
        if not starts.size:
            return EMPTY
        rows, columns = np.divmod(starts, width)
        x, y = self.box_xyxy[:2]
        return x + int(columns.min()), y + int(rows.min()), x + int((columns + lengths).max()), y + int(rows.max()) + 1

    def _places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and column in the photo of each changed pixel, run by run."""
        ends = np.cumsum(self.lengths, dtype=np.intp)
        total = int(ends[-1]) if ends.size else 0
        flat = np.arange(total) + np.repeat(self.starts - (ends - self.lengths), self.lengths)
        rows, columns = np.divmod(flat, max(1, self.box_xyxy[2] - self.box_xyxy[0]))
        return rows + self.box_xyxy[1], columns + self.box_xyxy[0]


def box_of_patches(patches: tuple[Patch, ...]) -> BoxXYXY | None:
    """The smallest box around all changed pixels; None where nothing changed."""
    box = union_box(patch.box_xyxy for patch in patches)
    return None if is_empty(box) else box
