"""The canvas: what several tiles see of one tessera is one tessera, and the finished map is tidy."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from tesserae.canvas import Canvas, tidy_labels
from tesserae.tiling import plan_tiles


def rows(*lines):
    """A label map from lines of digits; a dot is mortar."""
    return np.array([[0 if sign == "." else int(sign) for sign in line] for line in lines], np.int32)


def paint_from_tiles(truth, tiles, slack_px):
    """Paint what each tile sees, numbered its own way: tesserae whose middle lies in its core or near it, up to the tile's edge."""
    canvas = Canvas(truth.shape)
    painted = []
    for tile in tiles:
        x0, y0, x1, y1 = box = tile.photo_box(truth.shape)
        middles = ndimage.center_of_mass(truth > 0, truth, np.arange(1, truth.max() + 1))
        mine = [k for k, (y, x) in enumerate(middles, 1) if tile.holds(np.array([tile.to_tile((x, y))]), slack_px)[0]]
        number = np.zeros(truth.max() + 1, np.int32)
        number[mine[::-1]] = np.arange(1, len(mine) + 1)
        painted.append(canvas.paint(box, number[truth[y0:y1, x0:x1]]))
    return canvas, painted


def test_a_tessera_on_the_corner_of_four_tiles_counts_once():
    truth = np.zeros((100, 100), np.int32)
    truth[44:57, 43:58] = 1
    tiles = plan_tiles(truth.shape, 1.0, 64, 14)
    assert len(tiles) == 4
    canvas, painted = paint_from_tiles(truth, tiles, slack_px=10.0)
    assert [len(labels) for labels in painted] == [1, 0, 0, 0]  # all four saw it
    assert canvas.count == 1
    np.testing.assert_array_equal(canvas.labels, truth)


def test_four_views_that_differ_at_the_rim_are_still_one_tessera():
    canvas = Canvas((40, 40))
    for shift in (0, 1, 2, 1):
        view = np.zeros((20, 20), np.int32)
        view[4 + shift : 14 + shift, 5:15] = 1
        canvas.paint((10, 10, 30, 30), view)
    assert canvas.count == 1


@pytest.mark.parametrize(("side", "halo", "slack_px"), [(64, 14, 0.0), (64, 14, 4.0), (48, 14, 10.0)])
def test_seams_neither_lose_nor_double(side, halo, slack_px):
    truth = np.zeros((150, 170), np.int32)
    for number, (y, x) in enumerate(((y, x) for y in range(3, 138, 13) for x in range(2, 158, 13)), 1):
        truth[y : y + 11, x : x + 11] = number
    canvas, _ = paint_from_tiles(truth, plan_tiles(truth.shape, 1.0, side, halo), slack_px)
    tidy, _ = tidy_labels(canvas.labels)
    assert tidy.max() == truth.max()
    np.testing.assert_array_equal(tidy, truth)  # both in reading order


@pytest.mark.parametrize(
    ("hidden_columns", "count"),
    [pytest.param(5, 2, id="half-is-new"), pytest.param(6, 1, id="more-than-half-is-the-same"), pytest.param(10, 1, id="all")],
)
def test_a_piece_that_is_mostly_there_is_left_out(hidden_columns, count):
    canvas = Canvas((4, 30))
    view = np.zeros((4, 30), np.int32)
    view[:, :10] = 1
    canvas.paint((0, 0, 30, 4), view)
    again = np.roll(view, 10 - hidden_columns, 1)
    given_labels = canvas.paint((0, 0, 30, 4), again)
    assert canvas.count == count
    assert given_labels == ({1: 2} if count == 2 else {})
    assert (canvas.labels[:, :10] == 1).all()  # taken pixels stay
    assert np.count_nonzero(canvas.labels == 2) == (4 * (10 - hidden_columns) if count == 2 else 0)


