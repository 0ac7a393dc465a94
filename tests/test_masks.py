"""Masks: scored, told apart and painted, on logits written by hand."""

import numpy as np
import pytest

from tesserae.masks import TileMasks, best_of_duplicates, held_points, paint_masks, paint_outlines
from tesserae.tiling import Tile

SIDE = 32
LOGIT_PX = 4


def boxes_as_masks(*boxes_xyxy, scores=None, level=6.0, size=8, origins=None):
    """Masks on windows of `size` logits: `level` inside each box (logits, half open), its negative outside."""
    logits = np.full((len(boxes_xyxy), size, size), -level, np.float32)
    for window, (x0, y0, x1, y1) in zip(logits, boxes_xyxy, strict=True):
        window[y0:y1, x0:x1] = level
    origins_xy = np.zeros((len(logits), 2), np.int64) if origins is None else np.asarray(origins, np.int64)
    predicted = np.asarray(np.full(len(logits), 0.9) if scores is None else scores, np.float32)
    return TileMasks(logits, origins_xy, LOGIT_PX, np.zeros((len(logits), 2)), predicted)


def tile_at(scale, x=0, y=0, side=SIDE):
    return Tile(x, y, side, (0, 0, side, side), scale)


def test_stability_by_hand():
    logits = np.array(
        [
            [[2.0, 1.5], [0.5, -0.5]],  # 2 above +1, 4 above -1
            [[3.0, 3.0], [-3.0, -3.0]],  # 2 and 2
            [[1.0, 0.9], [-1.0, -2.0]],  # the thresholds themselves are not above
            [[-9.0, -9.0], [-9.0, -9.0]],  # nothing
        ],
        np.float32,
    )
    masks = TileMasks(logits, np.zeros((4, 2), np.int64), LOGIT_PX, np.zeros((4, 2)), np.ones(4, np.float32))
    assert len(masks) == 4
    assert masks.stability().tolist() == [0.5, 1.0, 0.0, 0.0]
    assert masks.stability().dtype == np.float32


def test_take_and_replace_return_new_masks():
    masks = boxes_as_masks((0, 0, 2, 2), (2, 2, 4, 4), (4, 4, 8, 8), scores=[0.1, 0.2, 0.3], origins=[(0, 0), (4, 0), (8, 8)])
    taken = masks.take(np.array([2, 0]))
    assert taken.predicted_iou.tolist() == pytest.approx([0.3, 0.1])
    assert taken.origins_xy.tolist() == [[8, 8], [0, 0]]
    assert len(masks.take(np.array([False, True, False]))) == 1
    other = boxes_as_masks((0, 0, 8, 8), scores=[0.7], origins=[(4, 4)])
    changed = masks.replace(np.array([1]), other)
    assert changed.predicted_iou.tolist() == pytest.approx([0.1, 0.7, 0.3])
    assert changed.origins_xy.tolist() == [[0, 0], [4, 4], [8, 8]]
    np.testing.assert_array_equal(changed.logits[1], other.logits[0])
    np.testing.assert_array_equal(changed.logits[[0, 2]], masks.logits[[0, 2]])
    assert masks.predicted_iou.tolist() == pytest.approx([0.1, 0.2, 0.3])


def test_held_points():
    # tile pixels 4..11 both ways; and the same window moved by (12, 8)
    masks = boxes_as_masks((1, 1, 3, 3), (1, 1, 3, 3), origins=[(0, 0), (12, 8)])
    points_xy = np.array([[4.0, 4.0], [11.9, 11.9], [12.0, 5.0], [3.9, 5.0], [17.0, 13.0], [31.0, 31.0], [-1.0, 5.0], [5.0, 60.0]])
    assert [held.tolist() for held in held_points(masks, points_xy)] == [[0, 1], [4]]
    assert [held.tolist() for held in held_points(masks, np.zeros((0, 2)))] == [[], []]


