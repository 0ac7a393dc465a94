"""Two results of one photo beside each other: where they differ, by how much, and which is nearer to the truth; changes neither.

`places` compares label maps and needs no truth; `scores` sets the evaluations of both against each other. The two results are called A and
B throughout, and nothing but the sign and the words changes when they are swapped.
"""

from tesserae.comparison.places import (
    KINDS,
    SAME_IOU,
    AreaHistogram,
    Comparison,
    Found,
    Kind,
    Tally,
    compare_label_maps,
    describe_comparison,
    histogram_areas,
)
from tesserae.comparison.scores import compare_scores, describe_scores

__all__ = [
    "KINDS",
    "SAME_IOU",
    "AreaHistogram",
    "Comparison",
    "Found",
    "Kind",
    "Tally",
    "compare_label_maps",
    "compare_scores",
    "describe_comparison",
    "describe_scores",
    "histogram_areas",
]
