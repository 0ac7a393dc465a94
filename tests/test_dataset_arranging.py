"""Whatever was approved and decided, the sides of the split never see the same: not by pixel, not by photo, not by a copy of it."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mosaic_examples import lay

from tesserae.corrections.boxes import common_box, is_empty, widened_box
from tesserae.dataset.arranging import Candidate, arrange
from tesserae.dataset.ground import Ground
from tesserae.dataset.splits import assign_splits
from tesserae.errors import DatasetError

SIDE = 8


def candidate(photo_id, rows, columns):
    labels = lay(rows, columns, SIDE)
    known = np.ones(labels.shape, bool)
    ground = Ground(np.zeros((*labels.shape, 3), np.uint8), labels, known)
    return Candidate(photo_id, photo_id, rows * columns, None, "t", labels.shape, lambda: ground, lambda: (labels, known))


SIZES = st.tuples(st.integers(2, 4), st.integers(3, 12))
GROUPS = st.lists(st.lists(SIZES, min_size=1, max_size=3), min_size=1, max_size=5)
DECIDED = st.dictionaries(
    st.tuples(st.integers(0, 4), st.integers(0, 2)).map("{0[0]}-{0[1]}".format), st.sampled_from(["train", "validation", "test"])
)


@settings(max_examples=60, deadline=None)
@given(GROUPS, DECIDED, st.randoms())
def test_sides_never_see_the_same(sizes, decided, random):
    groups = [[f"{number}-{index}" for index in range(len(group))] for number, group in enumerate(sizes)]
    candidates = [candidate(f"{a}-{b}", *size) for a, group in enumerate(sizes) for b, size in enumerate(group)]
    random.shuffle(candidates)
    try:
        dataset = arrange(candidates, groups, assign_splits(groups, decided))
    except DatasetError:
        return
    assert dataset.tessera_count("train")
    assert dataset.tessera_count("validation")
    for one, other in combinations(dataset.parts, 2):
        if one.split == other.split:
            continue
        if dataset.by_blocks and one.photo_id == other.photo_id:
            assert is_empty(common_box(widened_box(one.box_xyxy, 2 * SIDE), other.box_xyxy))
        else:
            assert one.photo_id.split("-")[0] != other.photo_id.split("-")[0]


@pytest.mark.parametrize(
    "splits",
    [pytest.param({"a": "validation", "b": "test"}, id="to-check-on"), pytest.param({"a": "test", "b": "test"}, id="to-test-on")],
)
def test_a_split_by_hand_that_leaves_nothing_to_learn_from_is_told(splits):
    with pytest.raises(DatasetError, match="to learn from, found none in the split train"):
        arrange([candidate("a", 3, 9), candidate("b", 3, 9)], [["a"], ["b"]], splits)


def test_a_mosaic_too_small_to_cut_is_learned_from_whole():
    dataset = arrange([candidate("a", 3, 9), candidate("b", 2, 3)], [["a"], ["b"]], {"a": "train", "b": "train"})
    assert [(part.photo_id, part.split) for part in dataset.parts] == [("a", "train"), ("a", "validation"), ("b", "train")]
    assert dataset.parts[2].count == 6
