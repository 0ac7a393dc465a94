"""Why a tessera should be looked at: the doubts of each cue about every tessera, and what to say of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.review.cues import ALONE, GAP, LARGE, LOW_SCORE, NO_JOINT, RAGGED, SMALL, TWO_SEEDS, Kind
from tesserae.review.disagreement import Dissent
from tesserae.review.evidence import Evidence
from tesserae.review.gaps import Gaps

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reason:
    """One cue about one place.

    Attributes:
        kind: of the cue.
        doubt: 0..1, how likely something is wrong if there were no other reason.
        sentence: for the conservator.
    """

    kind: Kind
    doubt: float
    sentence: str


def doubts_of_tesserae(evidence: Evidence) -> dict[Kind, Floats]:
    """The doubt of each cue about each of N tesserae, float64 (N,)."""
    forms, around = evidence.forms, evidence.surroundings
    narrowings = np.full(len(forms), np.nan)
    narrowings[evidence.fragments.rows] = evidence.fragments.narrowings
    octaves = np.log2(around.area_ratios)
    return {
        "no joint": NO_JOINT.doubts(narrowings),
        "low score": LOW_SCORE.doubts(evidence.confidences),
        "ragged outline": RAGGED.doubts(forms.solidities),
        "odd size": np.where(forms.cut, 0.0, np.maximum(SMALL.doubts(octaves), LARGE.doubts(octaves))),
        "stands alone": ALONE.doubts(around.distances),
        "two seeds": TWO_SEEDS.doubts(forms.waists),
    }


def doubts_of_gaps(gaps: Gaps) -> Floats:
    """The doubt about each of G gaps, float64 (G,)."""
    return GAP.doubts(gaps.rooms)


def reasons_about(row: int, evidence: Evidence, doubts: Mapping[Kind, Floats], dissent: Dissent | None = None) -> tuple[Reason, ...]:
    """The reasons to look at one tessera, the strongest first; `dissent` is the second opinion about it."""
    strengths = {kind: float(each[row]) for kind, each in doubts.items() if each[row] > 0}
    kinds = sorted(strengths, key=lambda kind: -strengths[kind])
    return tuple(Reason(kind, strengths[kind], _say(kind, row, evidence, dissent)) for kind in kinds)


def say_gap(size: float) -> str:
    """What to say of a gap that `size` tesserae would fill."""
    if size < 2:
        return "A tessera of the size of those around would find room in this mortar: one may have been overlooked."
    return f"Mortar as large as about {size:.0f} tesserae: a loss, or tesserae that were overlooked."


def _say(kind: Kind, row: int, evidence: Evidence, dissent: Dissent | None) -> str:
    forms, around = evidence.forms, evidence.surroundings
    match kind:
        case "no joint":
            return "The joint to its neighbour is far narrower than the others: both may be pieces of one tessera."
        case "low score":
            return f"The model is not sure of it: it gives itself {evidence.confidences[row]:.0%}."
        case "ragged outline":
            return f"Its outline is ragged or bent inwards: it fills {forms.solidities[row]:.0%} of the shape stretched around it."
        case "odd size":
            return _say_size(float(around.area_ratios[row]))
        case "stands alone":
            return "It stands far from other tesserae: mortar or a stain may have been taken for stone."
        case "two seeds":
            return "It has a waist: two tesserae may have been taken for one."
    return dissent.sentence if dissent is not None else ""


def _say_size(ratio: float) -> str:
    if ratio > 1:
        return f"It is {ratio:.1f} times as large as those around it: several tesserae may have been taken for one."
    return f"It has {ratio:.0%} of the area of those around it: a chip, a fragment, or a speck of mortar."