@pytest.mark.parametrize(
    ("boxes", "scores", "keep"),
    [
        pytest.param([(0, 0, 4, 4), (0, 0, 4, 4)], [0.8, 0.9], [False, True], id="equal-better-stays"),
        pytest.param([(0, 0, 4, 4), (0, 0, 4, 4)], [0.9, 0.9], [True, False], id="equal-score-first-stays"),
        pytest.param([(0, 0, 4, 4), (4, 0, 8, 4)], [0.8, 0.9], [True, True], id="neighbours"),
        pytest.param([(0, 0, 6, 6), (1, 1, 3, 3)], [0.9, 0.8], [True, False], id="contained-goes"),
        pytest.param([(0, 0, 6, 6), (1, 1, 3, 3)], [0.8, 0.9], [False, True], id="container-goes"),
        # shared 8, union 16: IoU 0.5 is not above 0.5; 8 of 12 contained
        pytest.param([(0, 0, 3, 4), (1, 0, 4, 4)], [0.9, 0.8], [True, True], id="iou-a-half"),
        # shared 12 of 16, union 20
        pytest.param([(0, 0, 4, 4), (1, 0, 5, 4)], [0.9, 0.8], [True, False], id="iou-above-a-half"),
        # 3 of the smaller's 4 lie in the larger, which is not above 0.75
        pytest.param([(0, 0, 4, 8), (3, 0, 7, 1)], [0.9, 0.8], [True, True], id="little-contained"),
        pytest.param([(0, 0, 3, 8), (0, 0, 4, 1)], [0.9, 0.8], [True, True], id="three-quarters-contained"),
        pytest.param([(0, 0, 0, 0), (1, 1, 3, 3)], [0.9, 0.8], [False, True], id="empty-goes"),
        # the middle one goes, so the third, a duplicate of the middle one only, stays
        pytest.param([(0, 0, 4, 4), (1, 0, 5, 4), (2, 0, 6, 4)], [0.9, 0.8, 0.7], [True, False, True], id="a-loser-removes-none"),
        pytest.param([], [], [], id="none"),
    ],
)
def test_best_of_duplicates(boxes, scores, keep):
    assert best_of_duplicates(boxes_as_masks(*boxes, scores=scores), SIDE).tolist() == keep


def test_duplicates_are_compared_where_their_windows_lie():
    same_place = boxes_as_masks((2, 2, 5, 5), (0, 1, 3, 4), scores=[0.9, 0.8], origins=[(0, 0), (8, 4)])
    elsewhere = boxes_as_masks((2, 2, 5, 5), (2, 2, 5, 5), scores=[0.9, 0.8], origins=[(0, 0), (16, 0)])
    assert best_of_duplicates(same_place, 64).tolist() == [True, False]
    assert best_of_duplicates(elsewhere, 64).tolist() == [True, True]


def test_score_is_predicted_iou_times_stability():
    masks = boxes_as_masks((0, 0, 4, 4), (0, 0, 4, 4), scores=[0.95, 0.8])
    masks.logits[0, :2, :4] = 0.5  # half of the first mask is unsure: 0.95 * 0.5 < 0.8
    assert best_of_duplicates(masks, SIDE).tolist() == [False, True]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("corner", [(0, 0), (16, 8)], ids=["first-tile", "later-tile"])
def test_a_square_is_painted_at_its_photo_pixels(scale, corner):
    tile = tile_at(scale, *corner)
    shape = (int(120 / scale), int(120 / scale))
    x0, y0, x1, y1 = box = tile.photo_box(shape)
    # logits 2..4 and 3..5, on a window that starts at tile pixel (4, 0): tile pixels 12..23 by 12..23
    labels = paint_masks(boxes_as_masks((2, 3, 5, 6), size=7, origins=[(4, 0)]), tile, box)
    assert labels.shape == (y1 - y0, x1 - x0)
    assert labels.dtype == np.int32
    rows, columns = np.nonzero(labels == 1)
    expected = [(corner[axis] + n) / scale for n in (12, 24) for axis in (0, 1)]
    found = [columns.min() + x0, rows.min() + y0, columns.max() + 1 + x0, rows.max() + 1 + y0]
    assert found == expected
    # linear interpolation rounds the corners by a part of a logit, no more
    assert len(rows) >= 0.9 * (12 / scale) ** 2


