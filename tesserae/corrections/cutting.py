"""One tessera made several: along a line that crosses it, or between its two most likely seeds."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from tesserae.canvas import largest_part
from tesserae.corrections.ground import Numbers, Work
from tesserae.corrections.patches import MORTAR, Pixels
from tesserae.corrections.pieces import CRUMB_PX, count_parts, number_pieces, parts_of, stones_of
from tesserae.errors import CorrectionError

_SMOOTHING = 0.1  # of the greatest depth: texture of an outline makes no seeds
_NECK = 0.1  # of the greatest depth: how much shallower than either seed the way from one to the other must get
_LONG = 1.6  # length over width from which a tessera without a neck is two, end to end

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

Mask = NDArray[np.bool_]


def cut_along(work: Work, label: int, line: Mask, numbers: Numbers) -> bool:
    """Cut a tessera of `work`, in place, where the `line`, bool (h, w), parts it; False where it does not.

    The pixels of the line go to the nearest piece.
    """
    stone = work.before == label
    pieces = stones_of(stone & ~line)
    if count_parts(pieces) <= count_parts(stones_of(stone)):
        return False
    _share_out(work, label, pieces, numbers)
    return True


def cut_between_seeds(work: Work, label: int, numbers: Numbers) -> None:
    """Cut a tessera of `work`, in place, at its neck, or across its middle when it is long.

    Raises CorrectionError when it is neither.
    """
    pieces = stones_of(work.before == label)
    stone = pieces > 0
    for parted in (_parted_at_neck, _parted_across):
        if count_parts(pieces) < 2 and stone.any():
            pieces = parted(stone)
    if count_parts(pieces) < 2:
        raise CorrectionError(
            f"Where to split tessera {label} cannot be told: it has no neck and is not long. Draw a line across it, from joint to joint."
        )
    _share_out(work, label, pieces, numbers)


def _share_out(work: Work, label: int, pieces: Pixels, numbers: Numbers) -> None:
    """Let pieces grow until they fill their tessera, and number them; crumbs that none of them reaches are mortar."""
    stone = work.before == label
    grown = _grown(pieces, stone)
    work.after[stone & (grown == 0)] = MORTAR
    number_pieces(work.after, grown, label, stone, numbers)


def _grown(pieces: Pixels, stone: Mask) -> Pixels:
    """Pieces grown within a tessera, one pixel to each side at a time; where two meet, the higher number takes the pixel."""
    while True:
        around = cv2.dilate(pieces.astype(np.float32), _CROSS).astype(np.int32)
        grown = np.where(stone & (pieces == 0), around, pieces)
        if (grown == pieces).all():
            return grown
        pieces = grown


def _parted_at_neck(stone: Mask) -> Pixels:
    """Parts around the two deepest places of a tessera (h, w), numbered 1 and 2; nothing where there is only one such place."""
    depth = cv2.distanceTransform(np.pad(stone, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    depth = np.where(stone, cv2.GaussianBlur(depth, (0, 0), max(0.5, _SMOOTHING * float(depth.max())))[1:-1, 1:-1], 0).astype(np.float64)
    drop = _NECK * depth.max()
    # what rises from the floods of all places that are deeper, by at least `drop`
    domes = depth - reconstruction(np.maximum(depth - drop, 0), depth)
    seeds, areas = parts_of(stone & (domes > drop * (1 - 1e-6)))
    deepest = sorted(range(1, len(areas)), key=lambda seed: -depth[seeds == seed].max())[:2]
    markers = np.zeros(stone.shape, dtype=np.int32)
    for number, seed in enumerate(deepest, 1):
        markers[seeds == seed] = number
    return _two_stones(watershed(-depth, markers, mask=stone))


def _parted_across(stone: Mask) -> Pixels:
    """The two halves of a long tessera (h, w), cut across at its centre of mass, numbered 1 and 2; nothing where it is not long."""
    points = np.argwhere(stone) - np.argwhere(stone).mean(axis=0)
    width2, length2 = np.linalg.eigvalsh(points.T @ points)
    if length2 <= _LONG**2 * width2:
        return np.zeros(stone.shape, dtype=np.int32)
    axis = np.linalg.eigh(points.T @ points).eigenvectors[:, 1]
    halves = np.zeros(stone.shape, dtype=np.int32)
    halves[stone] = np.where(points @ (axis if axis[np.abs(axis).argmax()] > 0 else -axis) > 1e-6, 2, 1)
    return _two_stones(halves)


def _two_stones(halves: Pixels) -> Pixels:
    """The largest part of each of the halves 1 and 2; nothing where either is a crumb."""
    stones = np.zeros(halves.shape, dtype=np.int32)
    for number in (1, 2):
        part = largest_part(halves == number)
        if np.count_nonzero(part) < CRUMB_PX:
            return np.zeros(halves.shape, dtype=np.int32)
        stones[part] = number
    return stones
