"""Looks at a ground: squares of it at the scale of a model, turned, mirrored, resized and recoloured; knows no model."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.dataset import Ground
from tesserae.pretraining.crops import MIN_TARGET_AREA_PX, recolour, split_touching
from tesserae.pretraining.prompts import UNKNOWN
from tesserae.synthetic.noise import Rng, chance, log_uniform
from tesserae.tiling import Tile, plan_tiles

FEWEST_IN_VIEW = 4  # tesserae that a tile shows, also in part; with fewer it is not worth a look
_SIZES = (0.8, 1.25)  # of the tesserae in other looks, against the model's own
_WANDER = 0.15  # of the tile's side, by which other looks are moved
_QUARTERS = ((90.0, False), (180.0, False), (270.0, False), (0.0, True), (180.0, True))  # (angle, mirrored)
_OVERLAP = 1 / 8  # of a tile's side


@dataclass(frozen=True)
class View:
    """One look at a ground.

    Attributes:
        centre_xy: its middle, in pixels of the ground.
        scale: pixels of the view per pixel of the ground.
        angle_deg: by which the view is turned.
        mirrored: left and right.
        look: seed of its changes of colour; None leaves the colours as they are.
    """

    centre_xy: tuple[float, float]
    scale: float
    angle_deg: float = 0.0
    mirrored: bool = False
    look: int | None = None


@dataclass(frozen=True, eq=False)
class Picture:
    """What a view shows: image uint8 (S, S, 3); truth int32 (S, S), tesserae from 1, 0 = mortar, `UNKNOWN` where nobody said."""

    image: NDArray[np.uint8]
    truth: NDArray[np.int32]


def plan_views(ground: Ground, scale: float, size_px: int, count: int, turns: Literal["quarter", "any"], rng: Rng) -> list[list[View]]:
    """Return for each tile of the ground that shows tesserae `count` looks at it, the first as photographed.

    Args:
        ground: H x W pixels.
        scale: pixels of a view per pixel of the ground.
        size_px: side of a view.
        count: at least 1; with quarter turns at most 6.
        turns: which other looks there are.
        rng: draws them.
    """
    shape = (ground.labels.shape[0], ground.labels.shape[1])
    tiles = [tile for tile in plan_tiles(shape, scale, size_px, int(size_px * _OVERLAP)) if _shows_tesserae(ground, tile)]
    looks = []
    for tile in tiles:
        middle = ((tile.x + tile.side / 2) / scale - 0.5, (tile.y + tile.side / 2) / scale - 0.5)
        plain = View(middle, scale)
        others = [_turn(plain, number) if turns == "quarter" else _vary(plain, size_px, rng) for number in range(count - 1)]
        looks.append([plain, *others])
    return looks


def look_at(ground: Ground, view: View, size_px: int) -> Picture:
    """Return what a view of `size_px` pixels a side shows; beyond the ground's edge it goes on mirrored, with the truth.

    The image is smoothed before it is shrunk, and only the ground around the view is touched.
    """
    corner, matrix = _source(view, size_px)
    height, width = ground.labels.shape
    x0, y0 = (min(max(start, 0), length - 1) for start, length in zip(corner, (width, height), strict=True))
    reach = int(np.ceil(size_px / view.scale * 2**0.5)) + 4
    part = np.s_[y0 : y0 + reach, x0 : x0 + reach]
    matrix = matrix - np.array([[0, 0, x0], [0, 0, y0]])
    source = ground.image[part]
    if view.scale < 1:
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.35 / view.scale), dtype=np.uint8)
    image = _warp(source, matrix, size_px, cv2.INTER_CUBIC if view.scale > 1 else cv2.INTER_LINEAR).astype(np.uint8)
    # float32 holds whole numbers up to 16 million exactly
    told = np.where(ground.known[part], ground.labels[part], UNKNOWN).astype(np.float32)
    truth = _warp(told, matrix, size_px, cv2.INTER_NEAREST).astype(np.int32)
    numbered = _number_stones(truth)
    if view.look is not None:
        image = recolour(image, np.random.default_rng(view.look))
    return Picture(image, numbered)


def _number_stones(truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number the parts that stones have in a view from 1; single pixels that came off a stone in turning it are not known any more."""
    numbered = split_touching(np.maximum(truth, 0))
    area = np.bincount(numbered.ravel())
    area[0] = MIN_TARGET_AREA_PX
    return np.where((truth == UNKNOWN) | (area < MIN_TARGET_AREA_PX)[numbered], UNKNOWN, numbered).astype(np.int32)


def _shows_tesserae(ground: Ground, tile: Tile) -> bool:
    x0, y0, x1, y1 = tile.photo_box((ground.labels.shape[0], ground.labels.shape[1]))
    return len(np.unique(ground.labels[y0:y1, x0:x1])) > FEWEST_IN_VIEW


def _turn(plain: View, number: int) -> View:
    angle_deg, mirrored = _QUARTERS[number]
    return View(plain.centre_xy, plain.scale, angle_deg, mirrored)


def _vary(plain: View, size_px: int, rng: Rng) -> View:
    away = rng.uniform(-_WANDER, _WANDER, 2) * size_px / plain.scale
    x, y = plain.centre_xy
    scale = plain.scale * log_uniform(*_SIZES, rng)
    angle_deg, mirrored, look = float(rng.uniform(0, 360)), chance(0.5, rng), int(rng.integers(2**31))
    return View((x + float(away[0]), y + float(away[1])), scale, angle_deg, mirrored, look)


def _source(view: View, size_px: int) -> tuple[tuple[int, int], NDArray[np.float64]]:
    """The first pixel of the ground that the view may need, and the map from its pixels to those of the ground (2, 3)."""
    angle = np.deg2rad(view.angle_deg)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / view.scale
    if view.mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    centre = np.asarray(view.centre_xy)
    shift = centre - turn @ np.full(2, (size_px - 1) / 2)
    radius = size_px / view.scale / 2**0.5 + 2
    corner = np.floor(centre - radius).astype(int)
    return (int(corner[0]), int(corner[1])), np.concatenate([turn, shift[:, None]], 1)


def _warp(source: NDArray[np.uint8] | NDArray[np.float32], matrix: NDArray[np.float64], size_px: int, smooth: int) -> NDArray[np.generic]:
    flags = smooth | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(source, matrix, (size_px, size_px), flags=flags, borderMode=cv2.BORDER_REFLECT))
