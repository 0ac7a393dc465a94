"""The first pass: each tile is looked at at the size of its own tesserae."""

import numpy as np
import pytest

from tesserae.checkpoints import find_checkpoint
from tesserae.clock import Clock
from tesserae.find import _outline, find_tesserae, octaves_off
from tesserae.finder import PEAK_ABOVE, SIDE_UNIT_PX, WORKING_SIDE_PX, FinderMaps
from tesserae.models import load_models
from tesserae.settings import PROJECT_DIR
from tesserae.tiling import Tile

TILE = Tile(0, 0, 64, (16, 16, 48, 48), 1.0)


def maps_of(side_px: float, *, interior: float = 0.9) -> FinderMaps:
    """What a finder says that sees tesserae of one size everywhere."""
    shape = (64, 64)
    log_side = np.full(shape, np.log2(side_px / SIDE_UNIT_PX), np.float32)
    return FinderMaps(np.full(shape, interior, np.float32), np.ones(shape, np.float32), log_side)


@pytest.mark.parametrize(("side_px", "octaves"), [(18.0, 0.0), (36.0, 1.0), (9.0, -1.0)])
def test_octaves_off_by_hand(side_px: float, octaves: float) -> None:
    assert WORKING_SIDE_PX == 18
    assert octaves_off(maps_of(side_px), TILE) == pytest.approx(octaves, abs=1e-5)


def test_without_tesserae_nothing_is_off() -> None:
    assert octaves_off(maps_of(32.0, interior=0.1), TILE) == 0.0


def test_only_the_core_has_a_say() -> None:
    maps = maps_of(WORKING_SIDE_PX)
    maps.log_side[:16] += 3
    assert octaves_off(maps, TILE) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("reach", [6, 10, 14], ids=lambda reach: f"{reach} rows in the photo")
def test_a_stone_that_the_photos_edge_cuts_is_kept(monkeypatch: pytest.MonkeyPatch, reach: int) -> None:
    """A photo smaller than a tile is continued by mirroring: the stone is whole there, its deepest pixel may lie beyond the photo."""
    monkeypatch.setattr(
        "tesserae.find.outline_tesserae", lambda maps, peak_above: np.pad(np.ones((20, 12), np.int32), ((reach, 44 - reach), (26, 26)))
    )
    photo = np.zeros((40, 40, 3), np.uint8)
    tile = Tile(-12, -20, 64, (12, 20, 52, 60), 1.0)  # the photo begins in row 20 of the tile
    photo_box, pieces = _outline(photo, tile, maps_of(WORKING_SIDE_PX), PEAK_ABOVE, Clock())
    assert photo_box == (0, 0, 40, 40)
    assert (pieces[:reach, 14:26] == 1).all()


def test_every_tile_is_seen_at_its_own_size() -> None:
    """Left a mosaic of large stones, right one of small stones: a scale for both would lose one of them."""
    sides_px, width, height = (36, 11), 360, 252  # of each half, which is one tile
    halves = []
    for side_px in sides_px:
        stone = np.arange(width) % side_px >= side_px // 6
        halves.append(np.where(stone[:height, None] & stone[None], 210, 60)[:, : width // side_px * side_px])
    image = np.repeat(np.hstack(halves)[..., None], 3, axis=2).astype(np.uint8)
    true = [(height / side_px) * (half.shape[1] // side_px) for side_px, half in zip(sides_px, halves, strict=True)]
    models = load_models(find_checkpoint("tesserae_mini", PROJECT_DIR / "weights", ""), "cpu")
    labels = find_tesserae(image, models, 20.0, Clock(), lambda _: None)
    border = halves[0].shape[1]
    counts = [len(np.unique(part)) - 1 for part in (labels[:, :border], labels[:, border:])]
    assert counts == pytest.approx(true, rel=0.1)
