"""Gaps: mortar in which a tessera of the size that is usual there would find room, with a joint around it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.joints import Joints, Mortar
from tesserae.surroundings import Surroundings

_SAMPLES = 12  # along the side of a tessera that suffice for gaps
_LEAST_ROOM = 0.2  # where a gap ends: lower, and gaps run together along the joints


@dataclass(frozen=True, eq=False)
class Gaps:
    """Gaps in reading order, G of them.

    Attributes:
        boxes_xyxy: int64 (G, 4), pixels, half open.
        rooms: float64 (G,), side of the largest tessera that would fit, in sides of the tesserae around.
        sizes: float64 (G,), how many of the tesserae around it would fill it, about.
    """

    boxes_xyxy: NDArray[np.int64]
    rooms: NDArray[np.float64]
    sizes: NDArray[np.float64]


def find_gaps(mortar: Mortar, surroundings: Surroundings, joints: Joints, shape: tuple[int, int]) -> Gaps:
    """Find the gaps of a photo of `shape` (H, W); none where there is no tessera to compare with."""
    if not len(surroundings.sides_px):
        return Gaps(np.zeros((0, 4), dtype=np.int64), np.zeros(0), np.zeros(0))
    joint_px = float(np.nan_to_num(joints.usual_px))
    stride = max(1, int(np.median(surroundings.sides_px)) // (_SAMPLES * mortar.step_px))
    step_px, sparse = stride * mortar.step_px, np.s_[::stride, ::stride]
    sides_px = surroundings.sides_px.astype(np.float32)[mortar.nearest[sparse]]
    rooms = 2 * (mortar.depths_px[sparse] - joint_px) / sides_px
    places, count = ndimage.label(rooms > _LEAST_ROOM)
    numbers = np.arange(1, count + 1)
    samples = ndimage.sum_labels(np.ones(places.shape, dtype=np.int8), places, numbers)
    around_px = np.asarray(ndimage.mean(sides_px, places, numbers), dtype=np.float64)
    boxes = [(columns.start, rows.start, columns.stop, rows.stop) for rows, columns in ndimage.find_objects(places)]
    return Gaps(
        boxes_xyxy=_widened(np.array(boxes, dtype=np.int64).reshape(-1, 4) * step_px, joint_px + around_px / 4, shape),
        rooms=np.asarray(ndimage.maximum(rooms, places, numbers), dtype=np.float64),
        sizes=(np.sqrt(samples) * step_px / around_px + _LEAST_ROOM) ** 2,
    )


def _widened(boxes: NDArray[np.int64], margins_px: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """Boxes (G, 4) made wider on each side, and cut to the photo."""
    margins = np.ceil(margins_px).astype(np.int64)[:, None] * np.array([-1, -1, 1, 1])
    return np.asarray(np.clip(boxes + margins, 0, [shape[1], shape[0], shape[1], shape[0]]), dtype=np.int64)
