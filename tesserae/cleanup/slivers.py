"""Remove slivers and doubles: what is too small or too thin for a tessera, and tesserae that lie inside another."""

import numpy as np
from numpy.typing import NDArray

from tesserae.cleanup.outlines import cut_out_tesserae, filled
from tesserae.cleanup.trying import Labels, Unreadable, several_that_can_be_made
from tesserae.corrections.operations import Correction, Delete, Merge, Several
from tesserae.forms import Forms, measure_forms
from tesserae.surroundings import Surroundings, measure_surroundings

LEAST_AREA = 0.08  # of the area that is usual around it
LEAST_RADIUS = 0.1  # of the side that is usual around it


def remove_slivers(labels: Labels, ignored: Unreadable = None) -> Several | None:
    """Delete slivers, join what lies inside a tessera to it, and delete rings around a tessera; None where there are none.

    What the photo's edge cuts may have any size.
    """
    forms = measure_forms(labels)
    slivers = forms.labels[is_sliver(forms, measure_surroundings(forms))].tolist()
    doubles = _resolve_doubles(labels, ignored, set(slivers))
    deletions: list[Correction] = [Delete(labels=tuple(slivers))] if slivers else []
    return several_that_can_be_made("Remove slivers and doubles", labels, [*doubles, *deletions], ignored)


def is_sliver(forms: Forms, surroundings: Surroundings) -> NDArray[np.bool_]:
    """Tell which tesserae are too small or too thin; bool (N,)."""
    small = surroundings.area_ratios < LEAST_AREA
    thin = forms.radii_px < LEAST_RADIUS * surroundings.sides_px
    return np.asarray((small | thin) & ~forms.cut)


def _resolve_doubles(labels: Labels, ignored: Unreadable, slivers: set[int]) -> list[Correction]:
    """A merge for each tessera that encloses smaller ones; a deletion for one that is a ring around a larger one."""
    corrections: list[Correction] = []
    for outer in cut_out_tesserae(labels, ignored, lambda _: 0):
        inside = filled(outer.mask) & ~outer.mask
        if outer.label in slivers or not inside.any():
            continue
        x0, y0 = outer.origin_xy
        found = labels[y0 : y0 + inside.shape[0], x0 : x0 + inside.shape[1]][inside]
        enclosed, areas_px = np.unique(found[found > 0], return_counts=True)
        if areas_px.sum() > np.count_nonzero(outer.mask):
            corrections.append(Delete(labels=(outer.label,)))
        elif enclosed.size:
            corrections.append(Merge(labels=(outer.label, *enclosed.tolist())))
    return corrections
