"""Measure a label map against the truth: pixels, tiles, instances, outlines, counts, or marked points; changes neither.

Rules that hold throughout:

- A ratio with nothing in its denominator is NaN: missing, not 0; `Evaluation.as_dict` gives None for it. An empty
  prediction has recall 0, F 0 and no precision; an empty truth has precision 0, F 0 and no recall; with both empty all
  three are missing. (The tile scores are means over true tesserae: 0 without predictions, missing without truth.)
- "Overlap" is the number of pixels that a true and a predicted tessera share. Mortar is no tessera.
- Count errors are (predicted - true) / true; the sign says too many (+) or too few (-).
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tesserae.errors import TruthError
from tesserae.evaluation.counts import CountScores, count_scores
from tesserae.evaluation.outlines import BoundaryScore, score_boundary
from tesserae.evaluation.overlaps import (
    InstanceScores,
    OverlapTable,
    PixelScores,
    TileScores,
    overlap_table,
    score_instances,
    score_pixels,
    score_tiles,
)
from tesserae.evaluation.points import JudgedMarks, PointScores, judge_marks, score_points
from tesserae.labelmap import check_label_map
from tesserae.truth import LabelTruth, PointTruth, Truth, read_truth

__all__ = [
    "BoundaryScore",
    "CountScores",
    "Evaluation",
    "InstanceScores",
    "JudgedMarks",
    "OverlapTable",
    "PixelScores",
    "PointScores",
    "TileScores",
    "Truth",
    "evaluate",
    "format_evaluation",
    "judge_marks",
    "overlap_table",
    "read_truth",
]

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Evaluation:
    """All scores of one label map; those that its kind of truth cannot give are None.

    Attributes:
        truth: kind of the truth: "label map", "binary mask" or "points".
        notes: plain sentences on how the truth was understood; show them beside the figures.
    """

    truth: str
    count: CountScores
    pixels: PixelScores | None = None
    tiles: TileScores | None = None
    instances: InstanceScores | None = None
    boundary: BoundaryScore | None = None
    points: PointScores | None = None
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types; a missing figure (NaN) is None."""
        return {key: _plain(value) for key, value in dataclasses.asdict(self).items()}


def evaluate(pred_labels: Labels, truth: Truth, *, tolerance_px: float = 2.0) -> Evaluation:
    """Score a label map of the whole photo against its truth.

    Args:
        pred_labels: int (H, W), 0 = mortar.
        truth: of the same photo; marked points give counts and point scores only.
        tolerance_px: how far apart outlines may lie and still agree.

    Raises:
        LabelMapError: `pred_labels` is not a label map.
        TruthError: the truth is of another size.
        ValueError: the tolerance is negative or not finite.
    """
    pred_labels = check_label_map(pred_labels)
    if isinstance(truth, PointTruth):
        count, points = score_points(pred_labels, truth)
        return Evaluation(truth=truth.kind, count=count, points=points, notes=truth.notes)
    _check_same_size(pred_labels, truth)
    table = overlap_table(pred_labels, truth.labels)
    return Evaluation(
        truth=truth.kind,
        count=count_scores(len(table.true_areas), len(table.pred_areas)),
        pixels=score_pixels(table),
        tiles=score_tiles(table),
        instances=score_instances(table),
        boundary=score_boundary(pred_labels, truth.labels, tolerance_px),
        notes=truth.notes,
    )


def format_evaluation(evaluation: Evaluation) -> str:
    """A short table for people; a missing figure is a dash."""
    count = evaluation.count
    error = _percent(count.signed_error, signed=True)
    lines = [f"truth: {evaluation.truth}", f"count: {count.n_pred} predicted, {count.n_true} true, error {error}"]
    for field in dataclasses.fields(evaluation):
        scores = getattr(evaluation, field.name)
        if field.name != "count" and dataclasses.is_dataclass(scores):
            lines += ["", *_section(field.name, scores)]
    lines += [f"\nNote: {note}" for note in evaluation.notes]
    return "\n".join(lines)


def _check_same_size(pred_labels: Labels, truth: LabelTruth) -> None:
    """Refuse truth of another photo or of another scale."""
    (height, width), (true_height, true_width) = pred_labels.shape, truth.labels.shape
    if pred_labels.shape != truth.labels.shape:
        raise TruthError(
            f"Label map and truth should have one size, but the label map is {width} x {height} pixels (width x height)"
            f" and the truth {true_width} x {true_height}. Give the truth of the same photo at the same scale."
        )


def _plain(value: Any) -> Any:
    """JSON types without NaN."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _section(title: str, scores: Any) -> list[str]:
    """One block of the table, one line per figure."""
    lines = [title]
    for field in dataclasses.fields(scores):
        value = getattr(scores, field.name)
        name = field.name.replace("_", " ").replace(" 50", " at IoU 0.50").replace(" 75", " at IoU 0.75")
        if field.name == "tolerance_px":
            lines.append(f"  {'tolerance':<24}{value:g} px")
        else:
            lines.append(f"  {name:<24}{value if isinstance(value, int) else _percent(value)}")
    return lines


def _percent(value: float, *, signed: bool = False) -> str:
    """0.905 -> "90.5 %"; NaN -> "-"."""
    return "-" if math.isnan(value) else f"{100 * value:{'+' if signed else ''}.1f} %"
