"""A label map that is being corrected: corrections are made, undone and redone on it, box by box.

Undo puts back what was there, bit for bit, but for one thing: the number of the next new tessera. A number is never used again, not even
after the correction that gave it was undone, so that whoever wrote it down is not misled.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import is_empty, mask_box, tessera_boxes, union_box, window
from tesserae.corrections.changes import change_pixels
from tesserae.corrections.ground import Ground, Numbers
from tesserae.corrections.operations import Approve, BoxXYXY, Correction, Several
from tesserae.corrections.patches import Patch, Pixels, box_of_patches
from tesserae.errors import CorrectionError
from tesserae.labelmap import check_label_map


@dataclass(frozen=True, eq=False)
class Change:
    """What a correction, or its undoing, changed.

    Attributes:
        patches: the changed pixels, in the order in which they were changed.
        count_change: how many tesserae there are more than before; negative when there are fewer.
        labels: the label map (H, W) that was changed. What lies between the changed pixels is read from it when asked for: ask before the
            next correction where that matters.
    """

    patches: tuple[Patch, ...]
    count_change: int
    labels: Pixels

    @property
    def box_xyxy(self) -> BoxXYXY | None:
        """The smallest box around the changed pixels; None where nothing changed."""
        return box_of_patches(self.patches)

    @property
    def touched(self) -> tuple[int, ...]:
        """Numbers of the tesserae that lost or gained pixels, ascending; those that are gone and new ones too."""
        return tuple(sorted({label for patch in self.patches for label in patch.touched()}))

    @property
    def labels_before(self) -> Pixels:
        """Labels of the box before the change; int32 (h, w), (0, 0) where nothing changed."""
        return self._painted(patch.inverted() for patch in reversed(self.patches))

    @property
    def labels_after(self) -> Pixels:
        """Labels of the box after the change; int32 (h, w), (0, 0) where nothing changed."""
        return self._painted(self.patches)

    def _painted(self, patches: Iterable[Patch]) -> Pixels:
        box = self.box_xyxy
        if box is None:
            return np.zeros((0, 0), dtype=np.int32)
        part = self.labels[window(box)].copy()
        for patch in patches:
            patch.paint(part, box[:2])
        return part


@dataclass(frozen=True, eq=False)
class _Step:
    """A correction that was made: its pixels in the order in which they changed, and the approval that it gave."""

    patches: tuple[Patch, ...]
    approval: Approve | None


class CorrectedMap:
    """A label map, changed in place.

    Attributes:
        labels: int32 (H, W).
        ignored: bool (H, W), unreadable pixels; none of them carries a number.
        boxes: the smallest box around each tessera, by number.
        approvals: those in force, oldest first.
    """

    def __init__(self, labels: Pixels, ignored: NDArray[np.bool_], boxes: dict[int, BoxXYXY], next_label: int) -> None:
        self.labels = labels
        self.ignored = ignored
        self.boxes = boxes
        self.approvals: tuple[Approve, ...] = ()
        self._numbers = Numbers(next_label)
        self._done: list[_Step] = []
        self._undone: list[_Step] = []

    @classmethod
    def of(cls, labels: Pixels, ignored: NDArray[np.bool_] | None = None, next_label: int | None = None) -> "CorrectedMap":
        """Begin with a copy of a label map (H, W).

        Args:
            labels: the label map; tesserae in several pieces are taken as they are.
            ignored: bool (H, W), unreadable pixels; those that carry a number are not ignored.
            next_label: number of the next new tessera, where numbers above those of the map were used before.

        Raises LabelMapError when `labels` is not a label map, CorrectionError when `ignored` is of another shape.
        """
        copy = check_label_map(labels).copy()
        if ignored is not None and ignored.shape != copy.shape:
            raise CorrectionError(
                f"The ignored pixels have the shape {ignored.shape}, the label map {copy.shape}. Give both for the same photo."
            )
        unreadable = np.zeros(copy.shape, dtype=bool) if ignored is None else ignored & (copy == 0)
        boxes = tessera_boxes(copy)
        return cls(copy, unreadable, boxes, max(max(boxes, default=0) + 1, next_label or 1))

    @property
    def count(self) -> int:
        """How many tesserae there are."""
        return len(self.boxes)

    @property
    def next_label(self) -> int:
        """Number of the next new tessera."""
        return self._numbers.next

    @property
    def done(self) -> int:
        """How many corrections can be undone."""
        return len(self._done)

    @property
    def undone(self) -> int:
        """How many corrections can be made again."""
        return len(self._undone)

    def apply(self, correction: Correction) -> Change:
        """Make a correction; what was undone before can no longer be made again.

        Raises CorrectionError, and changes nothing, when it cannot be made.
        """
        with self.attempt(correction) as change:
            return change

    @contextmanager
    def attempt(self, correction: Correction) -> Iterator[Change]:
        """Make a correction for a block; when the block fails, all is as it was, the number of the next tessera too.

        For a correction that must be stored before it counts. Raises as `apply`.
        """
        before = self.count
        with self._all_or_nothing() as patches:
            if isinstance(correction, Several):
                for number, each in enumerate(correction.corrections, 1):
                    self._make_part(each, f"Correction {number} of {len(correction.corrections)}", patches)
            else:
                self._make(correction, patches)
            step = _Step(tuple(patches), correction if isinstance(correction, Approve) else None)
            yield Change(step.patches, self.count - before, self.labels)
        self._approve(step)
        self._done.append(step)
        self._undone.clear()

    def undo(self) -> Change:
        """Take the last correction back; raises CorrectionError when there is none."""
        if not self._done:
            raise CorrectionError("There is nothing to undo: no correction has been made.")
        before = self.count
        step = self._done.pop()
        self._undone.append(step)
        patches = tuple(patch.inverted() for patch in reversed(step.patches))
        for patch in patches:
            self._write(patch)
        if step.approval is not None:
            self.approvals = self.approvals[:-1]
        return Change(patches, self.count - before, self.labels)

    def redo(self) -> Change:
        """Make the correction that was undone last again, with the same numbers; raises CorrectionError when there is none."""
        if not self._undone:
            raise CorrectionError("There is nothing to redo: no correction was undone since the last one was made.")
        before = self.count
        step = self._undone.pop()
        self._done.append(step)
        for patch in step.patches:
            self._write(patch)
        self._approve(step)
        return Change(step.patches, self.count - before, self.labels)

    def _make_part(self, correction: Correction, name: str, patches: list[Patch]) -> None:
        try:
            self._make(correction, patches)
        except CorrectionError as error:
            raise CorrectionError(f"{name} cannot be made, so none is. {error}") from error

    def _make(self, correction: Correction, patches: list[Patch]) -> None:
        for patch in change_pixels(Ground(self.labels, self.ignored, self.boxes, self._numbers), correction):
            self._write(patch)
            patches.append(patch)

    @contextmanager
    def _all_or_nothing(self) -> Iterator[list[Patch]]:
        """A list for the patches that are written; when something fails, they are taken back, and so are the numbers."""
        patches: list[Patch] = []
        next_label = self._numbers.next
        try:
            yield patches
        except BaseException:
            for patch in reversed(patches):
                self._write(patch.inverted())
            self._numbers.next = next_label
            raise

    def _approve(self, step: _Step) -> None:
        if step.approval is not None:
            self.approvals = (*self.approvals, step.approval)

    def _write(self, patch: Patch) -> None:
        """Put a patch into the map, and follow it in the index of boxes."""
        patch.write(self.labels, self.ignored)
        for label in patch.touched():
            gained = patch.gained_box(label)
            box = union_box([self.boxes.get(label, gained), gained])
            if patch.loses(label):
                box = mask_box(self.labels[window(box)] == label, box[:2])
            if is_empty(box):
                del self.boxes[label]
            else:
                self.boxes[label] = box
