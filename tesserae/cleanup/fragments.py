"""Merge fragments: tesserae whose joint is far narrower than is usual in the mosaic, and that are one stone when put together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.cleanup.trying import Labels, Unreadable, several_that_can_be_made
from tesserae.corrections.operations import Merge, Several
from tesserae.forms import Forms, measure_forms, solidity_of_several
from tesserae.joints import Joints, find_joints, survey_mortar
from tesserae.surroundings import Surroundings, measure_surroundings

LEAST_NARROWING = 0.3
_LEAST_SOLIDITY = 0.8  # of the two as one
_MOST_LOST = 0.12  # solidity that the two as one may have less than the less solid of them
_LEAST_LENGTH = 0.5  # of the joint, in sides of the smaller one


@dataclass(frozen=True, eq=False)
class Fragments:
    """Fragments and the tesserae that they belong to, the clearest first; each tessera occurs once at most.

    Attributes:
        rows, holders: int64 (F,), rows of the forms; the fragment is the smaller of the two.
        narrowings: float64 (F,), how much narrower the joint is than the usual one, in sides of the tesserae around.
    """

    rows: NDArray[np.int64]
    holders: NDArray[np.int64]
    narrowings: NDArray[np.float64]


def merge_fragments(labels: Labels, ignored: Unreadable = None) -> Several | None:
    """Merge the fragments of a label map int32 (H, W); None where there are none."""
    forms = measure_forms(labels)
    fragments = find_fragments(labels, forms, measure_surroundings(forms), find_joints(survey_mortar(labels, forms), forms))
    pairs = zip(forms.labels[fragments.rows].tolist(), forms.labels[fragments.holders].tolist(), strict=True)
    merges = [Merge(labels=(min(pair), max(pair))) for pair in pairs]
    return several_that_can_be_made("Merge fragments", labels, merges, ignored)


def find_fragments(
    labels: Labels, forms: Forms, surroundings: Surroundings, joints: Joints, *, least_narrowing: float = LEAST_NARROWING
) -> Fragments:
    """Find pairs of tesserae that are one stone, as far as their joint and their form tell.

    The narrowing of a joint is (usual width - its width) / side of the tesserae around: where joints are tight anyway, it is small, and a
    tight joint says nothing.
    """
    sides_px = np.minimum(surroundings.sides_px[joints.first], surroundings.sides_px[joints.second])
    narrowings = (joints.usual_px - joints.widths_px) / sides_px
    smaller_px = np.sqrt(np.minimum(forms.areas_px[joints.first], forms.areas_px[joints.second]))
    likely = np.flatnonzero((narrowings >= least_narrowing) & (joints.lengths_px >= _LEAST_LENGTH * smaller_px))
    taken, pairs = set[int](), list[tuple[int, int, float]]()
    for joint in likely[np.argsort(-narrowings[likely], kind="stable")].tolist():
        pair = np.array([joints.first[joint], joints.second[joint]])
        if taken.isdisjoint(pair.tolist()) and _is_one_stone(labels, forms, pair):
            taken.update(pair.tolist())
            row, holder = pair[np.argsort(forms.areas_px[pair], kind="stable")].tolist()
            pairs.append((row, holder, float(narrowings[joint])))
    table = np.array(pairs, dtype=np.float64).reshape(-1, 3)
    return Fragments(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2])


def _is_one_stone(labels: Labels, forms: Forms, pair: NDArray[np.int64]) -> bool:
    """Tell whether two tesserae together are about as convex as each by itself."""
    together = solidity_of_several(labels, forms, pair)
    return together >= max(_LEAST_SOLIDITY, float(forms.solidities[pair].min()) - _MOST_LOST)
