"""A second opinion about a label map."""

import numpy as np
import pytest
from mosaic_examples import box_of, crack, lay

from tesserae.corrections.operations import Add, Merge
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import LabelMapError
from tesserae.review.cues import DISSENT
from tesserae.review.disagreement import find_dissents


def without(number):
    labels = lay(2, 3)
    labels[labels == number] = 0
    return labels


CRACKED, NEW = crack(lay(2, 3), 2, 3)


@pytest.mark.parametrize(
    ("labels", "other", "named", "kind", "fix"),
    [
        pytest.param(lay(2, 3), without(2), (2,), "only_a", None, id="found-here-only"),
        pytest.param(lay(2, 3), CRACKED, (2,), "split", None, id="one-here-two-there"),
        pytest.param(CRACKED, lay(2, 3), (2, NEW), "merged", Merge(labels=(2, NEW)), id="two-here-one-there"),
    ],
)
def test_find_dissents(labels, other, named, kind, fix):
    (dissent,) = find_dissents(labels, other)
    assert (dissent.labels, dissent.doubt, dissent.fix) == (named, DISSENT[kind], fix)
    rows, columns = box_of(2, 3)
    assert dissent.box_xyxy == (columns.start, rows.start, columns.stop, rows.stop)
    assert dissent.sentence.endswith(".")


def test_what_only_the_other_has_can_be_added():
    (dissent,) = find_dissents(without(2), lay(2, 3))
    assert dissent.labels == ()
    assert isinstance(dissent.fix, Add)
    corrected = CorrectedMap.of(without(2))
    corrected.apply(dissent.fix)
    assert np.array_equal(corrected.labels > 0, lay(2, 3) > 0)


def test_another_outline_is_the_more_doubtful_the_more_it_differs():
    doubts = []
    for width in (7, 5, 4):
        other = lay(2, 3)
        rows, columns = box_of(2, 3)
        other[rows, columns.start + width : columns.stop] = 0
        doubts += [dissent.doubt for dissent in find_dissents(lay(2, 3), other)]
    assert len(doubts) == 2  # seven of eight columns are the same outline
    assert 0 < doubts[0] < doubts[1]


def test_maps_that_agree():
    assert find_dissents(lay(2, 3), lay(2, 3)) == []


def test_maps_of_different_sizes():
    with pytest.raises(LabelMapError):
        find_dissents(lay(2, 3), lay(3, 2))
