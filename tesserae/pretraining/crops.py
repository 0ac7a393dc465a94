"""Training crops: a piece of a pool mosaic, turned, rescaled to a random tessera side and recoloured, with the finder's targets."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.finder import SIDE_UNIT_PX
from tesserae.pretraining.pool import PoolItem
from tesserae.synthetic.noise import FloatField, Rng, chance, log_uniform

MIN_TARGET_AREA_PX = 12  # smaller pieces at model scale cannot be told from noise and are not trained on
_FADED_SHARE = 0.3  # of the crops have joints that come near to their stones, in brightness alone or in colour
_FADED_BY = {"brightness": (0.5, 0.9), "colour": (0.4, 0.75)}  # share of the contrast that goes; some must stay
_FADED_SIDES = 0.6  # the deviation of the blur that tells the contrast of joints from that of figures, in sides


@dataclass(frozen=True)
class Crop:
    """A square training picture.

    Attributes:
        image: uint8 (S, S, 3).
        labels: int32 (S, S), 0 = mortar; tesserae numbered from 1 in 4-connected parts.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class FinderTargets:
    """What the finder head should say of a crop.

    Attributes:
        interior: float32 (S, S), 1 inside tesserae, 0 on joints and mortar.
        distance: float32 (S, S), distance to the joint over the tessera's greatest, 0 outside.
        log_side: float32 (S, S), log2(side / SIDE_UNIT_PX) inside whole tesserae, 0 elsewhere.
        side_known: float32 (S, S), 1 where `log_side` counts.
        weight: float32 (S, S) of the interior loss: joints count more, specks not at all.
    """

    interior: FloatField
    distance: FloatField
    log_side: FloatField
    side_known: FloatField
    weight: FloatField


def draw_side_px(rng: Rng) -> float:
    """Draw the side of the median tessera that a crop is scaled to: mostly around the finder's working side, sometimes far from it."""
    return log_uniform(11.0, 26.0, rng) if chance(0.8, rng) else log_uniform(8.0, 50.0, rng)


def draw_crop(item: PoolItem, size_px: int, rng: Rng, *, side_px: float) -> Crop:
    """Cut a square of `size_px` from a pool mosaic rescaled to tesserae of about `side_px`, with random changes of look."""
    scale = side_px / item.side_px
    wanted = max(16, round(size_px / scale))
    image, labels = _random_window(item, wanted, rng)
    shrink = image.shape[0] > size_px
    smooth = cv2.INTER_AREA if shrink else (cv2.INTER_CUBIC if chance(0.7, rng) else cv2.INTER_LINEAR)
    size = (size_px, size_px)
    image = np.asarray(cv2.resize(image, size, interpolation=smooth), dtype=np.uint8)
    labels = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), dtype=np.int32)
    turns, mirrored = int(rng.integers(4)), chance(0.5, rng)
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if mirrored:
        image, labels = image[:, ::-1], labels[:, ::-1]
    image, labels = np.ascontiguousarray(image), np.ascontiguousarray(labels)
    if chance(_FADED_SHARE, rng):
        image = _fade_joints(image, side_px, rng)
    return Crop(recolour(image, rng), split_touching(labels))


