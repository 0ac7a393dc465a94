"""Corrections are tried on a copy before they are proposed together: one that cannot be made would keep all of them from being made."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.operations import Correction, Several
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError

Labels = NDArray[np.int32]
Unreadable = NDArray[np.bool_] | None


def several_that_can_be_made(title: str, labels: Labels, corrections: Sequence[Correction], ignored: Unreadable = None) -> Several | None:
    """Group the corrections that can be made one after the other on a label map (H, W); None where none can."""
    if not corrections:
        return None
    tried = CorrectedMap.of(labels, ignored)
    made = [correction for correction in corrections if _can_be_made(tried, correction)]
    return Several(title, tuple(made)) if made else None


def _can_be_made(tried: CorrectedMap, correction: Correction) -> bool:
    try:
        return tried.apply(correction).box_xyxy is not None
    except CorrectionError:
        return False
