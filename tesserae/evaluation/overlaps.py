"""Scores of tesserae and pixels from one sparse table of overlaps; knows neither files nor outlines.

"Overlap" is the number of pixels that a true and a predicted tessera share. The table is made once, and no score after
it looks at pixels again, so 10,000 tesserae cost little more than ten.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from tesserae.evaluation.counts import count_scores, harmonic, ratio

Integers = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]

IOU_PERCENTS = tuple(range(50, 100, 5))


@dataclass(frozen=True)
class PixelScores:
    """Tessera against mortar, over all pixels."""

    iou: float
    dice: float
    precision: float
    recall: float
    accuracy: float


@dataclass(frozen=True)
class TileScores:
    """Per-tile scores of Fenu, Jain, Medvet, Pellegrino and Pilutti Namer (VISAPP 2015); see `score_tiles`."""

    precision: float
    recall: float
    f: float
    cnt: float


@dataclass(frozen=True)
class InstanceScores:
    """One-to-one matches at mask IoU 0.5 and 0.75, splits and merges; see `score_instances`.

    Attributes:
        mean_f1: mean of F1 at the IoU thresholds 0.5, 0.55, ... 0.95.
        splits: true tesserae that hold several predicted ones.
        merges: predicted tesserae that hold several true ones.
    """

    precision_50: float
    recall_50: float
    f1_50: float
    precision_75: float
    recall_75: float
    f1_75: float
    mean_f1: float
    panoptic_quality: float
    segmentation_quality: float
    recognition_quality: float
    splits: int
    merges: int


@dataclass(frozen=True, eq=False)
class OverlapTable:
    """Which true and predicted tesserae share pixels, and how many.

    Attributes:
        true_areas, pred_areas: int64 (T,), (P,), pixels of each tessera, overlapping or not.
        true_index, pred_index: int64 (N,), for each pair that shares pixels its places in the areas.
        overlaps: int64 (N,), pixels that the pair shares.
        n_pixels: pixels of the whole map.
    """

    true_areas: Integers
    pred_areas: Integers
    true_index: Integers
    pred_index: Integers
    overlaps: Integers
    n_pixels: int

    @property
    def unions(self) -> Integers:
        """Pixels in either tessera of each pair, int64 (N,)."""
        return self.true_areas[self.true_index] + self.pred_areas[self.pred_index] - self.overlaps


def overlap_table(pred_labels: Labels, true_labels: Labels) -> OverlapTable:
    """Count the pixels of every pair of true and predicted tessera, for two label maps int (H, W) of one shape.

    Works on runs of equal pairs in reading order rather than on pixels: a label map has some twenty times fewer runs.
    """
    pred, true = pred_labels.ravel(), true_labels.ravel()
    changes = np.flatnonzero((pred[1:] != pred[:-1]) | (true[1:] != true[:-1])) + 1
    starts = np.append(0, changes)
    lengths = np.diff(starts, append=pred.size)
    pred_values, pred_of_run = np.unique(np.append(pred[starts], 0), return_inverse=True)  # the 0 keeps mortar a value
    true_values, true_of_run = np.unique(np.append(true[starts], 0), return_inverse=True)
    shape = (len(true_values), len(pred_values))
    counts = coo_array((np.append(lengths, 0), (true_of_run, pred_of_run)), shape=shape)
    counts.sum_duplicates()
    true_keep, pred_keep = true_values != 0, pred_values != 0
    rows, columns = counts.coords
    both = true_keep[rows] & pred_keep[columns]
    return OverlapTable(
        true_areas=np.asarray(counts.sum(axis=1), dtype=np.int64)[true_keep],
        pred_areas=np.asarray(counts.sum(axis=0), dtype=np.int64)[pred_keep],
        true_index=(np.cumsum(true_keep) - 1)[rows[both]],
        pred_index=(np.cumsum(pred_keep) - 1)[columns[both]],
        overlaps=counts.data[both].astype(np.int64),
        n_pixels=int(pred.size),
    )


def score_pixels(table: OverlapTable) -> PixelScores:
    """IoU, Dice, precision, recall and accuracy of tessera against mortar."""
    hit, pred, true = int(table.overlaps.sum()), int(table.pred_areas.sum()), int(table.true_areas.sum())
    return PixelScores(
        iou=ratio(hit, pred + true - hit),
        dice=ratio(2 * hit, pred + true),
        precision=ratio(hit, pred),
        recall=ratio(hit, true),
        accuracy=ratio(table.n_pixels - (pred + true - 2 * hit), table.n_pixels),
    )


def score_tiles(table: OverlapTable) -> TileScores:
    """Mean precision and recall over true tesserae, each with the predicted one p(t) that overlaps it most.

    Prec = mean |t and p(t)| / |p(t)|, Rec = mean |t and p(t)| / |t|, F = 2 Prec Rec / (Prec + Rec),
    Cnt = |n_pred - n_true| / n_true (Fenu et al. 2015). Of cases that are left open there: a true tessera that no
    prediction overlaps counts 0 in both means; of predictions that overlap t equally, the smaller is p(t); one
    prediction may be p(t) of several.
    """
    n_true, n_pred = len(table.true_areas), len(table.pred_areas)
    areas = table.pred_areas[table.pred_index]
    order = np.lexsort((areas, -table.overlaps, table.true_index))
    _, first = np.unique(table.true_index[order], return_index=True)
    best = order[first]
    overlaps = table.overlaps[best]
    precision = ratio(float((overlaps / areas[best]).sum()), n_true)
    recall = ratio(float((overlaps / table.true_areas[table.true_index[best]]).sum()), n_true)
    return TileScores(precision, recall, harmonic(precision, recall), count_scores(n_true, n_pred).absolute_error)


def score_instances(table: OverlapTable) -> InstanceScores:
    """Match tesserae one to one and count them.

    A pair matches at a threshold when its IoU is at least that, and the largest set of one-to-one matches is taken;
    above 0.5 there is only one such set. Panoptic quality (Kirillov et al. 2019) asks for an IoU strictly above 0.5:
    PQ = SQ * RQ, SQ = mean IoU of the matches, RQ = their F1. For splits and merges a tessera is held by the one of the
    other map that covers more than half of its area; one true tessera holding two or more is a split, one predicted
    tessera holding two or more a merge. A crumb inside a tessera therefore splits it, as it adds to the count.
    """
    n_true, n_pred = len(table.true_areas), len(table.pred_areas)
    matches = {percent: _count_matches(table, percent) for percent in IOU_PERCENTS}
    strict = 2 * table.overlaps > table.unions
    iou_sum = float((table.overlaps[strict] / table.unions[strict]).sum())
    n_strict = int(strict.sum())
    return InstanceScores(
        precision_50=ratio(matches[50], n_pred),
        recall_50=ratio(matches[50], n_true),
        f1_50=ratio(2 * matches[50], n_pred + n_true),
        precision_75=ratio(matches[75], n_pred),
        recall_75=ratio(matches[75], n_true),
        f1_75=ratio(2 * matches[75], n_pred + n_true),
        mean_f1=ratio(2 * sum(matches.values()) / len(matches), n_pred + n_true),
        panoptic_quality=ratio(2 * iou_sum, n_pred + n_true),
        segmentation_quality=ratio(iou_sum, n_strict),
        recognition_quality=ratio(2 * n_strict, n_pred + n_true),
        splits=_count_shared(table.true_index, table.overlaps, table.pred_areas[table.pred_index]),
        merges=_count_shared(table.pred_index, table.overlaps, table.true_areas[table.true_index]),
    )


def _count_matches(table: OverlapTable, percent: int) -> int:
    """Largest number of one-to-one pairs with IoU >= percent / 100, compared in whole numbers to be exact."""
    good = 100 * table.overlaps >= percent * table.unions
    if percent > 50 or not good.any():
        return int(good.sum())  # two tesserae cannot both cover more than half of a union with a third
    pairs = (table.true_index[good], table.pred_index[good])
    shape = (len(table.true_areas), len(table.pred_areas))
    edges = coo_array((np.ones(len(pairs[0]), dtype=np.int8), pairs), shape=shape)
    return int((maximum_bipartite_matching(edges.tocsr(), perm_type="column") >= 0).sum())


def _count_shared(holder_index: Integers, overlaps: Integers, part_areas: Integers) -> int:
    """Tesserae of one map that hold at least two of the other, each with more than half of its area.

    Holders true, parts predicted: splits. Holders predicted, parts true: merges. So a swap of the maps swaps the two.
    """
    held = holder_index[2 * overlaps > part_areas]
    return int((np.bincount(held) > 1).sum()) if held.size else 0