def finder_targets(labels: NDArray[np.int32]) -> FinderTargets:
    """Compute the finder's targets from a label map whose labels are connected (see `split_touching`)."""
    interior = (labels > 0) & ~_edges(labels)
    distance = cv2.distanceTransform(interior.astype(np.uint8), cv2.DIST_L2, 5)
    count = int(labels.max()) + 1
    greatest = np.zeros(count, dtype=np.float32)
    np.maximum.at(greatest, labels.ravel(), distance.ravel())
    relative = np.where(interior, distance / np.maximum(greatest[labels], 1.0), 0)
    area = np.bincount(labels.ravel(), minlength=count)
    log_side = np.log2(np.sqrt(np.maximum(area, 1)) / SIDE_UNIT_PX).astype(np.float32)
    whole = area >= MIN_TARGET_AREA_PX
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    whole[0] = False
    speck = (area < MIN_TARGET_AREA_PX)[labels] & (labels > 0)
    whole[border] = False
    near_joint = cv2.dilate((~interior).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    weight = np.where(speck, 0.0, np.where(near_joint, 2.0, 1.0))
    known = whole[labels].astype(np.float32)
    return FinderTargets(
        interior.astype(np.float32), relative.astype(np.float32), log_side[labels] * known, known, weight.astype(np.float32)
    )


def split_touching(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number the 4-connected parts of each label from 1; pixels on the line between two touching tesserae stay with theirs."""
    edges = _edges(labels)
    _, numbered = cv2.connectedComponents(((labels > 0) & ~edges).astype(np.uint8), connectivity=4)
    parts = np.asarray(numbered, dtype=np.int32)
    thin = (labels > 0) & edges
    for axis, step in ((1, 1), (0, 1), (1, -1), (0, -1)):
        neighbour, same = _moved(parts, axis, step), _moved(labels, axis, step) == labels
        parts = np.where(thin & (parts == 0) & same, neighbour, parts)
    return np.asarray(parts, dtype=np.int32)


def _moved(values: NDArray[np.int32], axis: int, step: int) -> NDArray[np.int32]:
    """Return the map moved by one pixel along an axis; what comes in from beyond the edge is 0."""
    moved = np.roll(values, step, axis)
    moved[(slice(None),) * axis + (0 if step > 0 else -1,)] = 0
    return moved


def _edges(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels whose right or lower neighbour is another tessera: the joint between two that touch. Beside mortar nothing is taken away."""
    edge = np.zeros(labels.shape, dtype=bool)
    edge[:, :-1] |= (labels[:, :-1] != labels[:, 1:]) & (labels[:, 1:] > 0)
    edge[:-1] |= (labels[:-1] != labels[1:]) & (labels[1:] > 0)
    return edge & (labels > 0)


def _random_window(item: PoolItem, wanted_px: int, rng: Rng) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """A random square of `wanted_px`; a smaller mosaic is continued by its mirror image (labels follow, split later)."""
    image, labels = item.image, item.labels
    lack = wanted_px - image.shape[0]
    if lack > 0:
        before = lack // 2
        edges = (before, lack - before, before, lack - before)
        padded = [cv2.copyMakeBorder(part, *edges, cv2.BORDER_REFLECT) for part in (image, labels)]
        return np.asarray(padded[0], dtype=np.uint8), np.asarray(padded[1], dtype=np.int32)
    top, left = (int(rng.integers(0, -lack + 1)) for _ in range(2))
    window = (slice(top, top + wanted_px), slice(left, left + wanted_px))
    return np.ascontiguousarray(image[window]), np.ascontiguousarray(labels[window])


def _fade_joints(image: NDArray[np.uint8], side_px: float, rng: Rng) -> NDArray[np.uint8]:
    """Take away most of what differs within about a tessera, in brightness alone or in colour: as on worn or dirty ground.

    Some get the grain of rough stone. `image` is uint8 (S, S, 3).
    """
    picture = image.astype(np.float32)
    detail = picture - cv2.GaussianBlur(picture, (0, 0), _FADED_SIDES * side_px)
    kind = "brightness" if chance(0.5, rng) else "colour"
    if kind == "brightness":
        detail = detail.mean(axis=2, keepdims=True)
    faded = picture - np.float32(rng.uniform(*_FADED_BY[kind])) * detail
    if chance(0.4, rng):
        grain = cv2.GaussianBlur(rng.standard_normal(image.shape[:2], dtype=np.float32), (0, 0), float(rng.uniform(0.5, 1.3)))
        faded += np.float32(rng.uniform(2, 8)) / grain.std() * grain[..., None]
    return np.asarray(np.round(np.clip(faded, 0, 255)), dtype=np.uint8)


def recolour(image: NDArray[np.uint8], rng: Rng) -> NDArray[np.uint8]:
    """Return a picture uint8 (H, W, 3) as another camera, light or scan might show it."""
    picture = image.astype(np.float32) / 255
    if chance(0.12, rng):
        picture = picture[..., rng.permutation(3)]
    grey = picture.mean(axis=2, keepdims=True)
    saturation = float(rng.choice([1.0, 0.0, rng.uniform(0.2, 1.5)], p=[0.5, 0.08, 0.42]))
    picture = grey + (picture - grey) * np.float32(saturation)
    picture = np.clip(picture, 0, 1) ** np.float32(np.exp(rng.normal(0, 0.2)))
    picture = (picture - 0.5) * np.float32(np.exp(rng.normal(0, 0.2))) + np.float32(0.5 + rng.normal(0, 0.06))
    if chance(0.2, rng):
        picture = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 1.0)))
    if chance(0.3, rng):
        picture = picture + np.float32(log_uniform(0.003, 0.025, rng)) * rng.standard_normal(picture.shape, dtype=np.float32)
    return np.asarray(np.round(np.clip(picture, 0, 1) * 255), dtype=np.uint8)
