"""First outlines for the decoder: those of the finder where they agree with the truth, others made of it."""

import numpy as np

from tesserae.pretraining.prompts import UNKNOWN
from tesserae.training.features import complete_outlines


def box(labels, number, x0, y0, x1, y1):
    labels[y0:y1, x0:x1] = number


def test_good_outlines_stay_and_the_others_are_made_of_the_truth():
    truth = np.zeros((40, 60), np.int32)
    for number, x0 in ((1, 2), (2, 22), (3, 42)):
        box(truth, number, x0, 4, x0 + 16, 20)
    truth[30:] = UNKNOWN
    outlines = np.zeros_like(truth)
    box(outlines, 5, 3, 5, 17, 19)  # the first stone, a little inside
    box(outlines, 6, 23, 5, 57, 19)  # second and third as one: agrees with neither
    box(outlines, 7, 10, 32, 20, 38)  # where nobody knows
    complete = complete_outlines(outlines, truth)
    assert np.array_equal(complete == 5, outlines == 5)
    stones = {int(number): set(np.unique(truth[complete == number])) for number in np.unique(complete) if number}
    assert sorted(map(sorted, stones.values())) == [[1], [2], [3]]
    inner = complete == next(number for number, below in stones.items() if below == {2})
    assert inner.sum() == 14 * 14  # one pixel inside on each side


def test_without_any_outline_every_stone_gets_one():
    truth = np.zeros((20, 20), np.int32)
    box(truth, 3, 2, 2, 18, 18)
    assert set(np.unique(complete_outlines(np.zeros_like(truth), truth))) == {0, 3}
