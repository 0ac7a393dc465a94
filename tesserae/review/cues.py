"""From figures to doubt: each cue has a place where it starts to count, one where it counts fully, and a weight.

A cue at full strength says with the probability of its weight that something is wrong, and a person would have to change it. Cues are taken
as independent: together they say 1 - (1 - a)(1 - b) ... So each part of a score can be named, and none takes away from another. The
figures were fitted on the model's results for synthetic mosaics with known truth, and rounded (docs/decisions.md, 2026-11-26);
`python -m benchmarks review` measures what comes of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Kind = Literal["low score", "ragged outline", "odd size", "stands alone", "no joint", "two seeds", "models disagree", "gap"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Cue:
    """How a figure becomes doubt.

    Attributes:
        starts, full: the figure from which on it counts, and that at which it counts fully; `full` may be the lower one.
        weight: 0..1, the doubt at full strength.
    """

    starts: float
    full: float
    weight: float

    def doubts(self, figures: Floats) -> Floats:
        """Doubt 0..weight for each figure; 0 for those that are missing (NaN)."""
        return self.weight * np.nan_to_num(np.clip((figures - self.starts) / (self.full - self.starts), 0.0, 1.0))


LOW_SCORE = Cue(0.8, 0.35, 0.35)  # predicted IoU times stability
RAGGED = Cue(0.93, 0.75, 0.35)  # solidity
SMALL = Cue(-1.0, -3.0, 0.08)  # log2 of the area over that around
LARGE = Cue(1.0, 3.0, 0.03)  # the same
ALONE = Cue(1.9, 3.0, 0.05)  # distance of the neighbours in sides
NO_JOINT = Cue(0.2, 0.4, 0.9)  # narrowing of the joint in sides
TWO_SEEDS = Cue(0.95, 0.5, 0.05)  # depth of the waist
GAP = Cue(0.3, 0.6, 0.35)  # side of a tessera that would fit, in sides of those around
DISSENT = {"only_a": 0.6, "only_b": 0.5, "split": 0.15, "merged": 0.9}  # by kind of difference from a second opinion
MOVED = Cue(0.75, 0.5, 0.8)  # IoU of the outlines of both


def combined(doubts: Mapping[Kind, Floats]) -> Floats:
    """The doubt of all cues together, float64 (N,)."""
    return np.asarray(1.0 - np.prod([1.0 - each for each in doubts.values()], axis=0))
