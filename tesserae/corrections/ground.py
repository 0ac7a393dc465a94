"""What a correction looks at: the label map with its index of boxes, and a cut-out of it that is worked on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import Window, common_box, is_empty, union_box, window
from tesserae.corrections.operations import BoxXYXY
from tesserae.corrections.patches import IGNORED, MORTAR, Patch, Pixels
from tesserae.corrections.shapes import Shape
from tesserae.errors import CorrectionError
from tesserae.labelmap import MAX_LABEL, present_labels


@dataclass
class Numbers:
    """Numbers for new tesserae: each is given once.

    Attributes:
        next: the number of the next new tessera.
    """

    next: int

    def take(self) -> int:
        """Give a new number; raises CorrectionError when all are used up."""
        if self.next > MAX_LABEL:
            raise CorrectionError(f"No number is left for a new tessera: the highest is {MAX_LABEL}. Number the tesserae again.")
        self.next += 1
        return self.next - 1


@dataclass(frozen=True, eq=False)
class Ground:
    """A label map as a correction finds it.

    Attributes:
        labels: int32 (H, W).
        ignored: bool (H, W), unreadable pixels; none of them carries a number.
        boxes: the smallest box around each tessera.
        numbers: for new tesserae.
    """

    labels: Pixels
    ignored: NDArray[np.bool_]
    boxes: Mapping[int, BoxXYXY]
    numbers: Numbers

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the photo."""
        return self.labels.shape[0], self.labels.shape[1]

    def box_of(self, label: int) -> BoxXYXY:
        """The box of a tessera; raises CorrectionError when there is none of that number."""
        if label not in self.boxes:
            raise CorrectionError(f"There is no tessera {label}. It may have been deleted or merged; choose one that is there.")
        return self.boxes[label]

    def pixels(self, box: BoxXYXY) -> Pixels:
        """What the pixels of a box are, a copy: numbers, `MORTAR`, `IGNORED`; int32 (h, w)."""
        pixels = self.labels[window(box)].copy()
        pixels[self.ignored[window(box)]] = IGNORED
        return pixels

    def mask_of(self, label: int, box: BoxXYXY) -> NDArray[np.bool_]:
        """Pixels of a tessera in a box; bool (h, w)."""
        return np.asarray(self.labels[window(box)] == label)

    def under(self, shape: Shape) -> tuple[int, ...]:
        """Numbers of the tesserae that have pixels in a shape, ascending."""
        if is_empty(shape.box_xyxy):
            return ()
        return tuple(int(label) for label in present_labels(np.where(shape.mask, self.labels[window(shape.box_xyxy)], MORTAR)))

    def area_px(self, label: int) -> int:
        """Pixels of a tessera."""
        return int(np.count_nonzero(self.mask_of(label, self.boxes[label])))

    def area_in(self, label: int, shape: Shape) -> int:
        """Pixels of a tessera in a shape."""
        box = common_box(self.boxes[label], shape.box_xyxy)
        if is_empty(box):
            return 0
        return int(np.count_nonzero(self.mask_of(label, box) & shape.mask[window(box, shape.box_xyxy[:2])]))


@dataclass(frozen=True, eq=False)
class Work:
    """A cut-out of the ground.

    Attributes:
        box_xyxy: where it lies in the photo.
        before: int32 (h, w), its pixels as they were found.
        after: int32 (h, w), its pixels as they become: the one array that a correction changes in place.
    """

    box_xyxy: BoxXYXY
    before: Pixels
    after: Pixels

    @classmethod
    def around(cls, ground: Ground, boxes: Iterable[BoxXYXY]) -> "Work":
        """The smallest cut-out that holds all of `boxes`."""
        box = union_box(boxes)
        before = ground.pixels(box)
        return cls(box, before, before.copy())

    def window(self, box: BoxXYXY) -> Window:
        """Index of a photo box within the cut-out."""
        return window(box, self.box_xyxy[:2])

    def patch(self) -> Patch:
        """What changed."""
        return Patch.between(self.before, self.after, self.box_xyxy[:2])