def test_paint_returns_the_label_of_each_number():
    canvas = Canvas((2, 6))
    assert canvas.paint((0, 0, 3, 2), rows("3.5", "3.5")) == {3: 1, 5: 2}
    assert canvas.paint((3, 0, 6, 2), rows("2..", "2.7")) == {2: 3, 7: 4}
    assert canvas.paint((0, 0, 6, 2), np.zeros((2, 6), np.int32)) == {}
    np.testing.assert_array_equal(canvas.labels, rows("1.23..", "1.23.4"))


@pytest.mark.parametrize(
    ("labels", "expected", "mapping"),
    [
        pytest.param(rows("77.", "77.", "..7"), rows("11.", "11.", "..."), {1: 7}, id="fragment-goes"),
        pytest.param(rows("222", "2.2", "222"), rows("111", "111", "111"), {1: 2}, id="hole-is-filled"),
        pytest.param(rows("222", "2.2", "2.2"), rows("111", "1.1", "1.1"), {1: 2}, id="bay-is-no-hole"),
        pytest.param(rows("222", "232", "222"), rows("111", "121", "111"), {1: 2, 2: 3}, id="tessera-in-a-tessera"),
        pytest.param(rows("9.4", "9.4", "...", "2.."), rows("1.2", "1.2", "...", "3.."), {1: 9, 2: 4, 3: 2}, id="reading-order"),
        pytest.param(rows("...", "..."), rows("...", "..."), {}, id="only-mortar"),
        pytest.param(rows("2..3", "2.33"), rows("1..2", "1.22"), {1: 2, 2: 3}, id="numbered-from-one"),
        pytest.param(
            rows("44444", "4.3.4", "4...4", "44444", "....3", "...33", "...33"),
            rows("11111", "11111", "11111", "11111", "....2", "...22", "...22"),
            {1: 4, 2: 3},
            id="a-fragment-in-a-hole-leaves-no-hole",
        ),
        pytest.param(
            rows("2.3", "..3", "2..", "2..", "2.."),
            rows("..1", "..1", "2..", "2..", "2.."),
            {1: 3, 2: 2},
            id="a-fragment-does-not-set-the-order",
        ),
    ],
)
def test_tidy_labels(labels, expected, mapping):
    before = labels.copy()
    tidy, old_numbers = tidy_labels(labels)
    assert tidy.dtype == np.int32
    np.testing.assert_array_equal(tidy, expected)
    assert dict(old_numbers) == mapping
    np.testing.assert_array_equal(labels, before)


def test_tiny_pieces_go():
    labels = np.zeros((20, 50), np.int32)
    for number, x in enumerate((0, 12, 24), 1):
        labels[5:15, x : x + 10] = number  # 100 pixels each
    labels[0:2, 40:44] = 4  # 8 pixels, just as large as the least
    labels[4, 40:47] = 5  # 7 pixels
    tidy, old_numbers = tidy_labels(labels)
    assert dict(old_numbers) == {1: 4, 2: 1, 3: 2, 4: 3}
    assert (tidy[labels == 5] == 0).all()


@given(hnp.arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 4)))
@example(rows("1111111", "1.....1", "1.222.1", "1.2.2.1", "1.222.1", "1.....1", "1111111"))
@settings(max_examples=60, deadline=None)
def test_tidying_twice_changes_nothing(labels):
    tidy, _ = tidy_labels(labels)
    again, old_numbers = tidy_labels(tidy)
    np.testing.assert_array_equal(again, tidy)
    assert dict(old_numbers) == {k: k for k in range(1, tidy.max() + 1)}


@given(hnp.arrays(np.int32, (12, 12), elements=st.sampled_from([0, 0, 1, 1, 1, 2, 2, 9])))
@settings(max_examples=50, deadline=None)
def test_tidy_tesserae_are_whole(labels):
    tidy, old_numbers = tidy_labels(labels)
    assert sorted(old_numbers) == list(range(1, tidy.max() + 1))
    for new, old in old_numbers.items():
        assert ndimage.label(tidy == new)[1] == 1
        parts, _ = ndimage.label(labels == old)
        sizes, kept = (np.bincount(parts[where]) for where in (parts > 0, (parts > 0) & (tidy == new)))
        assert kept.max() == sizes.max()  # a largest part, and all of it
