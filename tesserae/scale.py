"""The tessera scale of a photo: how many pixels a side has, so that every photo reaches the model at the size it knows best.

The finder says at every place how large tesserae are there. It is asked on a few tiles of a coarse ladder of scales, and the answers given
near the finder's own unit, on tessera-like ground, count most; then asked again at the scale that came out, where outlines are
measured. Lacunae and background have no interior and no vote.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.finder import SIDE_UNIT_PX, FinderMaps, outline_tesserae
from tesserae.tiling import Tile, cut_tile, plan_tiles, spread_tiles

LADDER = (3.2, 1.6, 0.8, 0.4, 0.2)
PROBE_PX = 320
_PROBES_PER_SCALE = 3
_PROBES_REFINED = 5
_CONFIDENT = 0.5  # a pixel votes if its interior probability is above
MAX_SCALE = 4.0  # beyond it an enlarged photo holds nothing new

FindMaps = Callable[[NDArray[np.uint8]], FinderMaps]


@dataclass(frozen=True)
class TesseraScale:
    """Estimated tessera side.

    Attributes:
        side_px: median side (square root of the area) in photo pixels; NaN if nothing like a tessera was seen.
        coverage: share of the probed ground that the finder takes for tesserae, 0..1.
    """

    side_px: float
    coverage: float

    def model_scale(self, unit_px: float = SIDE_UNIT_PX) -> float:
        """Return model pixels per photo pixel that bring the median tessera to `unit_px` a side."""
        return float(min(unit_px / self.side_px, MAX_SCALE)) if np.isfinite(self.side_px) else 1.0


def estimate_scale(image: NDArray[np.uint8], find_maps: FindMaps) -> TesseraScale:
    """Estimate the tessera side of a photo uint8 (H, W, 3); `find_maps` runs the finder on a square picture."""
    votes = [vote for scale in LADDER for vote in _vote(image, scale, find_maps)]
    side_px = _weighted_median(votes)
    coverage = 0.0
    for _ in range(2):
        if not np.isfinite(side_px):
            return TesseraScale(float("nan"), 0.0)
        side_px, coverage = _measure(image, TesseraScale(side_px, 0.0).model_scale(), find_maps, side_px)
    return TesseraScale(side_px, coverage)


def _vote(image: NDArray[np.uint8], scale: float, find_maps: FindMaps) -> list[tuple[float, float]]:
    """Votes (log2 of the side in photo pixels, weight) of a few probes at one scale."""
    if min(image.shape[:2]) * scale < PROBE_PX / 4:
        return []
    votes = []
    for tile in _probes(image, scale, _PROBES_PER_SCALE):
        maps = find_maps(cut_tile(image, tile))
        votes_here = (maps.interior > _CONFIDENT) & _of_photo(tile)
        if votes_here.mean() < 0.02:
            continue
        middle = float(np.median(maps.log_side[votes_here]))
        sure = float(np.abs(2 * maps.interior[votes_here] - 1).mean() * votes_here.mean())
        votes.append((middle + float(np.log2(SIDE_UNIT_PX / scale)), sure * float(np.exp(-((middle / 0.8) ** 2)))))
    return votes


def _measure(image: NDArray[np.uint8], scale: float, find_maps: FindMaps, before_px: float) -> tuple[float, float]:
    """Median side in photo pixels of the tesserae outlined on a few probes at `scale`, and the share of ground they cover."""
    areas: list[NDArray[np.int64]] = []
    covered = []
    for tile in _probes(image, scale, _PROBES_REFINED):
        outlines = outline_tesserae(find_maps(cut_tile(image, tile)))
        covered.append(float((outlines > 0).mean()))
        areas.append(np.bincount(outlines.ravel())[1:])
    found = np.concatenate(areas)
    found = found[found > 0]
    if len(found) < 5:
        return before_px, float(np.mean(covered))
    return float(np.sqrt(np.median(found))) / scale, float(np.mean(covered))


def _probes(image: NDArray[np.uint8], scale: float, count: int) -> list[Tile]:
    shape = (image.shape[0], image.shape[1])
    return list(spread_tiles(plan_tiles(shape, scale, PROBE_PX, 0), count))


def _of_photo(tile: Tile) -> NDArray[np.bool_]:
    """Where a tile shows the photo itself, not its mirrored continuation."""
    x0, y0, x1, y1 = tile.core_xyxy
    inside = np.zeros((tile.side, tile.side), dtype=bool)
    inside[y0:y1, x0:x1] = True
    return inside


def _weighted_median(votes: list[tuple[float, float]]) -> float:
    """Two to the power of the weighted median of the votes; NaN without any."""
    if not votes or sum(weight for _, weight in votes) <= 0:
        return float("nan")
    value, weight = (np.asarray(column) for column in zip(*sorted(votes), strict=True))
    half = np.searchsorted(np.cumsum(weight), 0.5 * weight.sum())
    return float(2.0 ** value[min(int(half), len(value) - 1)])
