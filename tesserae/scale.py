"""The tessera scale of a photo: how many pixels a side has, so that every photo reaches the model at the size it knows best.

The finder says at every place how large tesserae are there. It is asked on a few tiles of a coarse ladder of scales; the answers given
near the finder's own unit, on ground that surely is tessera, count most. Then it is asked again at the scale that came out. Lacunae
and background have no interior and no vote.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.finder import SIDE_UNIT_PX, FinderMaps
from tesserae.tiling import Tile, cut_tile, plan_tiles, spread_tiles

LADDER = (3.2, 1.6, 0.8, 0.4, 0.2)
PROBE_PX = 320
_PROBES_PER_SCALE = 3
_PROBES_REFINED = 5
_ROUNDS = 2
_LEAST_COVERAGE = 0.02  # a probe with less interior has no vote
_TRUSTED_OCTAVES = 0.8  # how far from the finder's unit its answers keep their weight
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


@dataclass(frozen=True)
class _Vote:
    """What one probe says: log2 of the side in photo pixels, how much that counts, and the share of ground that is tessera."""

    log2_side_px: float
    weight: float
    coverage: float


def estimate_scale(image: NDArray[np.uint8], find_maps: FindMaps) -> TesseraScale:
    """Estimate the tessera side of a photo uint8 (H, W, 3); `find_maps` runs the finder on a square picture."""
    votes = [vote for scale in LADDER for vote in _ask(image, scale, _PROBES_PER_SCALE, find_maps)]
    for _ in range(_ROUNDS):
        side_px = _weighted_median(votes)
        if not np.isfinite(side_px):
            return TesseraScale(float("nan"), 0.0)
        votes = _ask(image, TesseraScale(side_px, 0.0).model_scale(), _PROBES_REFINED, find_maps) or votes
    return TesseraScale(_weighted_median(votes), float(np.mean([vote.coverage for vote in votes])))


def _ask(image: NDArray[np.uint8], scale: float, probes: int, find_maps: FindMaps) -> list[_Vote]:
    """Return the votes of a few probes at one scale."""
    if min(image.shape[:2]) * scale < PROBE_PX / 4:
        return []
    votes = []
    for tile in _probes(image, scale, probes):
        maps = find_maps(cut_tile(image, tile))
        shown = _of_photo(tile)
        sees = (maps.interior > _CONFIDENT) & shown
        coverage = float(sees.sum() / shown.sum())
        if coverage < _LEAST_COVERAGE:
            continue
        middle = float(np.median(maps.log_side[sees]))
        sure = float(np.abs(2 * maps.interior[sees] - 1).mean() * sees.mean())
        weight = sure * float(np.exp(-((middle / _TRUSTED_OCTAVES) ** 2)))
        votes.append(_Vote(middle + float(np.log2(SIDE_UNIT_PX / scale)), weight, coverage))
    return votes


def _probes(image: NDArray[np.uint8], scale: float, count: int) -> list[Tile]:
    shape = (image.shape[0], image.shape[1])
    return list(spread_tiles(plan_tiles(shape, scale, PROBE_PX, 0), count))


def _of_photo(tile: Tile) -> NDArray[np.bool_]:
    """Where a tile shows the photo itself, not its mirrored continuation."""
    x0, y0, x1, y1 = tile.core_xyxy
    inside = np.zeros((tile.side, tile.side), dtype=bool)
    inside[y0:y1, x0:x1] = True
    return inside


def _weighted_median(votes: list[_Vote]) -> float:
    """Two to the power of the weighted median of the votes; NaN without any."""
    total = sum(vote.weight for vote in votes)
    if total <= 0:
        return float("nan")
    ordered = sorted(votes, key=lambda vote: vote.log2_side_px)
    half = np.searchsorted(np.cumsum([vote.weight for vote in ordered]), 0.5 * total)
    return float(2.0 ** ordered[min(int(half), len(ordered) - 1)].log2_side_px)
