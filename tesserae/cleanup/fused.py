"""Separate fused tesserae: those with a waist so narrow that only a bridge holds two stones together."""

import numpy as np
from numpy.typing import NDArray

from tesserae.cleanup.trying import Labels, Unreadable, several_that_can_be_made
from tesserae.corrections.operations import Several, Split
from tesserae.forms import Forms, measure_forms
from tesserae.surroundings import Surroundings, measure_surroundings

WIDEST_WAIST = 0.5  # of the depth of the shallower stone
MOST_SOLID = 0.9
LEAST_AREA = 1.3  # of the area that is usual around it; one stone with a notch is no larger than the others
LEAST_RADIUS_PX = 3.0  # below, a notch of one pixel makes a waist


def separate_fused(labels: Labels, ignored: Unreadable = None) -> Several | None:
    """Split the fused tesserae of a label map int32 (H, W) at their waists; None where there are none."""
    forms = measure_forms(labels)
    fused = forms.labels[is_fused(forms, measure_surroundings(forms))]
    return several_that_can_be_made("Separate fused tesserae", labels, [Split(label=label) for label in fused.tolist()], ignored)


def is_fused(forms: Forms, surroundings: Surroundings) -> NDArray[np.bool_]:
    """Tell which tesserae hang together by a bridge only; bool (N,)."""
    bridged = (forms.waists <= WIDEST_WAIST) & (forms.solidities < MOST_SOLID)
    return np.asarray(bridged & (surroundings.area_ratios >= LEAST_AREA) & (forms.radii_px >= LEAST_RADIUS_PX))
