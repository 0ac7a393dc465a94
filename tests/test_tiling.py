"""Tiles: their cores cover a photo exactly once, and their pictures lie where the two frames say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tesserae.tiling import Tile, cut_tile, labels_to_tile, plan_tiles, spread_tiles, tiles_within


@st.composite
def plans(draw):
    """A photo's shape, a scale, a side and a halo that leaves the core at least a quarter of the side."""
    shape = draw(st.tuples(st.integers(1, 300), st.integers(1, 300)))
    side = draw(st.sampled_from([16, 32, 64, 100]))
    halo = draw(st.integers(0, side * 3 // 8))
    return shape, draw(st.floats(0.1, 3.0)), side, halo


@given(plans())
@settings(max_examples=60, deadline=None)
def test_cores_cover_the_photo_exactly_once(plan):
    shape, scale, side, halo = plan
    height, width = (max(1, math.ceil(n * scale)) for n in shape)
    covered = np.zeros((height, width), np.int32)
    for tile in plan_tiles(shape, scale, side, halo):
        x0, y0, x1, y1 = tile.core_xyxy
        assert 0 <= x0 < x1 <= side
        assert 0 <= y0 < y1 <= side
        assert tile.side == side
        covered[tile.y + y0 : tile.y + y1, tile.x + x0 : tile.x + x1] += 1
    assert (covered == 1).all()


@given(plans())
@settings(max_examples=60, deadline=None)
def test_cores_keep_their_halo_except_at_the_photos_edge(plan):
    shape, scale, side, halo = plan
    height, width = (max(1, math.ceil(n * scale)) for n in shape)
    for tile in plan_tiles(shape, scale, side, halo):
        x0, y0, x1, y1 = tile.core_xyxy
        # corners are rounded to whole pixels, which may cost the halo one
        assert x0 >= halo - 1 or tile.x + x0 == 0
        assert y0 >= halo - 1 or tile.y + y0 == 0
        assert side - x1 >= halo - 1 or tile.x + x1 == width
        assert side - y1 >= halo - 1 or tile.y + y1 == height


PLACES = st.floats(0, 1 - 2**-40)  # as shares of the photo; nearer to its end, rounding puts a point beyond it


@given(plans(), st.tuples(PLACES, PLACES))
@settings(max_examples=60, deadline=None)
def test_every_photo_point_is_held_by_one_core(plan, place):
    shape, scale, side, halo = plan
    photo_xy = (place[0] * shape[1] - 0.5, place[1] * shape[0] - 0.5)
    tiles = plan_tiles(shape, scale, side, halo)
    assert sum(bool(tile.holds(np.array([tile.to_tile(photo_xy)]))[0]) for tile in tiles) == 1


@given(plans(), st.floats(0.3, 3.0), st.floats(0.0, 1.0))
@settings(max_examples=60, deadline=None)
def test_tiles_of_another_scale_cover_a_tiles_core_with_their_halo(plan, factor, which):
    shape, scale, side, halo = plan
    tiles = plan_tiles(shape, scale, side, halo)
    tile = tiles[round(which * (len(tiles) - 1))]
    x0, y0, x1, y1 = tile.core_xyxy
    closer = tiles_within(tile, scale * factor, halo)
    places = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), -1).reshape(-1, 2)
    photo_xy = (places + 0.5 + (tile.x, tile.y)) / scale - 0.5
    held = sum(part.holds(part.points_to_tile(photo_xy)).astype(int) for part in closer)
    assert (held == 1).all()
    for part in closer:
        assert (part.side, part.scale) == (side, scale * factor)
        low_x, low_y, high_x, high_y = part.core_xyxy
        assert halo <= min(low_x, low_y)
        assert max(high_x, high_y) <= side - halo


@given(plans())
@settings(max_examples=60, deadline=None)
def test_photo_boxes_hold_the_pixels_whose_centres_lie_in_the_tile(plan):
    shape, scale, side, halo = plan
    for tile in plan_tiles(shape, scale, side, halo)[:4]:
        box = tile.photo_box(shape)
        for axis, (corner, length) in enumerate(((tile.x, shape[1]), (tile.y, shape[0]))):
            centres = (np.arange(length) + 0.5) * scale
            # a hair of slack for centres that fall on the tile's edge
            inside = np.flatnonzero((centres >= corner + 1e-6) & (centres < corner + side - 1e-6))
            loose = np.flatnonzero((centres >= corner - 1e-6) & (centres < corner + side + 1e-6))
            pixels = set(range(box[axis], box[axis + 2]))
            assert set(inside.tolist()) <= pixels <= set(loose.tolist())


