"""Joints between tesserae, and the depth of mortar."""

import math

import numpy as np
import pytest
from mosaic_examples import crack, lay

from tesserae.forms import measure_forms
from tesserae.joints import find_joints, survey_mortar


def joints_of(labels, ignored=None):
    forms = measure_forms(labels)
    return find_joints(survey_mortar(labels, forms, ignored), forms), forms


def widths_by_pair(joints):
    pairs = zip(joints.first.tolist(), joints.second.tolist(), strict=True)
    return dict(zip(pairs, joints.widths_px.tolist(), strict=True))


@pytest.mark.parametrize("width", [0, 1, 2, 3, 4, 5])
def test_width_of_a_joint(width):
    labels = np.array([[1] * 6 + [0] * width + [2] * 6] * 5, dtype=np.int32)
    joints, _ = joints_of(labels)
    assert (joints.first.tolist(), joints.second.tolist()) == ([0], [1])
    assert joints.widths_px.tolist() == pytest.approx([width], abs=0.01)
    assert joints.lengths_px.tolist() == [5.0]
    assert joints.usual_px == pytest.approx(width, abs=0.01)


def test_a_crack_is_narrower_than_the_joints():
    labels, new = crack(lay(3, 3), 5, 3)
    joints, forms = joints_of(labels)
    pair = (4, int(np.searchsorted(forms.labels, new)))
    assert 1.0 <= widths_by_pair(joints)[pair] < 2.0  # at both ends it opens into a wider joint
    assert joints.usual_px == pytest.approx(4.0, abs=0.3)


def test_across_a_loss_there_is_no_joint():
    labels = np.array([[1] * 6 + [0] * 9 + [2] * 6] * 5, dtype=np.int32)
    joints, _ = joints_of(labels)
    assert len(joints.first) == 0
    assert math.isnan(joints.usual_px)


def test_one_tessera_has_no_joints():
    joints, _ = joints_of(np.array([[0, 4, 0]], dtype=np.int32))
    assert len(joints.first) == 0


def test_numbers_of_any_size():
    labels = np.where(lay(2, 2) == 4, 2_000_000_000, lay(2, 2)).astype(np.int32)
    assert widths_by_pair(joints_of(labels)[0]) == widths_by_pair(joints_of(lay(2, 2))[0])


def test_no_tessera():
    labels = np.zeros((4, 6), dtype=np.int32)
    mortar = survey_mortar(labels, measure_forms(labels))
    assert (mortar.nearest == -1).all()
    assert np.isinf(mortar.depths_px).all()
    assert len(find_joints(mortar, measure_forms(labels)).first) == 0


def test_unreadable_pixels_are_no_mortar():
    labels = lay(1, 2, side=6, joint=12)
    ignored = np.zeros(labels.shape, dtype=bool)
    ignored[:, 18:30] = True
    mortar = survey_mortar(labels, measure_forms(labels), ignored)
    assert mortar.depths_px[:, 18:30].max() == 0
    assert survey_mortar(labels, measure_forms(labels)).depths_px[:, 18:30].max() > 5


def test_a_large_photo_is_seen_on_a_coarser_grid_with_the_same_figures():
    labels, _ = crack(lay(3, 3, 30, 10), 5, 3, 30, 10, width=2)
    fine, _ = joints_of(labels)
    coarse, _ = joints_of(labels.repeat(4, 0).repeat(4, 1))
    assert coarse.usual_px == pytest.approx(4 * fine.usual_px, rel=0.05)
    assert widths_by_pair(coarse)[4, 9] == pytest.approx(4 * widths_by_pair(fine)[4, 9], rel=0.2)
    assert widths_by_pair(coarse)[0, 1] == pytest.approx(4 * widths_by_pair(fine)[0, 1], rel=0.05)
