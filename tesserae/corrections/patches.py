"""Pixels that a correction changes, kept small: runs along the rows of a box with what was there before and what is there after.

What a pixel is, is one whole number here: the number of a tessera, `MORTAR`, or `IGNORED`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

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
        box_xyxy: the smallest box around them, in the photo; `EMPTY` where nothing changed.
        rows, starts, stops: int32 (N,), runs of changed pixels: row of the photo, first column, column after the last.
        before, after: int32 (N,), what the pixels of each run were, and what they are.
    """

    box_xyxy: BoxXYXY
    rows: Pixels
    starts: Pixels
    stops: Pixels
    before: Pixels
    after: Pixels

    @classmethod
    def between(cls, before: Pixels, after: Pixels, origin_xy: tuple[int, int]) -> "Patch":
        """What changed between two arrays of pixels (h, w) whose first pixel lies at `origin_xy`."""
        box = mask_box(before != after, origin_xy)
        if is_empty(box):
            none = np.zeros(0, dtype=np.int32)
            return cls(EMPTY, none, none, none, none, none)
        width = box[2] - box[0]
        old, new = before[window(box, origin_xy)].ravel(), after[window(box, origin_xy)].ravel()
        turns = (old[1:] != old[:-1]) | (new[1:] != new[:-1])
        turns[width - 1 :: width] = True  # a run ends with its row
        starts = np.concatenate([[0], np.flatnonzero(turns) + 1])
        lengths = np.diff(starts, append=old.size)
        changed = old[starts] != new[starts]
        starts, lengths = starts[changed], lengths[changed]
        rows, columns = np.divmod(starts, width)
        rows, columns, stops = np.stack([rows + box[1], columns + box[0], columns + box[0] + lengths]).astype(np.int32)
        return cls(box, rows, columns, stops, old[starts], new[starts])

    def inverted(self) -> "Patch":
        """The patch that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def write(self, labels: Pixels, ignored: NDArray[np.bool_]) -> None:
        """Put what is after into a label map and its ignored pixels (H, W), in place."""
        self.paint(labels, (0, 0))
        for row, start, stop, value in self._runs(self.after == IGNORED):
            ignored[row, start:stop] = value

    def paint(self, labels: Pixels, origin_xy: tuple[int, int]) -> None:
        """Put the labels that are after into part of a label map (h, w) that begins at `origin_xy` and holds the patch, in place."""
        x, y = origin_xy
        for row, start, stop, label in self._runs(np.maximum(self.after, MORTAR)):
            labels[row - y, start - x : stop - x] = label

    def touched(self) -> tuple[int, ...]:
        """Numbers of the tesserae that lose or gain pixels, ascending."""
        return tuple(int(label) for label in np.unique(np.concatenate([self.before, self.after])) if label > MORTAR)

    def loses(self, label: int) -> bool:
        """Tell whether a tessera loses pixels."""
        return bool((self.before == label).any())

    def gained_box(self, label: int) -> BoxXYXY:
        """The smallest box around the pixels that a tessera gains; `EMPTY` where it gains none."""
        runs = self.after == label
        if not runs.any():
            return EMPTY
        rows = self.rows[runs]
        return int(self.starts[runs].min()), int(rows.min()), int(self.stops[runs].max()), int(rows.max()) + 1

    def _runs(self, values: NDArray[Any]) -> Iterator[tuple[int, int, int, Any]]:
        """Row, first column, column after the last, and value of each run. Slices of rows beat index arrays by far, also for small runs."""
        return zip(self.rows.tolist(), self.starts.tolist(), self.stops.tolist(), values.tolist(), strict=True)


def box_of_patches(patches: tuple[Patch, ...]) -> BoxXYXY | None:
    """The smallest box around all changed pixels; None where nothing changed."""
    box = union_box(patch.box_xyxy for patch in patches)
    return None if is_empty(box) else box
