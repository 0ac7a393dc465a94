"""Masks of single tesserae as logits at the decoder's resolution: scored, de-duplicated, and painted into photo pixels.

Nothing here is ever as large as the photo: a mask is a small window of logits until it is painted, and painting touches its box only.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tesserae.labelmap import fill_mortar_from_nearest
from tesserae.tiling import Tile

STABILITY_OFFSET = 1.0


@dataclass(frozen=True)
class TileMasks:
    """N masks of one tile.

    Attributes:
        logits: float32 (N, h, w), one window each; above 0 is mask.
        origins_xy: int64 (N, 2), tile pixel of each window's corner.
        logit_px: tile pixels per logit.
        points_xy: float64 (N, 2), the interior point that asked for the mask, tile pixels.
        predicted_iou: float32 (N,).
    """

    logits: NDArray[np.float32]
    origins_xy: NDArray[np.int64]
    logit_px: int
    points_xy: NDArray[np.float64]
    predicted_iou: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.logits)

    def stability(self) -> NDArray[np.float32]:
        """Return the area above +1 over the area above -1 (N,): 1 = the outline does not depend on the threshold."""
        strict = (self.logits > STABILITY_OFFSET).sum((1, 2))
        loose = (self.logits > -STABILITY_OFFSET).sum((1, 2))
        return np.asarray(strict / np.maximum(loose, 1), dtype=np.float32)

    def replace(self, index: NDArray[np.intp], other: "TileMasks") -> "TileMasks":
        """Return a copy in which the masks of `index` are those of `other` (same window size)."""
        logits, origins, scores = self.logits.copy(), self.origins_xy.copy(), self.predicted_iou.copy()
        logits[index], origins[index], scores[index] = other.logits, other.origins_xy, other.predicted_iou
        return TileMasks(logits, origins, self.logit_px, self.points_xy, scores)

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> "TileMasks":
        """Return the masks of `index`."""
        return TileMasks(self.logits[index], self.origins_xy[index], self.logit_px, self.points_xy[index], self.predicted_iou[index])


def held_points(masks: TileMasks, points_xy: NDArray[np.float64]) -> list[NDArray[np.intp]]:
    """For each mask, the indices of those points (P, 2), tile pixels, that lie in it."""
    held = []
    size = masks.logits.shape[-1]
    for logits, origin in zip(masks.logits, masks.origins_xy, strict=True):
        place = np.floor((points_xy - origin) / masks.logit_px).astype(int)
        near = np.flatnonzero(((place >= 0) & (place < size)).all(axis=1))
        held.append(near[logits[place[near, 1], place[near, 0]] > 0])
    return held


def best_of_duplicates(masks: TileMasks, side_px: int, *, max_iou: float = 0.5, max_contained: float = 0.75) -> NDArray[np.bool_]:
    """Tell which masks (N,) stay when, of two that are nearly one, the better scored stays.

    Two masks are nearly one if their IoU is above `max_iou`, or if more than `max_contained` of the smaller lies in the other.
    `side_px` is the tile's side.
    """
    overlap = _overlaps(masks, side_px)
    area = overlap.diagonal()
    score = masks.predicted_iou * masks.stability()
    keep = area > 0
    for first in np.argsort(-score, kind="stable"):
        if not keep[first]:
            continue
        row = slice(overlap.indptr[first], overlap.indptr[first + 1])
        others, shared = overlap.indices[row], overlap.data[row]
        union = area[first] + area[others] - shared
        same = (shared > max_iou * union) | (shared > max_contained * np.minimum(area[first], area[others]))
        keep[others[same & (others != first)]] = False
    return np.asarray(keep)


def paint_masks(masks: TileMasks, tile: Tile, photo_box: tuple[int, int, int, int]) -> NDArray[np.int32]:
    """Return int32 (h, w) of the photo box: 1 + index of the mask with the highest logit at each pixel, 0 where none is above 0."""
    x0, y0, x1, y1 = photo_box
    labels = np.zeros((y1 - y0, x1 - x0), dtype=np.int32)
    highest = np.zeros(labels.shape, dtype=np.float32)
    for number, (logits, origin) in enumerate(zip(masks.logits, masks.origins_xy, strict=True), 1):
        box = _box_of_mask(logits, origin, masks.logit_px, tile, photo_box)
        if box is None:
            continue
        fine = _enlarge(logits, origin, masks.logit_px, tile, box)
        place = (slice(box[1] - y0, box[3] - y0), slice(box[0] - x0, box[2] - x0))
        won = fine > highest[place]
        labels[place][won] = number
        np.maximum(highest[place], fine, out=highest[place])
    return labels


def paint_outlines(
    outlines: NDArray[np.int32],
    interior: NDArray[np.float32],
    tile: Tile,
    photo_box: tuple[int, int, int, int],
) -> NDArray[np.int32]:
    """Return int32 (h, w) of the photo box: the finder's outlines, smooth where the photo is finer than the tile."""
    x0, y0, x1, y1 = photo_box
    size = (x1 - x0, y1 - y0)
    matrix = _photo_to_grid(tile, (x0, y0), (0, 0), 1)
    flags = cv2.WARP_INVERSE_MAP
    probability = cv2.warpAffine(interior, matrix, size, flags=flags | cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # float32 holds whole numbers up to 16 million exactly; a tile has fewer tesserae than pixels
    nearest = cv2.warpAffine(
        fill_mortar_from_nearest(outlines).astype(np.float32),
        matrix,
        size,
        flags=flags | cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.where(probability > 0.5, nearest, 0).astype(np.int32)


def _overlaps(masks: TileMasks, side_px: int) -> sparse.csr_matrix:
    """Shared areas in logits, sparse int (N, N); the diagonal holds the areas."""
    grid = side_px // masks.logit_px
    number, row, column = np.nonzero(masks.logits > 0)
    corner = masks.origins_xy // masks.logit_px
    place = (row + corner[number, 1]) * grid + column + corner[number, 0]
    member = sparse.csr_matrix((np.ones(len(number), dtype=np.int32), (number, place)), shape=(len(masks), grid * grid))
    return sparse.csr_matrix(member @ member.T)


def _photo_to_grid(tile: Tile, start_xy: tuple[int, int], origin_xy: tuple[int, int], step_px: int) -> NDArray[np.float64]:
    """Affine map from pixels counted from photo pixel `start_xy` to cells of `step_px` tile pixels counted from `origin_xy`."""
    corner = tile.to_tile((float(start_xy[0]), float(start_xy[1])))
    shift = [(corner[k] + 0.5 - origin_xy[k]) / step_px - 0.5 for k in range(2)]
    rate = tile.scale / step_px
    return np.array([[rate, 0, shift[0]], [0, rate, shift[1]]])


def _box_of_mask(
    logits: NDArray[np.float32], origin: NDArray[np.int64], step_px: int, tile: Tile, photo_box: tuple[int, int, int, int]
) -> tuple[int, int, int, int] | None:
    """Photo box around the positive logits, one logit wider, cut to the window and to the tile's photo box; None without any."""
    rows, columns = np.flatnonzero((logits > 0).any(1)), np.flatnonzero((logits > 0).any(0))
    if not len(rows):
        return None
    corner = (tile.x + int(origin[0]), tile.y + int(origin[1]))
    low = [corner[k] + max(int(place[0]) - 1, 0) * step_px for k, place in enumerate((columns, rows))]
    high = [corner[k] + min(int(place[-1]) + 2, logits.shape[1 - k]) * step_px for k, place in enumerate((columns, rows))]
    x0, y0 = (max(int(np.ceil(low[k] / tile.scale - 0.5)), photo_box[k]) for k in range(2))
    x1, y1 = (min(int(np.ceil(high[k] / tile.scale - 0.5)), photo_box[k + 2]) for k in range(2))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _enlarge(
    logits: NDArray[np.float32], origin: NDArray[np.int64], step_px: int, tile: Tile, box: tuple[int, int, int, int]
) -> NDArray[np.float32]:
    """Logits of a photo box inside the window, interpolated linearly; the outer half of the window's rim keeps the rim's value.

    Anything lower beyond the rim would take the outermost pixels from tesserae that the photo's edge cuts.
    """
    matrix = _photo_to_grid(tile, box[:2], (int(origin[0]), int(origin[1])), step_px)
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    size = (box[2] - box[0], box[3] - box[1])
    return np.asarray(cv2.warpAffine(logits, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32)
