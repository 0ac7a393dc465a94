"""From figures to doubt."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tesserae.review.cues import Cue, combined


@pytest.mark.parametrize(
    ("figure", "doubt"),
    [
        pytest.param(0.9, 0.0, id="beyond-the-start"),
        pytest.param(0.8, 0.0, id="at-the-start"),
        pytest.param(0.6, 0.2, id="half-way"),
        pytest.param(0.4, 0.4, id="full"),
        pytest.param(0.1, 0.4, id="beyond"),
        pytest.param(math.nan, 0.0, id="missing"),
    ],
)
def test_a_low_figure_is_doubted(figure, doubt):
    assert Cue(starts=0.8, full=0.4, weight=0.4).doubts(np.array([figure])).tolist() == pytest.approx([doubt])


def test_a_high_figure_is_doubted():
    assert Cue(1.0, 3.0, 0.5).doubts(np.array([0.0, 2.0, 9.0])).tolist() == [0.0, 0.25, 0.5]


def test_doubts_together():
    doubts = {"low score": np.array([0.5, 0.0]), "ragged outline": np.array([0.5, 0.0])}
    assert combined(doubts).tolist() == [0.75, 0.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_one_more_reason_never_lessens_the_doubt(doubts):
    together = [float(combined({str(n): np.array([d]) for n, d in enumerate(doubts[:k])})[0]) for k in range(1, len(doubts) + 1)]
    assert all(later >= earlier - 1e-12 for earlier, later in itertools.pairwise(together))
    assert 0 <= together[-1] <= 1
