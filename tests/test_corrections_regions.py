"""Where a correction was drawn, and which tesserae are in a region."""

import numpy as np
import pytest
from conftest import three_tesserae

from tesserae.corrections.boxes import EMPTY, tessera_boxes
from tesserae.corrections.operations import Add, Approve, Delete, Erase, MaskRuns, Merge, Paint, Several, Split
from tesserae.corrections.regions import count_in_region, drawn_box, touch

SHAPE = (40, 60)
SQUARE = ((10.0, 5.0), (20.0, 5.0), (20.0, 15.0), (10.0, 15.0))
MASK = MaskRuns.of_array(np.ones((2, 3), bool), (7, 8))


@pytest.mark.parametrize(
    ("correction", "box"),
    [
        pytest.param(Add(polygon_xy=SQUARE), (10, 5, 20, 15), id="polygon"),
        pytest.param(Add(mask=MASK), (7, 8, 10, 10), id="mask"),
        pytest.param(Delete(box_xyxy=(1, 2, 3, 4)), (1, 2, 3, 4), id="box"),
        pytest.param(Delete(points_xy=((5.5, 5.5), (9.5, 7.5))), (5, 5, 10, 8), id="points"),
        pytest.param(Erase(((10.0, 10.0), (20.0, 10.0)), 6.0), (7, 7, 23, 13), id="brush"),
        pytest.param(Paint(((59.0, 39.0),), 10.0), (54, 34, 60, 40), id="cut-at-the-edge"),
        pytest.param(Split(label=1), EMPTY, id="by-number"),
        pytest.param(Merge(labels=(1, 2)), EMPTY, id="by-numbers"),
        pytest.param(Several("x", (Delete(box_xyxy=(1, 2, 3, 4)), Add(polygon_xy=SQUARE))), (1, 2, 20, 15), id="several"),
        pytest.param(Approve(SQUARE), (10, 5, 20, 15), id="part"),
        pytest.param(Approve(), (0, 0, 60, 40), id="whole"),
    ],
)
def test_where_a_correction_was_drawn(correction, box):
    assert drawn_box(correction, SHAPE) == box


@pytest.mark.parametrize(
    ("other", "answer"),
    [
        pytest.param((12, 12, 14, 14), True, id="inside"),
        pytest.param((20, 10, 25, 20), True, id="side-by-side"),
        pytest.param((20, 20, 25, 25), True, id="corner-to-corner"),
        pytest.param((21, 10, 25, 20), False, id="a-pixel-between"),
        pytest.param(EMPTY, False, id="empty"),
        pytest.param((15, 15, 15, 18), False, id="empty-inside"),
    ],
)
def test_boxes_that_touch(other, answer):
    assert touch((10, 10, 20, 20), other) is answer
    assert touch(other, (10, 10, 20, 20)) is answer


@pytest.mark.parametrize(
    ("region", "count"),
    [
        pytest.param(None, 3, id="whole"),
        pytest.param([], 0, id="nothing"),
        pytest.param([((0, 0), (7, 0), (7, 40), (0, 40))], 0, id="half-is-not-enough"),
        pytest.param([((0, 0), (8, 0), (8, 40), (0, 40))], 1, id="more-than-half"),
        pytest.param([((0, 0), (7, 0), (7, 40), (0, 40)), ((6, 0), (10, 0), (10, 40), (6, 40))], 1, id="two-that-overlap"),
        pytest.param([((0, 0), (60, 0), (60, 22), (0, 22)), ((100, 0), (110, 0), (110, 9))], 2, id="one-beside-the-photo"),
    ],
)
def test_tesserae_with_more_than_half_of_their_area_count(region, count):
    labels = three_tesserae()
    assert count_in_region(labels, tessera_boxes(labels), region) == count


def test_a_neighbour_in_the_same_box_is_not_counted_along():
    labels = np.zeros((10, 10), np.int32)
    labels[:, 0], labels[9, :], labels[:8, 2:] = 1, 1, 2
    assert count_in_region(labels, tessera_boxes(labels), [((2, 0), (10, 0), (10, 8), (2, 8))]) == 1
