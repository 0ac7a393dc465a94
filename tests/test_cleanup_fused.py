"""Fused tesserae are separated where only a bridge holds them."""

import numpy as np
import pytest
from mosaic_examples import join, lay

from tesserae.cleanup.fused import is_fused, separate_fused
from tesserae.corrections.operations import Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.forms import measure_forms
from tesserae.surroundings import measure_surroundings


def test_a_bridge_is_cut():
    labels = join(lay(3, 4, 16, 8), 5, 4, 16, 8, slice(6, 10))
    proposed = separate_fused(labels)
    assert proposed.corrections == (Split(label=5),)
    corrected = CorrectedMap.of(labels)
    assert corrected.apply(proposed).count_change == 1
    assert (corrected.labels == 5).sum() == pytest.approx(16 * 16 + 16, abs=6)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(lay(3, 4, 16, 8), id="in-order"),
        pytest.param(join(lay(3, 4, 16, 8), 5, 4, 16, 8, slice(0, 16)), id="no-waist"),
        pytest.param(join(lay(3, 4, 4, 3), 5, 4, 4, 3, slice(1, 2)), id="too-small-to-tell"),
    ],
)
def test_none(labels):
    assert separate_fused(labels) is None


def test_a_notch_in_a_tessera_of_usual_size_is_no_waist():
    labels = lay(3, 3, 20, 6)
    rows, columns = np.nonzero(labels == 5)
    y, x = rows.min(), columns.min()
    labels[y : y + 8, x + 9 : x + 11] = labels[y + 12 : y + 20, x + 9 : x + 11] = 0
    forms = measure_forms(labels)
    assert forms.waists[4] <= 0.5
    assert not is_fused(forms, measure_surroundings(forms)).any()