@pytest.mark.parametrize(
    ("x", "y", "scale", "rows", "columns"),
    [
        (0, 0, 1.0, (0, 16), (0, 16)),
        (-4, -6, 1.0, (6, 16), (4, 16)),
        (8, 14, 1.0, (0, 6), (0, 16)),
        (-4, -6, 0.25, (6, 11), (4, 14)),
        (60, 0, 1.0, (0, 16), (0, 0)),
    ],
    ids=["inside", "upper left", "lower edge", "smaller than the tile", "beyond the photo"],
)
def test_of_photo_by_hand(x, y, scale, rows, columns):
    """A photo of 20 x 40 pixels on tiles of 16 model pixels."""
    shown = Tile(x, y, 16, (4, 4, 12, 12), scale).of_photo((20, 40))
    assert [(part.start, part.stop) for part in shown] == [rows, columns]


def test_to_tile_by_hand():
    # photo pixel 3 covers model pixels 6 and 7: its centre lies between them, 6.5, and 1.5 after the tile's corner
    assert Tile(5, 0, 16, (0, 0, 16, 16), 2.0).to_tile((3.0, 0.0)) == (1.5, 0.5)


@pytest.mark.parametrize(
    ("point_xy", "slack_px", "held"),
    [
        pytest.param((2.0, 2.0), 0.0, True, id="first-pixel"),
        pytest.param((1.0, 2.0), 0.0, False, id="left-of-it"),
        pytest.param((1.0, 2.0), 1.0, True, id="left-with-slack"),
        pytest.param((9.0, 5.0), 0.0, True, id="last-pixel"),
        pytest.param((9.5, 5.0), 0.0, False, id="half-open"),
        pytest.param((5.0, 8.0), 0.0, False, id="below"),
        pytest.param((5.0, 8.0), 1.0, True, id="below-with-slack"),
    ],
)
def test_holds(point_xy, slack_px, held):
    tile = Tile(0, 0, 16, (2, 2, 10, 8), 1.0)
    assert tile.holds(np.array([point_xy]), slack_px).tolist() == [held]


def test_a_photo_smaller_than_a_tile_is_centred_in_one():
    (tile,) = plan_tiles((6, 10), 1.0, 32, 4)
    assert tile == Tile(-11, -13, 32, (11, 13, 21, 19), 1.0)
    assert tile.photo_box((6, 10)) == (0, 0, 10, 6)


def noise_photo(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(70, 90), (16, 16), (40, 9), (1, 1)])
def test_at_scale_one_a_tile_holds_the_photos_pixels_and_their_mirror_image(shape):
    photo = noise_photo(shape)
    for tile in plan_tiles(shape, 1.0, 32, 6):
        picture = cut_tile(photo, tile)
        assert (picture.shape, picture.dtype) == ((32, 32, 3), np.uint8)
        wide = np.pad(photo, ((40, 40), (40, 40), (0, 0)), mode="symmetric")
        np.testing.assert_array_equal(picture, wide[tile.y + 40 : tile.y + 72, tile.x + 40 : tile.x + 72])


@pytest.mark.parametrize("scale", [0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 2.7])
def test_a_bright_dot_lands_where_to_tile_says(scale):
    photo = np.zeros((120, 130, 3), np.uint8)
    dot_xy = (61.0, 47.0)
    photo[46:49, 60:63] = 255
    checked = 0
    for tile in plan_tiles((120, 130), scale, 48, 8):
        x, y = tile.to_tile(dot_xy)
        if not (8 <= x < 40 and 8 <= y < 40):
            continue
        weight = cut_tile(photo, tile)[..., 0].astype(float)
        row, column = np.indices(weight.shape)
        found = ((column * weight).sum() / weight.sum(), (row * weight).sum() / weight.sum())
        assert found == pytest.approx((x, y), abs=0.1)
        checked += 1
    assert checked


def test_shrinking_smooths():
    stripes = np.zeros((200, 200, 3), np.uint8)
    stripes[:, ::2] = 255
    picture = cut_tile(stripes, Tile(5, 5, 32, (0, 0, 32, 32), 0.25))
    assert picture.std() < 20  # unsmoothed, every tile pixel would be near 0 or near 255


@pytest.mark.parametrize(
    ("length", "count", "expected"),
    [
        pytest.param(10, 1, [5], id="one-from-the-middle"),
        pytest.param(10, 5, [1, 3, 5, 7, 9], id="even"),
        pytest.param(3, 8, [0, 1, 2], id="fewer-than-asked"),
        pytest.param(7, 3, [1, 3, 5], id="uneven"),
    ],
)
def test_spread_tiles(length, count, expected):
    tiles = [Tile(n, 0, 8, (0, 0, 8, 8), 1.0) for n in range(length)]
    assert [tile.x for tile in spread_tiles(tiles, count)] == expected


def test_labels_come_into_the_tile_where_they_lie_in_the_photo():
    labels = np.zeros((40, 60), np.int32)
    labels[10:20, 30:36] = 70000
    tile = Tile(x=50, y=10, side=32, core_xyxy=(0, 0, 32, 32), scale=2.0)
    shown = labels_to_tile(labels[5:25, 25:40], (25, 5), tile)
    expected = np.zeros((32, 32), np.int32)
    expected[10:30, 10:22] = 70000
    assert shown.dtype == np.int32
    np.testing.assert_array_equal(shown, expected)
