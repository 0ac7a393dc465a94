"""The simulated person of the benchmark of effort: which strokes bring a map to its marks, and what they come to."""

import numpy as np
import pytest

from benchmarks import effort
from benchmarks.person import Person, Stroke, cell_of, cut_line, nearest_marks
from tesserae.corrections.operations import MaskRuns
from tesserae.corrections.replay import CorrectedMap
from tesserae.evaluation import evaluate
from tesserae.truth import PointTruth

SIDE_PX, PITCH_PX = 10, 12
ALL = {(column, row): row * 4 + column + 1 for row in range(4) for column in range(4)}


def stone(column, row):
    """The pixels of a stone in a floor of 4 x 4."""
    return slice(2 + PITCH_PX * row, 12 + PITCH_PX * row), slice(2 + PITCH_PX * column, 12 + PITCH_PX * column)


def floor(without=()):
    labels = np.zeros((60, 60), np.int32)
    for place, label in ALL.items():
        if place not in without:
            labels[stone(*place)] = label
    return labels


def marks():
    points = [(7.5 + PITCH_PX * column, 7.5 + PITCH_PX * row) for column, row in ALL]
    return PointTruth(0, 0, 50, SIDE_PX, np.array(points))


def true_stone(clicks):
    """A model that outlines every stone."""
    column, row = (int(value - 2) // PITCH_PX for value in clicks.anchor_xy)
    whole = np.zeros((60, 60), bool)
    whole[stone(column, row)] = True
    return MaskRuns.of_array(whole, (0, 0))


def two_stones(clicks):
    column, row = (int(value - 2) // PITCH_PX for value in clicks.anchor_xy)
    rows, columns = stone(column, row)
    whole = np.zeros((60, 60), bool)
    whole[rows, columns.start : columns.stop + 8] = True
    return MaskRuns.of_array(whole, (0, 0))


def fused():
    labels = floor()
    labels[14:24, 14:36] = labels[20, 20]
    return labels


def broken():
    labels = floor()
    labels[14:24, 21] = 0
    labels[14:24, 22:24] = 99
    return labels


def false_one():
    labels = floor({(1, 1)})
    labels[20:26, 14:24] = 99
    return labels


@pytest.mark.parametrize(
    ("labels", "ask", "kinds"),
    [
        pytest.param(floor(), true_stone, [], id="nothing-to-do"),
        pytest.param(floor({(1, 1)}), true_stone, ["click", "take"], id="missed"),
        pytest.param(floor({(1, 1)}), lambda clicks: true_stone(clicks) if clicks.box_xyxy else None, ["click", "box", "take"], id="boxed"),
        pytest.param(floor({(1, 1)}), lambda clicks: None, ["click", "box", "outline"], id="never-seen"),
        pytest.param(floor({(1, 1), (2, 1)}), two_stones, ["click", "box", "outline", "click", "take"], id="holds-another-mark"),
        pytest.param(fused(), true_stone, ["cut"], id="fused"),
        pytest.param(broken(), true_stone, ["join"], id="broken"),
        pytest.param(false_one(), true_stone, ["delete", "click", "take"], id="false"),
    ],
)
def test_the_strokes_that_are_made(labels, ask, kinds):
    corrected = CorrectedMap.of(labels)
    strokes = list(Person(corrected, marks(), ask).work())
    assert [stroke.kind for stroke in strokes] == kinds
    scores = evaluate(corrected.labels, marks())
    assert (scores.points.f1, scores.count.n_pred) == (1.0, 16)


def test_a_mark_that_no_outline_reaches_is_brushed_free():
    """Its neighbour covers the stone but for a hole at the mark, and a larger one beside it, which an outline fills instead."""
    labels = floor()
    labels[14:24, 14:36] = labels[20, 30]
    labels[19, 19] = labels[15:18, 15:18] = 0
    corrected = CorrectedMap.of(labels)
    strokes = list(Person(corrected, marks(), lambda clicks: None).work())
    assert [stroke.kind for stroke in strokes][:5] == ["click", "box", "outline", "brush", "brush"]
    assert evaluate(corrected.labels, marks()).points.f1 == 1.0


def test_a_line_is_drawn_across_the_widest_gap():
    line, (first, second) = cut_line(np.array([(0.0, 5.0), (30.0, 5.0), (10.0, 5.0)]), (0, 0, 40, 10))
    assert [first.tolist(), second.tolist()] == [[10, 5], [30, 5]]
    assert {x for x, _ in line} == {20.0}
    assert sorted(y > 0 for _, y in line) == [False, True]


def test_a_cell_ends_before_the_middle_to_the_next_mark():
    marks_xy = np.array([(10.0, 10.0), (18.0, 10.0), (90.0, 10.0)])
    assert set(cell_of(marks_xy, 0, 10.0)) == {(4.5, 4.5), (4.5, 15.5), (13.2, 4.5), (13.2, 15.5)}
    assert nearest_marks(marks_xy, (12, 9, 16, 10)).tolist() == [[0, 0, 1, 1]]


def test_strokes_come_to_a_row():
    strokes = [Stroke("click", 0.25), Stroke("take", 0.001), Stroke("click", 0.75), Stroke("box", 0.5), Stroke("outline", 0.003)]
    row = effort.row_of_strokes(strokes, 5)
    assert (row["strokes"], row["click"], row["cut"], row["per_100"]) == (5, 2, 0, 100.0)
    assert (row["answer_ms"], row["correction_ms"], row["hand_s"], row["scratch_s"]) == (500.0, pytest.approx(2.0), 24.5, 60.0)
    strokes_table, time_table = effort.tables_of_effort([{"photo": "a", **row}, {"photo": "b", **effort.row_of_strokes([], 5)}])
    assert strokes_table.rows[-1]["per_100"] == 50.0
    assert time_table.rows[-1]["share"] == 24.5 / 120
