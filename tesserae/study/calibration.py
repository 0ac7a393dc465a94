"""Whether a model is as good as it says: its predicted IoU beside the true one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.dataset import Ground
from tesserae.dataset.ground import limit_truth
from tesserae.evaluation import overlap_table
from tesserae.labelmap import present_labels

Pairs = NDArray[np.float64]

_BINS = 10


@dataclass(frozen=True)
class Bin:
    """Tesserae with a predicted IoU in one tenth of 0..1: how many, and the means of predicted and true IoU."""

    count: int
    predicted: float
    true: float


@dataclass(frozen=True)
class Calibration:
    """Bins that are not empty, in order, and the expected calibration error: mean over tesserae of |true - predicted| of their bin."""

    bins: tuple[Bin, ...]
    error: float


def iou_pairs(labels: NDArray[np.int32], predicted_iou: Mapping[int, float], ground: Ground) -> Pairs:
    """Return predicted and true IoU, (N, 2), of each tessera of a label map (H, W) that has a predicted one and lies on known ground.

    The true IoU is that with the true tessera that agrees most; 0 where none overlaps.
    """
    found, _ = limit_truth(labels, ground.known)
    table = overlap_table(found, ground.labels)
    true_iou = np.zeros(len(table.pred_areas))
    np.maximum.at(true_iou, table.pred_index, table.overlaps / table.unions)
    pairs = [(predicted_iou[int(label)], iou) for label, iou in zip(present_labels(found), true_iou, strict=True) if label in predicted_iou]
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def calibrate_scores(pairs: Pairs) -> Calibration | None:
    """Put pairs of predicted and true IoU (N, 2) into ten bins by the predicted one, taken as 0..1; None without pairs."""
    if not len(pairs):
        return None
    predicted, true = np.clip(pairs[:, 0], 0, 1), pairs[:, 1]
    places = np.minimum((predicted * _BINS).astype(int), _BINS - 1)
    groups = [places == place for place in range(_BINS)]
    bins = tuple(Bin(int(group.sum()), float(predicted[group].mean()), float(true[group].mean())) for group in groups if group.any())
    error = sum(each.count * abs(each.true - each.predicted) for each in bins) / len(pairs)
    return Calibration(bins, error)
