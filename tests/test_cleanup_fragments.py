"""Fragments are merged where the joint and the form say so."""

import numpy as np
import pytest
from mosaic_examples import box_of, crack, lay

from tesserae.cleanup.fragments import Fragments, find_fragments, merge_fragments
from tesserae.corrections.operations import Merge
from tesserae.corrections.replay import CorrectedMap
from tesserae.forms import measure_forms
from tesserae.joints import find_joints, survey_mortar
from tesserae.surroundings import measure_surroundings

WIDE = {"side": 12, "joint": 8}


def fragments_of(labels):
    forms = measure_forms(labels)
    joints = find_joints(survey_mortar(labels, forms), forms)
    return find_fragments(labels, forms, measure_surroundings(forms), joints)


def test_a_cracked_tessera_is_one():
    labels, new = crack(lay(3, 3, **WIDE), 5, 3, **WIDE)
    proposed = merge_fragments(labels)
    assert proposed.corrections == (Merge(labels=(5, new)),)
    corrected = CorrectedMap.of(labels)
    corrected.apply(proposed)
    assert np.array_equal(corrected.labels, lay(3, 3, **WIDE))


def test_the_smaller_piece_is_the_fragment():
    labels, new = crack(lay(3, 3, **WIDE), 5, 3, **WIDE)
    rows, columns = box_of(5, 3, **WIDE)
    labels[rows.start, columns][labels[rows.start, columns] == 5] = 0
    forms = measure_forms(labels)
    found = fragments_of(labels)
    assert forms.labels[found.rows].tolist() == [5]
    assert forms.labels[found.holders].tolist() == [new]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(lay(4, 4, side=8, joint=1), id="tight-joints-say-nothing"),
        pytest.param(crack(lay(3, 3, side=8, joint=2), 5, 3)[0], id="nor-do-those-that-are-hardly-wider"),
        pytest.param(lay(1, 1), id="one"),
    ],
)
def test_none(labels):
    assert merge_fragments(labels) is None


def test_two_stones_that_make_a_corner_are_not_one():
    labels = lay(3, 3, side=12, joint=8)
    labels[labels == 2] = 0
    labels[9:21, 41:45] = 0
    labels[27, 28:41] = 5  # an arm of the middle one
    labels[8:27, 28:32] = 10  # a bar that meets it at the corner, one pixel away
    assert merge_fragments(labels) is None


def test_each_tessera_is_merged_once():
    labels, _ = crack(lay(3, 3, side=16, joint=10), 5, 3, 16, 10)
    rows, columns = box_of(5, 3, 16, 10)
    labels[rows, columns.start + 4] = 0
    labels[rows, columns.start : columns.start + 4] = 20
    found = fragments_of(labels)
    assert len(found.rows) == 1
    assert len(set(found.rows.tolist()) | set(found.holders.tolist())) == 2 * len(found.rows)


def test_what_cannot_be_merged_is_left_out(monkeypatch):
    labels, _ = crack(lay(3, 3, **WIDE), 5, 3, **WIDE)
    monkeypatch.setattr("tesserae.cleanup.fragments.find_fragments", lambda *_: Fragments(np.array([0]), np.array([8]), np.array([1.0])))
    assert merge_fragments(labels) is None
