import numpy as np
import pytest

from tesserae.corrections.operations import Add, Approve, Delete, Erase, Ignore, Merge, Mortar, Paint, Replace, Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.ui.correct.drawing import Drawing
from tesserae.ui.correct.tools import TOOLS, correction_of, label_at

LABELS = np.array(
    [
        [1, 1, 0, 2, 2],
        [1, 1, 0, 2, 2],
        [0, 0, 0, 0, 0],
        [3, 3, 3, 0, 0],
    ],
    dtype=np.int32,
)
BY_NAME = {tool.name: tool for tool in TOOLS}
CLICK = Drawing(((0.5, 0.5),))
ON_MORTAR = Drawing(((2.5, 2.5),))
LINE = Drawing(((0.5, 0.5), (4.5, 0.5)))
LOOP = Drawing(((2.5, 0.0), (5.0, 0.0), (5.0, 2.0), (3.0, 2.0)))


@pytest.fixture
def corrected():
    return CorrectedMap.of(LABELS)


@pytest.mark.parametrize(
    ("name", "drawing", "expected"),
    [
        ("outline", LOOP, Add(LOOP.points_xy)),
        ("corners", LOOP, Add(LOOP.points_xy)),
        ("delete", CLICK, Delete((1,))),
        ("delete box", LINE, Delete(box_xyxy=(0, 0, 5, 1))),
        ("lasso", LOOP, Delete(polygon_xy=LOOP.points_xy)),
        ("merge", LINE, Merge(line_xy=LINE.points_xy)),
        ("split", LINE, Split(LINE.points_xy)),
        ("halve", CLICK, Split(label=1)),
        ("paint", LINE, Paint(LINE.points_xy, 3.0, 1)),
        ("paint", ON_MORTAR, Paint(ON_MORTAR.points_xy, 3.0, None)),
        ("erase", LINE, Erase(LINE.points_xy, 3.0)),
        ("replace", LOOP, Replace(2, LOOP.points_xy)),
        ("mortar", LOOP, Mortar(LOOP.points_xy)),
        ("ignore", LOOP, Ignore(LOOP.points_xy)),
        ("approve", LOOP, Approve(LOOP.points_xy)),
    ],
)
def test_what_a_drawing_means(corrected, name, drawing, expected):
    assert correction_of(BY_NAME[name], corrected, drawing, 3.0) == expected


@pytest.mark.parametrize(
    ("name", "drawing", "sentence"),
    [
        pytest.param("delete", ON_MORTAR, "no tessera where you clicked", id="deleting mortar"),
        pytest.param("halve", ON_MORTAR, "no tessera where you clicked", id="cutting mortar"),
        pytest.param("delete", Drawing(((-3.0, 1.0),)), "no tessera where you clicked", id="outside the photo"),
        pytest.param("replace", ON_MORTAR, "no tessera where you drew", id="redrawing mortar"),
        pytest.param("outline", CLICK, "at least three corners", id="a dot for an outline"),
        pytest.param("merge", CLICK, "at least 2 point", id="a dot for a stroke"),
    ],
)
def test_a_drawing_that_means_nothing_is_a_sentence(corrected, name, drawing, sentence):
    with pytest.raises(CorrectionError, match=sentence):
        correction_of(BY_NAME[name], corrected, drawing, 3.0)


def test_every_tool_that_corrects_is_tried_here():
    tried = {mark.args[1][k][0] for mark in test_what_a_drawing_means.pytestmark for k in range(len(mark.args[1]))}
    assert tried == {tool.name for tool in TOOLS if tool.make is not None}


@pytest.mark.parametrize(("place", "label"), [((4.9, 1.9), 2), ((2.5, 0.5), 0), ((5.0, 0.5), 0), ((0.5, 4.0), 0), ((-0.5, 0.5), 0)])
def test_the_label_at_a_place(corrected, place, label):
    assert label_at(corrected, *place) == label
