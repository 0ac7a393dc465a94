"""What is wrong in a label map whose truth is known, mistake by mistake, each with the place where a person would see it.

    merged    a predicted tessera holds two or more true ones
    split     a true tessera holds two or more predicted ones
    missed    no predicted tessera holds a true one, or lies in it
    false     a predicted tessera holds no true one, and lies in none
    outline   one true and one predicted tessera, with an IoU below `GOOD_IOU`
    inexact   the same, with an IoU from there to below `EXACT_IOU`

One tessera "holds" another when it covers more than half of it. Each tessera, true or predicted, is in one mistake at most, of the first
kind that fits.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tesserae.evaluation import OverlapTable, overlap_table
from tesserae.labelmap import interior_points, present_labels

Kind = Literal["merged", "split", "missed", "false", "outline", "inexact"]
KINDS: tuple[Kind, ...] = get_args(Kind)
GOOD_IOU, EXACT_IOU = 0.5, 0.75


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        kind: one of `KINDS`.
        labels: predicted tesserae that are wrong; empty where one was missed.
        point_xy: pixel of the missed tessera farthest from its outline; None otherwise.
    """

    kind: Kind
    labels: tuple[int, ...]
    point_xy: tuple[int, int] | None = None


def find_mistakes(pred_labels: NDArray[np.int32], true_labels: NDArray[np.int32]) -> list[Mistake]:
    """List the mistakes of a label map (H, W) against the true one."""
    table = overlap_table(pred_labels, true_labels)
    pred_numbers = present_labels(pred_labels)
    holder_of_true = 2 * table.overlaps > table.true_areas[table.true_index]
    holder_of_pred = 2 * table.overlaps > table.pred_areas[table.pred_index]
    free_true, free_pred = np.ones(len(table.true_areas), dtype=bool), np.ones(len(table.pred_areas), dtype=bool)
    mistakes: list[Mistake] = []
    for pred in _holding_several(table.pred_index, holder_of_true):
        free_pred[pred] = False
        free_true[table.true_index[holder_of_true & (table.pred_index == pred)]] = False
        mistakes.append(Mistake("merged", (int(pred_numbers[pred]),)))
    for true in _holding_several(table.true_index, holder_of_pred):
        pieces = table.pred_index[holder_of_pred & (table.true_index == true)]
        if free_true[true] or free_pred[pieces].any():
            free_true[true], free_pred[pieces] = False, False
            mistakes.append(Mistake("split", tuple(int(number) for number in pred_numbers[pieces])))
    mistakes += _judge_pairs(table, holder_of_true | holder_of_pred, free_true, free_pred, pred_numbers)
    mistakes += [Mistake("false", (int(number),)) for number in pred_numbers[free_pred]]
    points = interior_points(true_labels).points_xy[free_true].astype(int).tolist()
    return mistakes + [Mistake("missed", (), (x, y)) for x, y in points]


def _holding_several(holder: NDArray[np.int64], holds: NDArray[np.bool_]) -> list[int]:
    return [int(index) for index in np.flatnonzero(np.bincount(holder[holds]) > 1)] if holds.any() else []


def _judge_pairs(
    table: OverlapTable,
    together: NDArray[np.bool_],
    free_true: NDArray[np.bool_],
    free_pred: NDArray[np.bool_],
    pred_numbers: NDArray[np.int32],
) -> list[Mistake]:
    """Judge pairs of which one holds the other, the best first; both are taken from the free ones, in place."""
    iou = table.overlaps / table.unions
    found = []
    for pair in np.argsort(-iou, kind="stable"):
        true, pred = table.true_index[pair], table.pred_index[pair]
        if not (together[pair] and free_true[true] and free_pred[pred]):
            continue
        free_true[true] = free_pred[pred] = False
        if iou[pair] < EXACT_IOU:
            kind: Kind = "outline" if iou[pair] < GOOD_IOU else "inexact"
            found.append(Mistake(kind, (int(pred_numbers[pred]),)))
    return found
