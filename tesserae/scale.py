"""The tessera scale of a photo: how many pixels a side has, so that every photo reaches the model at the size it knows best.

The finder says at every place how large tesserae are there. It is asked on a few tiles of a coarse ladder of scales; the answers given
near the finder's own unit, on ground that surely is tessera, count most. Then it is asked again at the scale that came out. Lacunae
and background have no interior and no vote.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.finder import SIDE_UNIT_PX, FinderMaps, typical_log_side
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


def model_scale(side_px: float, wanted_px: float) -> float:
    """Return model pixels per photo pixel that bring tesserae of `side_px` to `wanted_px`; 1 where the side is unknown (NaN)."""
    return min(wanted_px / side_px, MAX_SCALE) if np.isfinite(side_px) else 1.0


def estimate_side_px(image: NDArray[np.uint8], find_maps: FindMaps) -> float:
    """Estimate the tessera side (square root of the area) of a photo uint8 (H, W, 3), in its pixels; NaN if none was seen.

    `find_maps` runs the finder on a square picture.
    """
    votes = [vote for scale in LADDER for vote in _ask(image, scale, _PROBES_PER_SCALE, find_maps)]
    for _ in range(_ROUNDS):
        side_px = _weighted_median(votes)
        if not np.isfinite(side_px):
            return side_px
        votes = _ask(image, model_scale(side_px, SIDE_UNIT_PX), _PROBES_REFINED, find_maps) or votes
    return _weighted_median(votes)


@dataclass(frozen=True)
class _Vote:
    """What one probe says: log2 of the side in photo pixels, and how much that counts."""

    log2_side_px: float
    weight: float


def _ask(image: NDArray[np.uint8], scale: float, probes: int, find_maps: FindMaps) -> list[_Vote]:
    """Return the votes of a few probes at one scale."""
    if min(image.shape[:2]) * scale < PROBE_PX / 4:
        return []
    votes = []
    for tile in _probes(image, scale, probes):
        maps = find_maps(cut_tile(image, tile))
        shown = np.zeros(maps.interior.shape, dtype=bool)
        shown[tile.of_photo((image.shape[0], image.shape[1]))] = True
        sees = (maps.interior > _CONFIDENT) & shown
        if sees.sum() < _LEAST_COVERAGE * shown.sum():
            continue
        middle = typical_log_side(maps, sees)
        sure = float(np.abs(2 * maps.interior[sees] - 1).mean() * sees.mean())
        weight = sure * float(np.exp(-((middle / _TRUSTED_OCTAVES) ** 2)))
        votes.append(_Vote(middle + float(np.log2(SIDE_UNIT_PX / scale)), weight))
    return votes


def _probes(image: NDArray[np.uint8], scale: float, count: int) -> list[Tile]:
    shape = (image.shape[0], image.shape[1])
    return list(spread_tiles(plan_tiles(shape, scale, PROBE_PX, 0), count))


def _weighted_median(votes: list[_Vote]) -> float:
    """Two to the power of the weighted median of the votes; NaN without any."""
    total = sum(vote.weight for vote in votes)
    if total <= 0:
        return float("nan")
    ordered = sorted(votes, key=lambda vote: vote.log2_side_px)
    half = np.searchsorted(np.cumsum([vote.weight for vote in ordered]), 0.5 * total)
    return float(2.0 ** ordered[min(int(half), len(ordered) - 1)].log2_side_px)
