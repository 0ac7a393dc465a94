"""What can be measured about each tessera of a label map, gathered once; judges nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.cleanup.fragments import Fragments, find_fragments
from tesserae.forms import Forms, measure_forms
from tesserae.joints import find_joints, survey_mortar
from tesserae.review.gaps import Gaps, find_gaps
from tesserae.surroundings import Surroundings, measure_surroundings

_LEAST_NARROWING = 0.2  # of a joint that is worth a look; a clean-up asks for more


@dataclass(frozen=True, eq=False)
class Evidence:
    """Figures of N tesserae, rows of the forms.

    Attributes:
        confidences: float64 (N,), predicted IoU times stability, or the one of them that is there; NaN without both.
        fragments: pairs that may be one stone.
        gaps: places without a tessera.
    """

    forms: Forms
    surroundings: Surroundings
    confidences: NDArray[np.float64]
    fragments: Fragments
    gaps: Gaps


def gather_evidence(
    labels: NDArray[np.int32],
    predicted_iou: Mapping[int, float],
    stability: Mapping[int, float],
    ignored: NDArray[np.bool_] | None,
) -> Evidence:
    """Measure a label map int32 (H, W); raises LabelMapError when it is none."""
    forms = measure_forms(labels)
    surroundings, mortar = measure_surroundings(forms), survey_mortar(labels, forms, ignored)
    joints = find_joints(mortar, forms)
    return Evidence(
        forms=forms,
        surroundings=surroundings,
        confidences=_confidences(forms.labels.tolist(), predicted_iou, stability),
        fragments=find_fragments(labels, forms, surroundings, joints, least_narrowing=_LEAST_NARROWING),
        gaps=find_gaps(mortar, surroundings, joints, labels.shape),
    )


def _confidences(numbers: list[int], predicted_iou: Mapping[int, float], stability: Mapping[int, float]) -> NDArray[np.float64]:
    known = np.array([[scores.get(number, np.nan) for number in numbers] for scores in (predicted_iou, stability)])
    return np.where(np.isnan(known).all(axis=0), np.nan, np.where(np.isnan(known), 1.0, known).prod(axis=0))
