"""Whether a new model takes the place of the active one: a stated rule, its reason in words, and the record in words. Needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

from tesserae.training.figures import MosaicFigures, mean_figures

LEAST_GAIN = 0.005
"""By which the goodness must rise: less is within what another seed would give."""

MOST_LOST = 0.05
"""Of F1 at IoU 0.5 that any single mosaic may lose."""

RULE = (
    "A new model is made the default if, on mosaics that it did not learn from, its score (mean F1 less the count error) beats that of "
    f"the present default and that of its base by at least {100 * LEAST_GAIN:g} points, and no single mosaic loses more than "
    f"{100 * MOST_LOST:g} points of F1. Otherwise it is kept beside them."
)

ByMosaic = Mapping[str, MosaicFigures]


@dataclass(frozen=True)
class Verdict:
    """Whether the new model is made the default, and why or why not, in a sentence."""

    promoted: bool
    reason: str


def judge(candidate: ByMosaic, rivals: Mapping[str, ByMosaic]) -> Verdict:
    """Compare a candidate with its rivals, by name, all on the same mosaics; at least one of each."""
    mean = mean_figures(candidate.values())
    for name, figures in rivals.items():
        rival = mean_figures(figures.values())
        gain = mean.goodness - rival.goodness
        if not gain >= LEAST_GAIN:  # a score that is missing is no gain
            return Verdict(False, f"Its score is {_points(mean.goodness)}, that of {name} {_points(rival.goodness)}: not better by enough.")
        worst = min(candidate, key=lambda mosaic: candidate[mosaic].f1_50 - figures[mosaic].f1_50)
        lost = figures[worst].f1_50 - candidate[worst].f1_50
        if lost > MOST_LOST:
            return Verdict(False, f"It is better on average, but on {worst} it loses {100 * lost:.1f} points of F1 against {name}.")
    beaten = ", ".join(f"{_points(mean_figures(figures.values()).goodness)} of {name}" for name, figures in rivals.items())
    return Verdict(True, f"Its score is {_points(mean.goodness)}, against {beaten}.")


def describe_training(mosaics: int, tesserae: int, before: ByMosaic, after: ByMosaic, *, by_blocks: bool) -> str:
    """Return the record in words: what was learned from, and what it changed on ground that was not."""
    old, new = mean_figures(before.values()), mean_figures(after.values())
    count = len(after)
    where = f"{_counted(count, 'part', 'parts')} kept apart" if by_blocks else _counted(count, "unseen mosaic", "unseen mosaics")
    return (
        f"Trained on {_counted(mosaics, 'mosaic', 'mosaics')}, {tesserae:,} tesserae; on {where} the count error went from "
        f"{_percent(old.abs_count_error)} to {_percent(new.abs_count_error)}, and F1 from {_percent(old.f1_50)} to {_percent(new.f1_50)}."
    )


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
