"""Scores against marked points: one mark per tessera inside a square crop of the photo."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tesserae.errors import TruthError
from tesserae.evaluation.counts import CountScores, count_scores, harmonic, ratio
from tesserae.labelmap import present_labels, relabel_sequential
from tesserae.truth import PointTruth

Labels = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]
Coordinates = npt.NDArray[np.float64]

BORDER_SHARE = 0.5
"""Of a tessera's side, at the edge of a marked crop, is not judged: pieces are cut there."""

WINDOW_SHARE = 2.0
"""Of a tessera's side, around a marked crop, is looked at so that its outer pieces are whole."""


@dataclass(frozen=True)
class PointScores:
    """Tesserae of a marked crop; see `score_points`.

    Attributes:
        hits: judged predictions that hold exactly one mark.
        found: judged marks whose prediction holds no other mark.
        merged: predictions that hold several marks.
        missed: judged marks that lie on mortar.
    """

    precision: float
    recall: float
    f1: float
    hits: int
    found: int
    merged: int
    missed: int


@dataclass(frozen=True, eq=False)
class JudgedMarks:
    """Marks and tesserae of a marked crop, before they are counted.

    Attributes:
        marks_xy: float64 (N, 2), crop pixels; those outside the ignore polygons.
        holders: int32 (N,), the tessera under each mark, 0 = mortar.
        judged: bool (N,), the marks that are judged.
        labels: int32 (M,), the tesserae that are judged.
    """

    marks_xy: Coordinates
    holders: Labels
    judged: Mask
    labels: Labels


def score_points(pred_labels: Labels, truth: PointTruth) -> tuple[CountScores, PointScores]:
    """Score the tesserae of a marked crop.

    A prediction is judged by its interior point (the pixel farthest from its outline), a mark by itself. Judged are
    those inside the crop, at least half a tessera from its edge, outside the ignore polygons. A judged prediction is a
    hit when it holds exactly one mark; a judged mark is found when its prediction holds no other. Marks at the crop's
    edge, themselves not judged, count as held; marks in ignore polygons never count.

    Precision = hits / judged predictions, recall = found / judged marks, F1 their harmonic mean.

    Raises:
        TruthError: the crop reaches beyond the label map.
    """
    seen = judge_marks(pred_labels, truth)
    values, holder_of_mark, marks_held = np.unique(seen.holders, return_inverse=True, return_counts=True)
    alone = (seen.holders != 0) & (marks_held[holder_of_mark] == 1)
    hits = int(np.isin(seen.labels, values[marks_held == 1]).sum())
    found, n_true, n_pred = int((seen.judged & alone).sum()), int(seen.judged.sum()), len(seen.labels)
    precision, recall = ratio(hits, n_pred), ratio(found, n_true)
    merged = int(((values != 0) & (marks_held > 1)).sum())
    missed = int((seen.judged & (seen.holders == 0)).sum())
    scores = PointScores(precision, recall, harmonic(precision, recall), hits, found, merged, missed)
    return count_scores(n_true, n_pred), scores


def judge_marks(pred_labels: Labels, truth: PointTruth) -> JudgedMarks:
    """Say which tessera holds each mark, and what is judged; see `score_points`, which raises alike."""
    marks_xy = truth.points_xy[~truth.ignored(truth.points_xy)]
    window, offset_xy = _window(pred_labels, truth)
    columns, rows = (marks_xy + offset_xy).astype(np.int64).T
    holders = window[np.minimum(rows, window.shape[0] - 1), np.minimum(columns, window.shape[1] - 1)]
    labels, deepest_xy = _deepest_pixels(window)
    return JudgedMarks(marks_xy, holders, _judged(marks_xy, truth), labels[_judged(deepest_xy - offset_xy, truth)])


def _window(labels: Labels, truth: PointTruth) -> tuple[Labels, npt.NDArray[np.int64]]:
    """The crop with a margin, as far as the map goes, and the (x, y) of the crop's corner in it."""
    height, width = labels.shape
    x1, y1 = truth.x0 + truth.side_px, truth.y0 + truth.side_px
    if x1 > width or y1 > height:
        raise TruthError(
            f"The marked crop reaches to {x1} x {y1} pixels (width x height), but the label map is {width} x {height}. "
            f"Give the label map of the whole photo that was marked, at its full size."
        )
    margin = int(WINDOW_SHARE * truth.tessera_px)
    left, top = max(0, truth.x0 - margin), max(0, truth.y0 - margin)
    return labels[top : y1 + margin, left : x1 + margin], np.array([truth.x0 - left, truth.y0 - top])


def _deepest_pixels(window: Labels) -> tuple[Labels, Coordinates]:
    """Labels (N,) of the window and of each the pixel (x, y) farthest from its outline, float64 (N, 2).

    Of equally far pixels the first in reading order is taken. `labelmap.interior_points` takes the middle one, which is
    better for prompts; here the choice is part of the score's definition, as it decides whether a piece at the border
    is judged. The window's edge is an outline.
    """
    labels = present_labels(window)
    boxes = ndimage.find_objects(relabel_sequential(window), max_label=len(labels))
    points_xy = np.empty((len(labels), 2), dtype=np.float64)
    for row, (label, (rows, columns)) in enumerate(zip(labels, boxes, strict=True)):
        depth = ndimage.distance_transform_edt(np.pad(window[rows, columns] == label, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        points_xy[row] = columns.start + x, rows.start + y
    return labels, points_xy


def _judged(points_xy: npt.NDArray[np.float64], truth: PointTruth) -> Mask:
    """Which crop points (N, 2) lie far enough from the crop's edge and outside the ignore polygons."""
    border = BORDER_SHARE * truth.tessera_px
    inner: Mask = np.all((points_xy >= border) & (points_xy < truth.side_px - border), axis=1)
    return inner & ~truth.ignored(points_xy)
