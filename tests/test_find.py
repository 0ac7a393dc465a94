"""The first pass: each tile is looked at at the size of its own tesserae."""

import numpy as np
import pytest

from tesserae.checkpoints import find_checkpoint
from tesserae.clock import Clock
from tesserae.find import find_tesserae, octaves_off
from tesserae.finder import SIDE_UNIT_PX, WORKING_SIDE_PX, FinderMaps
from tesserae.models import load_models
from tesserae.settings import PROJECT_DIR
from tesserae.tiling import Tile

TILE = Tile(0, 0, 64, (16, 16, 48, 48), 1.0)


def maps_of(side_px: float, *, interior: float = 0.9) -> FinderMaps:
    """What a finder says that sees tesserae of one size everywhere."""
    shape = (64, 64)
    log_side = np.full(shape, np.log2(side_px / SIDE_UNIT_PX), np.float32)
    return FinderMaps(np.full(shape, interior, np.float32), np.ones(shape, np.float32), log_side)


@pytest.mark.parametrize(("side_px", "octaves"), [(16.0, 0.0), (32.0, 1.0), (8.0, -1.0)])
def test_octaves_off_by_hand(side_px: float, octaves: float) -> None:
    assert WORKING_SIDE_PX == 16
    assert octaves_off(maps_of(side_px), TILE) == pytest.approx(octaves, abs=1e-5)


def test_without_tesserae_nothing_is_off() -> None:
    assert octaves_off(maps_of(32.0, interior=0.1), TILE) == 0.0


def test_only_the_core_has_a_say() -> None:
    maps = maps_of(16.0)
    maps.log_side[:16] += 3
    assert octaves_off(maps, TILE) == pytest.approx(0.0, abs=1e-5)


def test_every_tile_is_seen_at_its_own_size() -> None:
    """Left a mosaic of large stones, right one of small stones: a scale for both would lose one of them."""
    sides_px = (36, 11)
    halves = []
    for side_px in sides_px:
        place = np.arange(720) % side_px
        stone = (place >= side_px // 6) & (place < side_px)
        halves.append(np.where(stone[:, None] & stone[None], 210, 60)[:, : 720 // side_px * side_px])
    image = np.repeat(np.hstack(halves)[..., None], 3, axis=2).astype(np.uint8)
    true = [(720 / side_px) * (half.shape[1] // side_px) for side_px, half in zip(sides_px, halves, strict=True)]
    models = load_models(find_checkpoint("tesserae_mini", PROJECT_DIR / "weights", ""), "cpu")
    labels = find_tesserae(image, models, 20.0, Clock(), lambda _: None)
    border = halves[0].shape[1]
    counts = [len(np.unique(part)) - 1 for part in (labels[:, :border], labels[:, border:])]
    assert counts == pytest.approx(true, rel=0.1)
