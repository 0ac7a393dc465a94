"""The scale of photos whose tesserae are known, with a finder that sees no more than the cut tile shows."""

import numpy as np
import pytest
from scipy import ndimage

from tesserae.finder import SIDE_UNIT_PX, FinderMaps
from tesserae.scale import LADDER, MAX_SCALE, PROBE_PX, estimate_side_px, model_scale

LARGEST_SEEN_PX = 60.0  # beyond the sizes that it was trained on a finder says "large" and no more


def see(picture):
    """An ideal finder: white is tessera, black is joint, and grey, where joints are too fine to be seen, is doubtful.

    Tesserae that the tile shows whole tell their size; those at its edge are taken for as large as these. Outlines, for which the
    distance would be needed, have no say in the scale.
    """
    assert picture.shape == (PROBE_PX, PROBE_PX, 3)
    interior = picture[..., 0].astype(np.float32) / 255
    parts, count = ndimage.label(interior > 0.5)
    area = np.bincount(parts.ravel(), minlength=count + 1)
    at_edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    whole = np.setdiff1d(np.arange(1, count + 1), at_edge)
    sides = np.full(count + 1, np.median(np.sqrt(area[whole])) if len(whole) else LARGEST_SEEN_PX)
    sides[whole] = np.sqrt(area[whole])
    log_side = np.log2(np.clip(sides, 1, LARGEST_SEEN_PX) / SIDE_UNIT_PX)[parts]
    return FinderMaps(interior, np.zeros_like(interior), log_side.astype(np.float32))


def squares(side, size=None, joint=None):
    """A photo of white squares of `side` px in rows that are shifted against each other."""
    joint = max(2, round(0.12 * side)) if joint is None else joint
    size = min(1500, max(400, 12 * side)) if size is None else size
    white = np.zeros((size, size), bool)
    pitch = side + joint
    for number, y in enumerate(range(joint, size, pitch)):
        for x in range(joint - (number % 2) * pitch // 2, size, pitch):
            white[y : y + side, max(0, x) : max(0, x + side)] = True
    return as_photo(white)


def as_photo(white):
    return np.repeat(np.where(white, 255, 0).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("side", [8, 11, 16, 24, 35, 50, 80, 120])
def test_the_side_is_found_within_a_tenth(side):
    side_px = estimate_side_px(squares(side), see)
    assert side_px == pytest.approx(side, rel=0.1)
    assert model_scale(side_px, SIDE_UNIT_PX) == pytest.approx(SIDE_UNIT_PX / side, rel=0.12)


@pytest.mark.parametrize("shape", [(300, 1400), (1400, 300), (150, 170)], ids=["wide", "tall", "smaller than a tile"])
def test_any_shape_will_do(shape):
    photo = squares(20, 1400)[: shape[0], : shape[1]]
    assert estimate_side_px(photo, see) == pytest.approx(20, rel=0.1)


@pytest.mark.parametrize("side", [14, 45])
@pytest.mark.parametrize("half", [np.s_[:, :450], np.s_[450:]], ids=["left", "bottom"])
def test_a_lacuna_has_no_vote(side, half):
    photo = squares(side, 900)
    photo[half] = 0
    side_px = estimate_side_px(photo, see)
    assert side_px == pytest.approx(side, rel=0.1)


def test_mixed_sizes_give_their_median():
    """Two thirds of the ground in small stones, the rest in stones of twice and a half the side: most tesserae are small."""
    photo = squares(16, 960)
    photo[:, 640:] = squares(40, 960)[:, 640:]
    assert estimate_side_px(photo, see) == pytest.approx(16, rel=0.1)


def test_varied_sizes_give_about_their_median():
    rng = np.random.default_rng(4)
    white = np.zeros((900, 900), bool)
    for y in range(2, 860, 40):
        for x in range(2, 860, 40):
            height, width = rng.integers(18, 37, 2)
            white[y : y + height, x : x + width] = True
    labels, count = ndimage.label(white)
    true_px = float(np.median(np.sqrt(np.bincount(labels.ravel())[1:])))
    assert count > 400
    assert estimate_side_px(as_photo(white), see) == pytest.approx(true_px, rel=0.1)


@pytest.mark.parametrize(
    "photo",
    [np.zeros((500, 600, 3), np.uint8), squares(10, 20), np.zeros((1, 900, 3), np.uint8)],
    ids=["bare ground", "too small to be cut", "a line"],
)
def test_without_tesserae_there_is_no_scale(photo):
    side_px = estimate_side_px(photo, see)
    assert np.isnan(side_px)
    assert model_scale(side_px, SIDE_UNIT_PX) == 1.0


def constant_maps(*, log_side, interior):
    side = (PROBE_PX, PROBE_PX)
    interior = np.broadcast_to(np.asarray(interior, np.float32), side)
    return FinderMaps(interior, np.zeros(side, np.float32), np.full(side, log_side, np.float32))


def test_equal_answers_are_weighed_by_the_ground_they_cover():
    """A photo of 320 px gives three probes each at 3.2 and 1.6, and one each at 0.8 and 0.4 that it fills by 0.64 and 0.16.

    Each says "one unit": 7.5, 15, 30 and 60 px. Half of the weight of 6.8 is reached among those that say 15.
    """
    side_px = estimate_side_px(squares(20, 320), lambda picture: constant_maps(log_side=0.0, interior=1.0))
    assert side_px == pytest.approx(15)


def test_what_lies_beyond_the_photo_has_no_vote():
    """A photo of 60 px fills at most 192 of the tile's 320 pixels; a finder that sees stones around these only sees none."""
    around = np.ones((PROBE_PX, PROBE_PX))
    around[60:260, 60:260] = 0
    side_px = estimate_side_px(squares(10, 60), lambda picture: constant_maps(log_side=0.0, interior=around))
    assert np.isnan(side_px)
    everywhere = estimate_side_px(squares(10, 60), lambda picture: constant_maps(log_side=0.0, interior=1 - around))
    assert np.isfinite(everywhere)


def test_absurd_answers_have_no_weight():
    side_px = estimate_side_px(squares(20, 400), lambda picture: constant_maps(log_side=40.0, interior=1.0))
    assert np.isnan(side_px)


def test_answers_near_the_unit_count_most():
    """A finder that is right at the middle scale and says "as large as I know" elsewhere does not mislead."""
    photo = squares(30, 640)
    counted = []

    def biased(picture):
        maps = see(picture)
        counted.append(float(np.median(maps.log_side)))
        return maps

    assert estimate_side_px(photo, biased) == pytest.approx(30, rel=0.1)
    assert max(counted) > 1  # at the finest scale it did say "large"


@pytest.mark.parametrize(
    ("side_px", "unit_px", "expected"),
    [(24, SIDE_UNIT_PX, 1.0), (48, SIDE_UNIT_PX, 0.5), (12, 48.0, 4.0), (3, SIDE_UNIT_PX, MAX_SCALE), (float("nan"), SIDE_UNIT_PX, 1.0)],
    ids=["unit", "large", "another unit", "no finer than useful", "unknown"],
)
def test_the_model_scale_brings_the_median_to_the_unit(side_px, unit_px, expected):
    assert model_scale(side_px, unit_px) == pytest.approx(expected)


def test_the_ladder_reaches_the_sizes_promised():
    """Tesserae of 8 to 120 px come within a factor of 1.5 of the finder's unit on some rung."""
    for side in (8, 20, 60, 120):
        assert min(abs(np.log2(side * rung / SIDE_UNIT_PX)) for rung in LADDER) < np.log2(1.5)
