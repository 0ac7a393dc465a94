"""Tiles: squares of model pixels that cover a rescaled photo; each has a core, and the cores cover the photo exactly once.

Two frames: photo pixels, and model pixels = photo pixels times `scale`. A tile is cut from the photo directly, so the rescaled photo never
exists as a whole and memory is bounded by the tile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Tile:
    """One square of model pixels.

    Attributes:
        x, y: its corner in model pixels; may be negative at the photo's edge, where the picture is continued by mirroring.
        side: its length in model pixels.
        core_xyxy: the part that it answers for, in tile pixels (half open).
        scale: model pixels per photo pixel.
    """

    x: int
    y: int
    side: int
    core_xyxy: tuple[int, int, int, int]
    scale: float

    def photo_box(self, shape: tuple[int, int]) -> tuple[int, int, int, int]:
        """Return the photo pixels (x0, y0, x1, y1), half open, whose centres lie in the tile."""
        height, width = shape
        low = [max(0, int(np.ceil(corner / self.scale - 0.5))) for corner in (self.x, self.y)]
        high = [int(np.ceil((corner + self.side) / self.scale - 0.5)) for corner in (self.x, self.y)]
        return low[0], low[1], min(high[0], width), min(high[1], height)

    def of_photo(self, shape: tuple[int, int]) -> tuple[slice, slice]:
        """Return the rows and columns of the tile that show the photo itself, not its mirrored continuation."""
        low = [min(max(0, -corner), self.side) for corner in (self.y, self.x)]
        high = [round(length * self.scale) - corner for length, corner in zip(shape, (self.y, self.x), strict=True)]
        rows, columns = (slice(start, min(max(start, end), self.side)) for start, end in zip(low, high, strict=True))
        return rows, columns

    def to_tile(self, photo_xy: tuple[float, float]) -> tuple[float, float]:
        """Return the tile position of a photo position; both count pixel centres (pixel 0 has its centre at 0)."""
        x, y = photo_xy
        return (x + 0.5) * self.scale - 0.5 - self.x, (y + 0.5) * self.scale - 0.5 - self.y

    def points_to_tile(self, points_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the tile positions of photo positions (N, 2), counted as in `to_tile`."""
        return np.asarray((points_xy + 0.5) * self.scale - 0.5 - (self.x, self.y))

    def holds(self, points_xy: NDArray[np.float64], slack_px: float = 0.0) -> NDArray[np.bool_]:
        """Tell which points (N, 2), in tile pixels, lie in the core widened by `slack_px`."""
        x0, y0, x1, y1 = self.core_xyxy
        x, y = points_xy[:, 0] + 0.5, points_xy[:, 1] + 0.5
        inside = (x >= x0 - slack_px) & (x < x1 + slack_px) & (y >= y0 - slack_px) & (y < y1 + slack_px)
        return np.asarray(inside)


def plan_tiles(shape: tuple[int, int], scale: float, side: int, halo: int) -> list[Tile]:
    """Cover a photo of `shape` (photo pixels) with tiles of `side` model pixels, each with `halo` pixels around its core."""
    height, width = (max(1, int(np.ceil(n * scale))) for n in shape)
    columns, rows = _cores(width, side, halo), _cores(height, side, halo)
    return [
        Tile(x0 - left, y0 - top, side, (left, top, left + x1 - x0, top + y1 - y0), scale)
        for y0, y1, top in rows
        for x0, x1, left in columns
    ]


def tiles_within(tile: Tile, scale: float, halo: int) -> list[Tile]:
    """Cover the core of a tile with tiles of another scale, as large as it and with at least `halo` pixels around their cores."""
    factor = scale / tile.scale
    low = [int(np.floor((corner + start) * factor)) for corner, start in zip((tile.x, tile.y), tile.core_xyxy[:2], strict=True)]
    high = [int(np.ceil((corner + end) * factor)) for corner, end in zip((tile.x, tile.y), tile.core_xyxy[2:], strict=True)]
    (columns, rows) = (_even_cores(end - start, tile.side, halo) for start, end in zip(low, high, strict=True))
    return [
        Tile(low[0] + x0 - left, low[1] + y0 - top, tile.side, (left, top, left + x1 - x0, top + y1 - y0), scale)
        for y0, y1, top in rows
        for x0, x1, left in columns
    ]


