"""Patches: what changed, put there and taken back; and boxes."""

import numpy as np
import pytest
from corrections_examples import rows
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tesserae.corrections.boxes import EMPTY, common_box, is_empty, mask_box, tessera_boxes, union_box, widened_box, window
from tesserae.corrections.patches import IGNORED, Patch, box_of_patches

PIXELS = arrays(np.int32, (5, 6), elements=st.sampled_from([IGNORED, 0, 0, 1, 2, 7]))


def parts(pixels):
    """Label map and ignored pixels of pixels."""
    return np.maximum(pixels, 0), pixels == IGNORED


def test_a_patch_is_the_runs_that_change():
    before, after = rows("......", ".11.2.", ".11.2."), rows("......", ".13.2.", "333.2.")
    patch = Patch.between(before, after, (10, 20))
    assert patch.box_xyxy == (10, 21, 13, 23)
    found = [each.tolist() for each in (patch.rows, patch.starts, patch.stops, patch.before, patch.after)]
    assert found == [[21, 22, 22], [12, 10, 11], [13, 11, 13], [1, 0, 1], [3, 3, 3]]
    assert patch.touched() == (1, 3)
    assert (patch.loses(1), patch.loses(3)) == (True, False)
    assert (patch.gained_box(3), patch.gained_box(1)) == ((10, 21, 13, 23), EMPTY)


def test_what_changes_in_whole_rows_stays_in_its_rows():
    patch = Patch.between(rows("11", "11"), rows("..", ".."), (0, 0))
    assert (patch.rows.tolist(), patch.starts.tolist(), patch.stops.tolist()) == ([0, 1], [0, 0], [2, 2])


@settings(max_examples=50, deadline=None)
@given(PIXELS, PIXELS)
def test_a_patch_writes_what_is_after_and_its_inverse_what_was_before(before, after):
    patch = Patch.between(before, after, (0, 0))
    labels, ignored = parts(before)
    patch.write(labels, ignored)
    np.testing.assert_array_equal((labels, ignored), parts(after))
    patch.inverted().write(labels, ignored)
    np.testing.assert_array_equal((labels, ignored), parts(before))


@settings(max_examples=50, deadline=None)
@given(PIXELS, PIXELS)
def test_a_patch_paints_part_of_a_map(before, after):
    patch = Patch.between(before, after, (3, 4))
    part = np.zeros((7, 8), np.int32)
    part[1:6, 2:8] = parts(before)[0]
    patch.paint(part, (1, 3))
    np.testing.assert_array_equal(part[1:6, 2:8], parts(after)[0])


def test_where_nothing_changes_the_patch_is_empty():
    patch = Patch.between(rows("12"), rows("12"), (5, 5))
    assert (patch.box_xyxy, patch.touched(), box_of_patches((patch,))) == (EMPTY, (), None)


# --- Boxes --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [([], EMPTY), ([EMPTY, (3, 3, 3, 9)], EMPTY), ([(1, 2, 3, 4), EMPTY, (0, 3, 2, 9)], (0, 2, 3, 9))],
    ids=["none", "empty", "two"],
)
def test_union(boxes, expected):
    assert union_box(boxes) == expected


def test_common_and_widened():
    assert common_box((0, 0, 4, 4), (2, -1, 9, 3)) == (2, 0, 4, 3)
    assert is_empty(common_box((0, 0, 2, 2), (2, 0, 4, 2)))
    assert widened_box((2, 3, 4, 5), 2) == (0, 1, 6, 7)


def test_box_and_window_of_a_mask():
    mask = rows("....", "..1.", ".1..") > 0
    box = mask_box(mask, (10, 20))
    assert box == (11, 21, 13, 23)
    assert mask[window(box, (10, 20))].tolist() == [[False, True], [True, False]]
    assert mask_box(np.zeros((2, 2), bool)) == EMPTY


def test_boxes_of_a_label_map():
    assert tessera_boxes(rows("..9.", "3.99", "3...")) == {3: (0, 1, 1, 3), 9: (2, 0, 4, 2)}
    assert tessera_boxes(rows("...")) == {}
