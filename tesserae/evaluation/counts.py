"""Counts and ratios that all scores share; a ratio with nothing in its denominator is missing (NaN), not 0."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class CountScores:
    """Numbers of tesserae and their relative difference."""

    n_true: int
    n_pred: int
    signed_error: float
    absolute_error: float


def count_scores(n_true: int, n_pred: int) -> CountScores:
    """Counts with their relative difference, signed and not."""
    error = ratio(n_pred - n_true, n_true)
    return CountScores(n_true, n_pred, error, abs(error))


def ratio(part: float, whole: float) -> float:
    """Divide; NaN when there is no whole."""
    return float(part) / float(whole) if whole else math.nan


def harmonic(precision: float, recall: float) -> float:
    """F of precision and recall; 0 when one of them is missing, or both are 0, and NaN when both are missing."""
    if math.isnan(precision) and math.isnan(recall):
        return math.nan
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else 0.0
