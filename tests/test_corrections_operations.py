"""Operations say what they need when they are made; masks become runs and come back."""

import math

import numpy as np
import pytest
from corrections_examples import square
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tesserae.corrections.operations import Add, Approve, Delete, Erase, MaskRuns, Merge, Mortar, Paint, Replace, Several, Split
from tesserae.errors import CorrectionError

LINE = ((0.0, 0.0), (5.0, 5.0))
MASK = MaskRuns((0, 0, 2, 1), (1, 1))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda: Add(), "exactly one of polygon_xy, mask, found none", id="add-nothing"),
        pytest.param(lambda: Add(square(0, 0, 1, 1), MASK), "found polygon_xy, mask", id="add-both"),
        pytest.param(lambda: Add(LINE), "at least three corners", id="two-corners"),
        pytest.param(lambda: Add(((0, 0), (1, math.nan), (1, 1))), "corners of a polygon are numbers of pixels", id="not-a-number"),
        pytest.param(lambda: Add(((0, 0), (2e6, 0), (1, 1))), "at most 1,000,000", id="far-away"),
        pytest.param(lambda: Delete(), "exactly one of", id="delete-nothing"),
        pytest.param(lambda: Delete(labels=()), "labels holds at least one", id="no-labels"),
        pytest.param(lambda: Delete(points_xy=()), "points_xy holds at least one", id="no-points"),
        pytest.param(lambda: Delete(points_xy=((math.inf, 0.0),)), "points are numbers of pixels", id="infinite-point"),
        pytest.param(lambda: Delete(box_xyxy=(3, 0, 3, 5)), r"first corner before its last, found \[3, 0, 3, 5\]", id="empty-box"),
        pytest.param(lambda: Delete(below_area_px=0), "above 0, found 0", id="no-area"),
        pytest.param(lambda: Merge(labels=(3, 3)), "at least two tesserae", id="merge-one"),
        pytest.param(lambda: Merge(line_xy=((0, 0),)), "at least 2 point", id="merge-at-a-point"),
        pytest.param(lambda: Split(), "a line, or the number", id="split-nothing"),
        pytest.param(lambda: Split(line_xy=((0, 0), (math.inf, 0))), "points of a line are numbers", id="infinite-line"),
        pytest.param(lambda: Paint((), 3), "at least 1 point", id="no-line"),
        pytest.param(lambda: Paint(LINE, 0.5), "1 to 10,000 pixels wide, found 0.5", id="thin-brush"),
        pytest.param(lambda: Paint(LINE, math.nan), "found nan", id="no-width"),
        pytest.param(lambda: Erase(LINE, 20_000), "found 20000", id="wide-brush"),
        pytest.param(lambda: Replace(3), "exactly one of", id="replace-by-nothing"),
        pytest.param(lambda: Mortar(LINE), "three corners", id="mortar"),
        pytest.param(lambda: Several("x", ()), "at least one", id="no-corrections"),
        pytest.param(lambda: Several("x", (Approve(),)), "no approval and no other group", id="approval-in-a-group"),
        pytest.param(lambda: MaskRuns((2, 0, 0, 2), (0, 4)), "first corner before its last", id="box-of-a-mask"),
        pytest.param(lambda: MaskRuns((0, 0, 2, 2), (1, 2)), "fill its box of 4 pixels, found 3", id="short-runs"),
        pytest.param(lambda: MaskRuns((0, 0, 2, 2), (-1, 5)), "fill its box", id="negative-run"),
        pytest.param(lambda: MaskRuns((0, 0, 2, 2), (4,)), "at least one pixel", id="empty-mask"),
    ],
)
def test_refused(make, sentence):
    with pytest.raises(CorrectionError, match=sentence):
        make()


@settings(max_examples=50, deadline=None)
@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=5)).filter(np.any), st.integers(-5, 5))
def test_a_mask_comes_back_from_its_runs(mask, x):
    runs = MaskRuns.of_array(mask, (x, 7))
    assert runs.box_xyxy == (x, 7, x + mask.shape[1], 7 + mask.shape[0])
    np.testing.assert_array_equal(runs.to_array(), mask)
