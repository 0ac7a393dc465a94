"""A label map is measured only where the truth is known."""

import numpy as np
import pytest

from tesserae.dataset.ground import limit_truth
from tesserae.dataset.judging import evaluate_within
from tesserae.errors import TruthError

TRUTH = np.array([[1, 1, 0, 2, 2, 0, 3, 3]] * 2, np.int32)
KNOWN = np.array([[True] * 5 + [False] * 3] * 2)


def judge(found, known=KNOWN):
    return evaluate_within(np.array([found] * 2, np.int32), *limit_truth(TRUTH, known))


def test_what_lies_outside_counts_neither_for_nor_against():
    scores = judge([1, 1, 0, 2, 2, 0, 0, 0])
    assert (scores.count.n_true, scores.count.n_pred, scores.instances.f1_50) == (2, 2, 1.0)
    assert judge([1, 1, 0, 2, 2, 0, 4, 4]) == scores


def test_pixels_outside_are_not_taken_for_right():
    assert judge([1, 1, 0, 0, 0, 0, 0, 0]).pixels.accuracy == pytest.approx(3 / 5)
    assert judge([1, 1, 0, 0, 0, 0, 0, 0], np.ones_like(KNOWN)).pixels.accuracy == pytest.approx(4 / 8)


def test_a_map_of_another_size_is_refused():
    with pytest.raises(TruthError, match="should have one size"):
        evaluate_within(np.zeros((3, 3), np.int32), TRUTH, KNOWN)
