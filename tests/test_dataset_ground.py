"""Pieces of photo with truth: where it is known, what is cut away, and that nothing of another block stays behind."""

import numpy as np
import pytest
from annotation_examples import drawn

from tesserae.dataset.ground import Ground, crop_ground, known_pixels, limit_truth

SHAPE = (4, 6)
LEFT = ((0.0, 0.0), (3.0, 0.0), (3.0, 4.0), (0.0, 4.0))
TOP = ((0.0, 0.0), (6.0, 0.0), (6.0, 2.0), (0.0, 2.0))
OUTSIDE = ((20.0, 20.0), (30.0, 20.0), (20.0, 30.0))


def mask(*lines):
    return drawn(*lines) > 0


@pytest.mark.parametrize(
    ("region", "ignored", "known"),
    [
        pytest.param(None, None, ["111111"] * 4, id="whole"),
        pytest.param(None, mask("......", "..11..", "......", "......"), ["111111", "11..11", "111111", "111111"], id="ignored"),
        pytest.param([LEFT], None, ["111..."] * 4, id="region"),
        pytest.param([LEFT, TOP], None, ["111111", "111111", "111...", "111..."], id="regions-overlap"),
        pytest.param([LEFT], mask(*["1....."] * 4), [".11..."] * 4, id="region-with-ignored"),
        pytest.param([OUTSIDE], None, ["......"] * 4, id="outside-the-photo"),
    ],
)
def test_known_is_what_was_approved_and_can_be_read(region, ignored, known):
    np.testing.assert_array_equal(known_pixels(SHAPE, ignored, region), mask(*known))


def test_a_tessera_half_known_goes_and_leaves_no_mortar_behind_and_one_known_more_stays_whole():
    labels = drawn("1122.", "1122.", "33335")
    known = mask("111..", "111..", "111..")
    limited, left = limit_truth(labels, known)
    np.testing.assert_array_equal(limited, drawn("11...", "11...", "3333."))
    np.testing.assert_array_equal(left, mask("11...", "11...", "1111."))


def test_what_is_known_throughout_stays_as_it_is():
    labels, known = drawn("12", "30"), np.ones((2, 2), bool)
    assert limit_truth(labels, known) == (labels, known)


def ground_of(*lines):
    labels = drawn(*lines)
    return Ground(np.arange(labels.size * 3, dtype=np.uint8).reshape(*labels.shape, 3), labels, np.ones(labels.shape, bool))


def test_a_crop_holds_its_own_pixels_only():
    whole = ground_of("112223", "112223", "......")
    crop = crop_ground(whole, (0, 0, 4, 2))
    np.testing.assert_array_equal(crop.labels, drawn("1122", "1122"))
    np.testing.assert_array_equal(crop.image, whole.image[:2, :4])
    assert crop.known.all()
    assert [array.base for array in (crop.image, crop.labels, crop.known)] == [None] * 3
    rest = crop_ground(whole, (4, 0, 6, 2))
    np.testing.assert_array_equal(rest.labels, drawn(".3", ".3"))
    np.testing.assert_array_equal(rest.known, mask(".1", ".1"))


def test_a_crop_of_everything_is_the_ground_itself():
    whole = ground_of("12")
    assert crop_ground(whole, (0, 0, 2, 1)) is whole