def cut_tile(image: Image, tile: Tile) -> Image:
    """Return the tile's picture, uint8 (side, side, 3): smoothed before it is shrunk, mirrored beyond the photo's edge."""
    height, width = image.shape[:2]
    margin = int(np.ceil(2 / tile.scale)) + 2
    x0, y0 = (int(np.floor(corner / tile.scale)) - margin for corner in (tile.x, tile.y))
    reach = int(np.ceil(tile.side / tile.scale)) + 2 * margin + 1
    x1, y1 = x0 + reach, y0 + reach
    source = image[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    if tile.scale < 1:
        source = np.asarray(cv2.GaussianBlur(source, (0, 0), 0.35 / tile.scale), dtype=np.uint8)
    lack = (max(0, -y0), max(0, y1 - height), max(0, -x0), max(0, x1 - width))
    if any(lack):
        source = _mirrored(source, lack)
    # inverse map: source position of each tile pixel, pixel centres at whole numbers
    shift = [(corner + 0.5) / tile.scale - 0.5 - start for corner, start in ((tile.x, x0), (tile.y, y0))]
    matrix = np.array([[1 / tile.scale, 0, shift[0]], [0, 1 / tile.scale, shift[1]]])
    smooth = cv2.INTER_CUBIC if tile.scale > 1 else cv2.INTER_LINEAR
    flags = smooth | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(source, matrix, (tile.side, tile.side), flags=flags, borderMode=cv2.BORDER_REFLECT))


def labels_to_tile(part: NDArray[np.int32], start_xy: tuple[int, int], tile: Tile) -> NDArray[np.int32]:
    """Return a part of a label map, whose first pixel is photo pixel `start_xy`, in tile pixels: int32 (side, side), 0 beyond the part."""
    corner = tile.to_tile((float(start_xy[0]), float(start_xy[1])))
    matrix = np.array([[tile.scale, 0, corner[0]], [0, tile.scale, corner[1]]])
    # float32 holds whole numbers up to 16 million exactly
    floating, size = part.astype(np.float32), (tile.side, tile.side)
    return np.asarray(cv2.warpAffine(floating, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT), dtype=np.int32)


def spread_tiles(tiles: list[Tile], count: int) -> Iterator[Tile]:
    """Yield about `count` tiles spread evenly over the list, starting in the middle of each share."""
    step = len(tiles) / min(count, len(tiles))
    for k in range(min(count, len(tiles))):
        yield tiles[int((k + 0.5) * step)]


def _cores(length: int, side: int, halo: int) -> list[tuple[int, int, int]]:
    """Split a length into cores (start, end, pixels before the core in its tile); a photo smaller than a tile is centred in one."""
    if length <= side:
        return [(0, length, (side - length) // 2)]
    count = max(2, int(np.ceil((length - 2 * halo) / (side - 2 * halo))))
    corners = np.round(np.linspace(0, length - side, count)).astype(int)
    middles = (corners[:-1] + side + corners[1:]) // 2
    starts, ends = [0, *middles.tolist()], [*middles.tolist(), length]
    return [(start, end, start - int(corner)) for start, end, corner in zip(starts, ends, corners, strict=True)]


def _even_cores(length: int, side: int, halo: int) -> list[tuple[int, int, int]]:
    """Split a length into equal cores, each in the middle of its tile: ground beyond both ends is shown, unlike in `_cores`."""
    count = int(np.ceil(length / (side - 2 * halo)))
    bounds = np.round(np.linspace(0, length, count + 1)).astype(int).tolist()
    return [(start, end, (side - (end - start)) // 2) for start, end in pairwise(bounds)]


def _mirrored(source: Image, lack: tuple[int, int, int, int]) -> Image:
    """Continue a picture by (top, bottom, left, right) pixels; one narrower than the border is mirrored again and again."""
    rows, columns = ((lack[0], lack[1]), (lack[2], lack[3]))
    return np.pad(source, (rows, columns, (0, 0)), mode="symmetric")