def test_the_higher_logit_wins():
    masks = boxes_as_masks((0, 0, 6, 8), (3, 0, 8, 8), level=4.0)
    masks.logits[1][masks.logits[1] > 0] = 5.0
    for order, winner in (([0, 1], 2), ([1, 0], 1)):
        labels = paint_masks(masks.take(np.array(order)), tile_at(1.0), (0, 0, 32, 32))
        assert labels[16, 18] == winner  # both claim it
        assert labels[16, 2] == 3 - winner
        assert labels[16, 30] == winner


def test_equal_logits_go_to_the_first():
    masks = boxes_as_masks((0, 0, 8, 8), (0, 0, 8, 8))
    assert (paint_masks(masks, tile_at(1.0), (0, 0, 32, 32)) == 1).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_a_mask_that_reaches_the_rim_is_painted_up_to_it(scale):
    tile = tile_at(scale)
    box = tile.photo_box((int(32 / scale), int(32 / scale)))
    assert (paint_masks(boxes_as_masks((0, 0, 8, 8), level=2.0), tile, box) == 1).all()


def test_a_mask_is_not_painted_beyond_its_window():
    tile = tile_at(1.0)
    labels = paint_masks(boxes_as_masks((0, 0, 4, 4), size=4, origins=[(8, 12)]), tile, (0, 0, 32, 32))
    expected = np.zeros((32, 32), np.int32)
    expected[12:28, 8:24] = 1
    np.testing.assert_array_equal(labels, expected)


def test_masks_without_a_pixel_in_the_box_paint_nothing():
    masks = boxes_as_masks((0, 0, 0, 0), (5, 5, 8, 8))
    assert not paint_masks(masks, tile_at(1.0), (0, 0, 12, 12)).any()
    assert paint_masks(masks.take(np.array([], np.intp)), tile_at(1.0), (0, 0, 12, 12)).shape == (12, 12)


def disc(side, centre_xy, radius):
    y, x = np.indices((side, side))
    return np.hypot(x - centre_xy[0], y - centre_xy[1]) < radius


@pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0])
def test_outlines_are_smooth_and_aligned(scale):
    y, x = np.indices((SIDE, SIDE))
    away = np.hypot(x - 15.5, y - 13.5)
    interior = np.clip(0.5 + (9.0 - away) / 4, 0, 1).astype(np.float32)  # 0.5 at 9 tile pixels
    outlines = np.where(interior > 0.5, 6, 0).astype(np.int32)
    tile = tile_at(scale, 8, 4)
    x0, y0, _, _ = box = tile.photo_box((int(64 / scale), int(64 / scale)))
    labels = paint_outlines(outlines, interior, tile, box)
    assert labels.dtype == np.int32
    assert set(np.unique(labels)) == {0, 6}
    row, column = np.indices(labels.shape)
    tile_x, tile_y = tile.to_tile((column + x0, row + y0))
    from_centre = np.hypot(tile_x - 15.5, tile_y - 13.5)
    wrong = (labels == 6) != (from_centre < 9)
    # no pixel is wrong that lies further than a quarter of a tile pixel from the circle: finer than the tile's own steps
    assert abs(from_centre[wrong] - 9).max(initial=0) < 0.25


def test_outlines_keep_apart_on_the_line_between_them():
    outlines = np.zeros((8, 8), np.int32)
    outlines[:, :3], outlines[:, 5:] = 4, 9
    interior = np.ones((8, 8), np.float32)  # the finder sees no joint
    labels = paint_outlines(outlines, interior, tile_at(0.5, side=8), (0, 0, 16, 16))
    assert set(np.unique(labels)) == {4, 9}  # no gap: each pixel goes to the nearer
    assert (labels[:, :6] == 4).all()
    assert (labels[:, 10:] == 9).all()


def test_no_outlines_paint_nothing():
    labels = paint_outlines(np.zeros((8, 8), np.int32), np.ones((8, 8), np.float32), tile_at(1.0, side=8), (0, 0, 8, 8))
    assert not labels.any()
