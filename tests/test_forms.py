"""Forms of tesserae on literal maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mosaic_examples import join, lay

from tesserae.errors import LabelMapError
from tesserae.forms import measure_forms, solidity_of_several

L_SHAPE = [[5, 0, 0], [5, 0, 0], [5, 5, 5]]


def padded(rows, by=1):
    return np.pad(np.array(rows, dtype=np.int32), by)


def test_a_square():
    forms = measure_forms(np.pad(np.full((5, 5), 7, dtype=np.int32), 2))
    assert forms.labels.tolist() == [7]
    assert forms.boxes_xyxy.tolist() == [[2, 2, 7, 7]]
    assert forms.centres_xy.tolist() == [[4.0, 4.0]]
    assert forms.areas_px.tolist() == [25]
    assert forms.radii_px[0] == pytest.approx(3.0)
    assert forms.solidities.tolist() == [1.0]
    assert forms.waists.tolist() == [1.0]
    assert forms.cut.tolist() == [False]
    assert len(forms) == 1


@pytest.mark.parametrize(
    ("rows", "solidity"),
    [
        pytest.param([[1, 1], [1, 1]], 1.0, id="square"),
        pytest.param([[1]], 1.0, id="one-pixel"),
        pytest.param([[1, 1, 1, 1, 1]], 1.0, id="bar"),
        pytest.param(L_SHAPE, 5 / 6, id="corner"),
        pytest.param([[1, 1, 1], [1, 0, 1], [1, 1, 1]], 1.0, id="hole"),
        pytest.param([[1, 0, 0, 1]], 2 / 4, id="two-parts"),
    ],
)
def test_solidity(rows, solidity):
    assert measure_forms(padded(rows)).solidities.tolist() == pytest.approx([solidity])


@pytest.mark.parametrize("scale", [1, 4, 12])
def test_a_waist_does_not_depend_on_the_size(scale):
    fused = join(lay(1, 2, 16, 8), 1, 2, 16, 8, slice(6, 10)).repeat(scale, 0).repeat(scale, 1)
    forms = measure_forms(fused)
    assert forms.waists[0] <= 0.5
    assert forms.solidities[0] == pytest.approx(0.86, abs=0.03)


def test_a_bump_is_no_second_seed():
    labels = np.zeros((20, 30), dtype=np.int32)
    labels[2:18, 2:18] = labels[9:12, 18:26] = 1
    assert measure_forms(labels).waists.tolist() == [1.0]


@pytest.mark.parametrize("place", [np.s_[0, 2], np.s_[2, 0], np.s_[4, 2], np.s_[2, 4]], ids=["top", "left", "bottom", "right"])
def test_what_the_edge_cuts(place):
    labels = np.zeros((5, 5), dtype=np.int32)
    labels[place] = 3
    assert measure_forms(labels).cut.tolist() == [True]


def test_nothing():
    forms = measure_forms(np.zeros((3, 3), dtype=np.int32))
    assert len(forms) == 0
    assert forms.boxes_xyxy.shape == (0, 4)


def test_no_label_map():
    with pytest.raises(LabelMapError):
        measure_forms(np.zeros((2, 2)))


def test_a_thin_stroke_between_the_samples_is_seen():
    labels = np.zeros((200, 200), dtype=np.int32)
    labels[1:199, 1:199][np.eye(198, dtype=bool)] = 4
    labels[1, 198] = labels[198, 1] = 4
    assert measure_forms(labels).radii_px[0] >= 1


def test_solidity_of_two():
    labels = np.array([[1, 1, 0, 2, 2], [1, 1, 0, 2, 2]], dtype=np.int32)
    forms = measure_forms(labels)
    assert solidity_of_several(labels, forms, np.array([0, 1])) == pytest.approx(8 / 10)


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)))
def test_figures_are_in_their_ranges(labels):
    forms = measure_forms(labels)
    assert np.all((forms.solidities > 0) & (forms.solidities <= 1))
    assert np.all((forms.waists > 0) & (forms.waists <= 1))
    assert np.all(forms.radii_px >= 0.9)
    assert forms.areas_px.sum() == np.count_nonzero(labels)
