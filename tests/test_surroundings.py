"""What is usual around a tessera."""

import numpy as np
import pytest
from mosaic_examples import box_of, lay

from tesserae.forms import measure_forms
from tesserae.surroundings import measure_surroundings


def surroundings_of(labels):
    return measure_surroundings(measure_forms(labels))


def test_among_equals():
    around = surroundings_of(lay(4, 4, side=8, joint=4))
    assert around.sides_px.tolist() == [8.0] * 16
    assert around.area_ratios.tolist() == [1.0] * 16
    assert around.distances[5] == pytest.approx(12 / 8)


def test_a_small_one_among_equals():
    labels = lay(4, 4)
    rows, columns = box_of(6, 4)
    labels[rows, columns] = 0
    labels[rows.start : rows.start + 4, columns.start : columns.start + 4] = 6
    around = surroundings_of(labels)
    assert around.area_ratios[5] == pytest.approx(1 / 4)
    assert around.area_ratios[0] == pytest.approx(1.0)


def test_what_the_edge_cuts_says_nothing_of_what_is_usual():
    labels = lay(3, 3)[5:, :]
    around = surroundings_of(labels)
    assert around.area_ratios[4] == pytest.approx(1.0)
    assert around.area_ratios[0] < 1.0


def test_where_all_are_cut_they_are_compared_all_the_same():
    labels = np.array([[1, 1, 0, 2, 2]], dtype=np.int32)
    assert surroundings_of(labels).area_ratios.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("count", [0, 1])
def test_alone(count):
    labels = np.zeros((9, 9), dtype=np.int32)
    labels[2 : 2 + 3 * count, 2:5] = count
    around = surroundings_of(labels)
    assert around.sides_px.tolist() == [3.0] * count
    assert around.area_ratios.tolist() == around.distances.tolist() == [1.0] * count


def test_rings_with_one_centre_are_neighbours_of_each_other():
    labels = np.zeros((41, 41), dtype=np.int32)
    for number in range(1, 15):
        labels[number : 41 - number, number : 41 - number] = number
    around = surroundings_of(labels)
    assert np.isfinite(around.area_ratios).all()
    assert (around.distances == 0).all()
