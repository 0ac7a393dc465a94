"""Holes are filled and outlines smoothed, without harm to neighbours."""

import numpy as np
import pytest
from mosaic_examples import box_of, lay

from tesserae.cleanup.outlines import fill_holes, filled, smooth_outlines
from tesserae.corrections.replay import CorrectedMap
from tesserae.forms import measure_forms


def cleaned(labels, propose, ignored=None):
    proposed = propose(labels, ignored)
    corrected = CorrectedMap.of(labels, ignored)
    if proposed is not None:
        corrected.apply(proposed)
    return corrected.labels


def pierced():
    labels = lay(2, 2)
    rows, columns = box_of(1, 2)
    labels[rows.start + 3 : rows.start + 5, columns.start + 3 : columns.start + 5] = 0
    return labels


def test_a_hole_is_filled():
    assert np.array_equal(cleaned(pierced(), fill_holes), lay(2, 2))


def test_a_hole_that_cannot_be_read_stays():
    labels = pierced()
    assert fill_holes(labels, labels == 0) is None


def test_what_lies_in_a_hole_stays():
    labels = pierced()
    rows, columns = box_of(1, 2)
    labels[rows.start + 3, columns.start + 3] = 9
    after = cleaned(labels, fill_holes)
    assert (after == 9).sum() == 1
    assert (after == 1).sum() == 63


def test_a_ring_around_a_loss_stays():
    labels = np.zeros((20, 20), dtype=np.int32)
    labels[2:18, 2:18] = 1
    labels[4:16, 4:16] = 0
    assert fill_holes(labels) is None


def test_a_tessera_in_parts_is_left_alone():
    labels = pierced()
    labels[0, 0] = 1
    assert fill_holes(labels) is None


def test_teeth_go_and_the_size_stays():
    labels = np.zeros((40, 40), dtype=np.int32)
    labels[8:32, 8:32] = 1
    labels[6:8, 9:31:3] = 1
    after = cleaned(labels, smooth_outlines)
    assert measure_forms(after).solidities[0] > measure_forms(labels).solidities[0] + 0.01
    assert (after == 1).sum() == pytest.approx((labels == 1).sum(), abs=8)


def test_smoothing_takes_nothing_from_a_neighbour():
    labels = np.zeros((40, 60), dtype=np.int32)
    labels[8:32, 8:30] = 1
    labels[8:32, 30:52] = 2
    labels[15:18, 28:30] = 2
    after = cleaned(labels, smooth_outlines)
    assert (after[labels == 1] == 1).sum() >= (labels == 1).sum() - 6
    assert (after[labels == 2] != 1).all()


def test_small_tesserae_have_nothing_to_smooth():
    assert smooth_outlines(np.pad(np.full((2, 2), 5, dtype=np.int32), 1)) is None


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param([[1, 1, 1], [1, 0, 1], [1, 1, 1]], [[1, 1, 1]] * 3, id="hole"),
        pytest.param([[1, 1, 1], [1, 0, 0], [1, 1, 1]], [[1, 1, 1], [1, 0, 0], [1, 1, 1]], id="bay"),
        pytest.param([[1, 0, 1]], [[1, 0, 1]], id="parts"),
    ],
)
def test_filled(mask, expected):
    assert filled(np.array(mask, dtype=bool)).astype(int).tolist() == expected
