"""How good a result is on ground with truth, in the few figures that a fine-tune is steered and judged by. Needs no torch."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.dataset import Ground
from tesserae.dataset.ground import limit_truth
from tesserae.evaluation import overlap_table
from tesserae.evaluation.counts import count_scores
from tesserae.evaluation.overlaps import score_instances, score_pixels, score_tiles


@dataclass(frozen=True)
class MosaicFigures:
    """Figures of one mosaic, as `tesserae.evaluation` defines them; a missing one is NaN.

    Attributes:
        true_count, found_count: tesserae.
        f1_50, f1_75, mean_f1: F1 at mask IoU 0.5, 0.75, and the mean over 0.5:0.05:0.95.
        pixel_iou, precision, recall: of tessera against mortar.
        f_measure: per tile, after Fenu et al. 2015.
        count_error: signed, relative.
        abs_count_error: without its sign; the mean over mosaics of these, not of the signed ones.
    """

    true_count: float
    found_count: float
    f1_50: float
    f1_75: float
    mean_f1: float
    pixel_iou: float
    precision: float
    recall: float
    f_measure: float
    count_error: float
    abs_count_error: float

    @property
    def goodness(self) -> float:
        """The one figure that decides: mean F1 less the count error, for outlines and counts are both wanted. At most 1."""
        return self.mean_f1 - self.abs_count_error

    def as_dict(self) -> dict[str, float | None]:
        """Plain JSON types; a missing figure is None."""
        named = {**asdict(self), "goodness": self.goodness}
        return {name: None if math.isnan(value) else round(value, 6) for name, value in named.items()}


def judge_labels(labels: NDArray[np.int32], ground: Ground) -> MosaicFigures:
    """Judge a label map (H, W) against a ground of its size, where the ground is known: what lies mostly elsewhere is not counted."""
    found, _ = limit_truth(labels, ground.known)
    table = overlap_table(found, ground.labels)
    pixels, tiles, instances = score_pixels(table), score_tiles(table), score_instances(table)
    count = count_scores(len(table.true_areas), len(table.pred_areas))
    return MosaicFigures(
        true_count=count.n_true,
        found_count=count.n_pred,
        f1_50=instances.f1_50,
        f1_75=instances.f1_75,
        mean_f1=instances.mean_f1,
        pixel_iou=pixels.iou,
        precision=pixels.precision,
        recall=pixels.recall,
        f_measure=tiles.f,
        count_error=count.signed_error,
        abs_count_error=count.absolute_error,
    )


def mean_figures(figures: Iterable[MosaicFigures]) -> MosaicFigures:
    """Return the mean over mosaics of each figure, those that miss it left out; NaN where all do."""
    rows = [asdict(each) for each in figures]
    means = {}
    for name in MosaicFigures.__dataclass_fields__:
        known = [row[name] for row in rows if not math.isnan(row[name])]
        means[name] = sum(known) / len(known) if known else math.nan
    return MosaicFigures(**means)
