"""Gaps in which a tessera would find room."""

import numpy as np
import pytest
from mosaic_examples import box_of, lay

from tesserae.forms import measure_forms
from tesserae.joints import find_joints, survey_mortar
from tesserae.review.gaps import find_gaps
from tesserae.surroundings import measure_surroundings


def gaps_of(labels, ignored=None):
    forms = measure_forms(labels)
    mortar = survey_mortar(labels, forms, ignored)
    return find_gaps(mortar, measure_surroundings(forms), find_joints(mortar, forms), labels.shape)


def without(numbers, rows=5, columns=5):
    labels = lay(rows, columns, side=10, joint=3)
    labels[np.isin(labels, numbers)] = 0
    return labels


def test_a_missing_tessera():
    gaps = gaps_of(without([13]))
    assert len(gaps.rooms) == 1
    assert gaps.rooms[0] == pytest.approx(1.0, abs=0.15)
    assert gaps.sizes[0] == pytest.approx(1.0, abs=0.4)
    x0, y0, x1, y1 = gaps.boxes_xyxy[0].tolist()
    rows, columns = box_of(13, 5, 10, 3)
    assert x0 <= columns.start < columns.stop <= x1
    assert y0 <= rows.start < rows.stop <= y1


def test_a_loss():
    gaps = gaps_of(without([12, 13, 14, 17, 18, 19]))
    assert len(gaps.rooms) == 1
    assert gaps.rooms[0] > 1.5
    assert gaps.sizes[0] == pytest.approx(6, abs=3)


def test_two_gaps_in_reading_order():
    gaps = gaps_of(without([7, 19]))
    assert gaps.boxes_xyxy[:, 1].tolist() == sorted(gaps.boxes_xyxy[:, 1].tolist())
    assert len(gaps.rooms) == 2


@pytest.mark.parametrize("joint", [1, 3, 6])
def test_joints_are_no_gaps(joint):
    assert len(gaps_of(lay(4, 4, side=10, joint=joint)).rooms) == 0


def test_unreadable_mortar_is_no_gap():
    labels = without([13])
    assert len(gaps_of(labels, lay(5, 5, side=10, joint=3) == 13).rooms) == 0


def test_the_box_ends_at_the_edge():
    gaps = gaps_of(without([1]))
    assert gaps.boxes_xyxy[0, :2].tolist() == [0, 0]


def test_nothing_to_compare_with():
    assert len(gaps_of(np.zeros((30, 30), dtype=np.int32)).rooms) == 0
