"""Slivers go, and tesserae inside others are joined to them."""

import numpy as np
import pytest
from mosaic_examples import box_of, lay

from tesserae.cleanup.slivers import remove_slivers
from tesserae.corrections.operations import Delete, Merge
from tesserae.corrections.replay import CorrectedMap


def with_extra(rows, columns, number=50):
    labels = lay(3, 3, side=16, joint=8)
    labels[rows, columns] = number
    return labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(with_extra(np.s_[21:24], np.s_[20:24]), (Delete(labels=(50,)),), id="speck"),
        pytest.param(with_extra(np.s_[23:24], np.s_[9:45]), (Delete(labels=(50,)),), id="thin"),
        pytest.param(with_extra(np.s_[0:3], np.s_[20:24]), None, id="cut-by-the-edge"),
        pytest.param(with_extra(np.s_[12:17], np.s_[12:17]), (Merge(labels=(1, 50)),), id="inside-another"),
        pytest.param(lay(3, 3), None, id="in-order"),
    ],
)
def test_remove_slivers(labels, expected):
    proposed = remove_slivers(labels)
    assert (None if proposed is None else proposed.corrections) == expected


def test_a_piece_inside_goes_to_the_one_around_it():
    labels = with_extra(np.s_[12:17], np.s_[12:17])
    corrected = CorrectedMap.of(labels)
    corrected.apply(remove_slivers(labels))
    assert np.array_equal(corrected.labels, lay(3, 3, side=16, joint=8))


def test_a_ring_around_a_tessera_goes():
    labels = lay(3, 3, side=16, joint=8)
    rows, columns = box_of(5, 3, 16, 8)
    ring = np.s_[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1]
    labels[ring] = np.where(labels[ring] == 0, 50, labels[ring])
    assert remove_slivers(labels).corrections == (Delete(labels=(50,)),)
