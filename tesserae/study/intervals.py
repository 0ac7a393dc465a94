"""How sure a mean over mosaics is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

FEWEST_TO_DRAW_FROM = 10
"""With fewer values a bootstrap draws too narrow a range, and Student's t serves."""

_LEVEL = 0.95
_DRAWS = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with the range in which it lies with 95 % confidence; NaN where there are too few values for one."""

    mean: float
    low: float
    high: float


def mean_interval(values: Sequence[float], seed: int = 22) -> Interval:
    """Return the mean and its 95 % confidence interval over mosaics; values that are NaN are left out.

    From `FEWEST_TO_DRAW_FROM` values on a percentile bootstrap with draws of `seed`; below, Student's t. One value has no range.
    """
    known = np.array([value for value in values if not math.isnan(value)])
    if len(known) < 2:
        return Interval(float(known[0]) if len(known) else math.nan, math.nan, math.nan)
    mean = float(known.mean())
    if len(known) >= FEWEST_TO_DRAW_FROM:
        draws = np.random.default_rng(seed).choice(known, (_DRAWS, len(known))).mean(axis=1)
        low, high = np.quantile(draws, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        return Interval(mean, float(low), float(high))
    reach = float(stats.t.ppf((1 + _LEVEL) / 2, len(known) - 1)) * float(known.std(ddof=1)) / math.sqrt(len(known))
    return Interval(mean, mean - reach, mean + reach)


def describe_method(count: int) -> str:
    """Say in a sentence how ranges over so many mosaics were made."""
    if count < 2:
        return "A single mosaic gives no range around the figures."
    how = f"a bootstrap of {_DRAWS:,} draws" if count >= FEWEST_TO_DRAW_FROM else "Student's t, as there are few"
    return f"Ranges in brackets are 95 % confidence intervals of the mean over {count} mosaics, by {how}."
