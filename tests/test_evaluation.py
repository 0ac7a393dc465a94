"""Scores of label maps against figures worked out by hand, and the properties that hold for all of them."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from tesserae.errors import LabelMapError, TruthError
from tesserae.evaluation import Evaluation, evaluate, format_evaluation, overlap_table
from tesserae.evaluation.outlines import outline_pixels, widen
from tesserae.truth import LabelTruth, PointTruth

NAN = math.nan

# Two true tesserae of 4 and 6 pixels. Tessera 5 covers half of the first and two pixels of mortar, 7 the whole of the
# second and two of mortar, 9 lies on mortar alone.
TRUE = [
    [1, 1, 0, 0, 0, 0],
    [1, 1, 0, 2, 2, 0],
    [0, 0, 0, 2, 2, 0],
    [0, 0, 0, 2, 2, 0],
]
PRED = [
    [0, 5, 5, 0, 0, 9],
    [0, 5, 5, 7, 7, 0],
    [0, 0, 0, 7, 7, 7],
    [0, 0, 0, 7, 7, 7],
]


def label_map(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.int32)


def scores(pred: list[list[int]] | np.ndarray, true: list[list[int]] | np.ndarray, **options: float) -> Evaluation:
    return evaluate(np.asarray(pred, dtype=np.int32), LabelTruth(np.asarray(true, dtype=np.int32)), **options)


def plain(record: object) -> dict[str, float]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def test_overlap_table_by_hand() -> None:
    table = overlap_table(label_map(PRED), label_map(TRUE))
    assert table.true_areas.tolist() == [4, 6]
    assert table.pred_areas.tolist() == [4, 8, 1]
    pairs = sorted(zip(table.true_index.tolist(), table.pred_index.tolist(), table.overlaps.tolist(), strict=True))
    assert pairs == [(0, 0, 2), (1, 1, 6)]
    assert table.n_pixels == 24


def test_overlap_table_counts_a_pair_in_several_runs_once_when_there_is_no_mortar() -> None:
    table = overlap_table(label_map([[4, 4, 9], [9, 4, 4]]), label_map([[3, 3, 3], [3, 3, 3]]))
    assert table.true_areas.tolist() == [6]
    assert table.pred_areas.tolist() == [4, 2]
    assert sorted(table.overlaps.tolist()) == [2, 4]


def test_pixel_scores_by_hand() -> None:
    pixels = scores(PRED, TRUE).pixels  # shared 8, predicted 13, true 10, of 24
    assert plain(pixels) == pytest.approx({"iou": 8 / 15, "dice": 16 / 23, "precision": 8 / 13, "recall": 8 / 10, "accuracy": 17 / 24})


def test_tile_scores_by_hand() -> None:
    tiles = scores(PRED, TRUE).tiles  # 2/4 and 6/8 of the prediction, 2/4 and 6/6 of the truth
    precision, recall = 0.625, 0.75
    f = 2 * precision * recall / (precision + recall)
    assert plain(tiles) == pytest.approx({"precision": precision, "recall": recall, "f": f, "cnt": 0.5})


def test_instance_scores_by_hand() -> None:
    instances = scores(PRED, TRUE).instances  # IoU 2/6 and 6/8: one match up to the threshold 0.75
    assert plain(instances) == pytest.approx(
        {
            "precision_50": 1 / 3, "recall_50": 1 / 2, "f1_50": 0.4,
            "precision_75": 1 / 3, "recall_75": 1 / 2, "f1_75": 0.4,
            "mean_f1": 0.4 * 6 / 10,
            "panoptic_quality": 0.75 / 2.5, "segmentation_quality": 0.75, "recognition_quality": 0.4,
            "splits": 0, "merges": 0,
        }
    )  # fmt: skip


def test_counts_are_signed_and_absolute() -> None:
    assert plain(scores(PRED, TRUE).count) == {"n_true": 2, "n_pred": 3, "signed_error": 0.5, "absolute_error": 0.5}
    assert plain(scores(TRUE, PRED).count) == pytest.approx({"n_true": 3, "n_pred": 2, "signed_error": -1 / 3, "absolute_error": 1 / 3})


@pytest.mark.parametrize(
    ("pred", "true", "precision", "recall"),
    [
        pytest.param(TRUE, TRUE, 1.0, 1.0, id="itself"),
        pytest.param(np.ones((4, 6)), TRUE, (4 / 24 + 6 / 24) / 2, 1.0, id="one region over everything"),
        pytest.param(np.arange(1, 25).reshape(4, 6), TRUE, 1.0, (1 / 4 + 1 / 6) / 2, id="one region per pixel"),
        pytest.param([[1, 1, 0, 0]], [[1, 1, 0, 2]], 0.5, 0.5, id="a true tile without overlap counts 0 in both"),
        pytest.param([[5, 5, 6, 6]], [[0, 1, 1, 0]], 0.5, 0.5, id="equal overlaps of equal areas"),
        pytest.param([[5, 5, 5, 6]], [[0, 0, 1, 1]], 1.0, 0.5, id="of equal overlaps the smaller prediction"),
        pytest.param([[6, 6, 6, 5]], [[0, 0, 1, 1]], 1.0, 0.5, id="whatever its number"),
        pytest.param([[5, 6, 6, 6]], [[1, 1, 1, 0]], 2 / 3, 2 / 3, id="the largest overlap, not the best fit"),
        pytest.param([[8, 8, 8, 8]], [[1, 1, 2, 2]], 0.5, 1.0, id="one prediction for two tiles"),
    ],
)
def test_tile_precision_and_recall(pred: np.ndarray, true: np.ndarray, precision: float, recall: float) -> None:
    tiles = scores(pred, true).tiles
    assert (tiles.precision, tiles.recall) == pytest.approx((precision, recall))


def test_a_perfect_prediction() -> None:
    evaluation = scores(TRUE, TRUE)
    assert evaluation.tiles.cnt == 0
    assert set(plain(evaluation.pixels).values()) == {1.0}
    instances = evaluation.instances
    assert instances.f1_50 == instances.f1_75 == instances.mean_f1 == instances.panoptic_quality == 1.0
    assert evaluation.boundary.f == 1.0


@pytest.mark.parametrize(
    ("pred", "true", "f1_50", "recognition"),
    [
        pytest.param([[1, 1]], [[1, 2]], 2 / 3, 0.0, id="one prediction over two halves matches one of them"),
        pytest.param([[1, 2]], [[1, 1]], 2 / 3, 0.0, id="two predictions in one matches one of them"),
        # IoU exactly 0.5 along a chain: a greedy choice of the middle pair would leave one match
        pytest.param([[1, 1, 1, 2, 2, 2]], [[0, 1, 1, 1, 2, 2]], 1.0, 0.5, id="largest set of matches"),
        pytest.param([[1, 1, 1, 0]], [[1, 1, 1, 1]], 1.0, 1.0, id="IoU 0.75 is a match"),
    ],
)
def test_matching_at_half(pred: list[list[int]], true: list[list[int]], f1_50: float, recognition: float) -> None:
    instances = scores(pred, true).instances
    assert (instances.f1_50, instances.recognition_quality) == pytest.approx((f1_50, recognition))


def test_a_threshold_is_met_exactly() -> None:
    true = np.ones((1, 20), dtype=int)
    pred = np.ones((1, 20), dtype=int)
    pred[0, :9] = 0  # IoU 11/20 = 0.55: a match at 0.5 and 0.55 only
    assert scores(pred, true).instances.mean_f1 == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("pred", "true", "splits", "merges"),
    [
        pytest.param([[1, 1, 1, 2, 2, 2]], [[3, 3, 3, 3, 3, 3]], 1, 0, id="one true, two predicted"),
        pytest.param([[3, 3, 3, 3, 3, 3]], [[1, 1, 1, 2, 2, 2]], 0, 1, id="two true, one predicted"),
        pytest.param([[1, 1, 1, 1, 2, 2]], [[3, 3, 3, 4, 4, 4]], 0, 0, id="a moved joint is neither"),
        pytest.param([[1, 1, 1, 1, 1, 2]], [[3, 3, 3, 3, 3, 3]], 1, 0, id="a crumb splits"),
        pytest.param([[1, 1, 2, 2, 0, 0]], [[3, 3, 3, 0, 0, 0]], 0, 0, id="exactly half inside does not count"),
        pytest.param([[1, 1, 2, 2, 3, 3]], [[4, 4, 4, 4, 4, 4]], 1, 0, id="in three is one split"),
        pytest.param([[1, 1, 2, 3, 3, 3]], [[4, 4, 4, 5, 6, 6]], 1, 1, id="both"),
    ],
)
def test_splits_and_merges(pred: list[list[int]], true: list[list[int]], splits: int, merges: int) -> None:
    instances = scores(pred, true).instances
    assert (instances.splits, instances.merges) == (splits, merges)


def test_outline_runs_between_touching_tesserae_but_not_along_the_edge() -> None:
    labels = label_map([[1, 1, 1, 2, 2, 2], [1, 1, 1, 2, 2, 2], [0, 0, 0, 2, 2, 2]])
    assert outline_pixels(labels).astype(int).tolist() == [[0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0], [0, 0, 0, 1, 0, 0]]


@pytest.mark.parametrize(
    ("tolerance_px", "precision", "recall"),
    [
        pytest.param(0.0, 0.0, 0.0, id="none"),
        pytest.param(1.0, 0.5, 0.5, id="one pixel"),
        pytest.param(2.0, 1.0, 1.0, id="two pixels"),
    ],
)
def test_boundary_of_a_joint_moved_by_two(tolerance_px: float, precision: float, recall: float) -> None:
    true, pred = [[1, 1, 1, 2, 2, 2, 2, 2]], [[1, 1, 1, 1, 1, 2, 2, 2]]  # outlines at columns 2, 3 and 4, 5
    boundary = scores(pred, true, tolerance_px=tolerance_px).boundary
    assert plain(boundary) == {
        "precision": precision, "recall": recall, "f": precision, "tolerance_px": tolerance_px,
    }  # fmt: skip


@pytest.mark.parametrize("radius_px", [0.0, 0.9, 1.0, 1.5, 2.0, 2.9, 3.0, 20.0])
def test_widen_is_a_euclidean_disc(radius_px: float) -> None:
    mask = np.zeros((9, 12), dtype=bool)
    mask[2, 3] = mask[8, 11] = mask[0, 9] = True
    rows, columns = np.mgrid[:9, :12]
    near = [(rows - y) ** 2 + (columns - x) ** 2 <= radius_px**2 for y, x in np.argwhere(mask)]
    np.testing.assert_array_equal(widen(mask, radius_px), np.any(near, axis=0))


@pytest.mark.parametrize("tolerance_px", [-1.0, NAN, math.inf])
def test_a_tolerance_that_is_none_is_refused(tolerance_px: float) -> None:
    with pytest.raises(ValueError, match="at least 0"):
        scores(TRUE, TRUE, tolerance_px=tolerance_px)


EMPTY = [[0, 0, 0]]
ONE = [[0, 1, 0]]


@pytest.mark.parametrize(
    ("pred", "true", "pixel", "instance", "tile", "error"),
    [
        # pixel and instance: precision, recall, F; tile: precision, recall, F, Cnt
        pytest.param(EMPTY, ONE, (NAN, 0, 0), (NAN, 0, 0), (0, 0, 0, 1), -1, id="empty prediction"),
        pytest.param(ONE, EMPTY, (0, NAN, 0), (0, NAN, 0), (NAN, NAN, NAN, NAN), NAN, id="empty truth"),
        pytest.param(EMPTY, EMPTY, (NAN,) * 3, (NAN,) * 3, (NAN,) * 4, NAN, id="both empty"),
    ],
)
def test_empty_maps(pred: list[list[int]], true: list[list[int]], pixel: tuple, instance: tuple, tile: tuple, error: float) -> None:
    found = scores(pred, true)
    assert (found.pixels.precision, found.pixels.recall, found.pixels.dice) == pytest.approx(pixel, nan_ok=True)
    for f1, precision, recall in (("f1_50", "precision_50", "recall_50"), ("f1_75", "precision_75", "recall_75")):
        figures = tuple(getattr(found.instances, name) for name in (precision, recall, f1))
        assert figures == pytest.approx(instance, nan_ok=True)
    assert (found.instances.mean_f1, found.instances.panoptic_quality) == pytest.approx((instance[2],) * 2, nan_ok=True)
    assert math.isnan(found.instances.segmentation_quality)
    assert tuple(plain(found.tiles).values()) == pytest.approx(tile, nan_ok=True)
    assert found.count.signed_error == pytest.approx(error, nan_ok=True)
    boundary = (found.boundary.precision, found.boundary.recall, found.boundary.f)
    assert boundary == pytest.approx(pixel, nan_ok=True)
    assert (found.instances.splits, found.instances.merges) == (0, 0)


def test_accuracy_of_two_empty_maps_is_whole() -> None:
    assert scores(EMPTY, EMPTY).pixels.accuracy == 1.0


def test_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(TruthError, match=r"label map is 3 x 1 pixels.*truth 6 x 4"):
        scores(EMPTY, TRUE)


def test_what_is_no_label_map_is_refused() -> None:
    with pytest.raises(LabelMapError):
        evaluate(np.zeros((4, 6), dtype=np.float64), LabelTruth(label_map(TRUE)))


def test_as_dict_is_plain_json_with_none_for_missing() -> None:
    found = scores(EMPTY, ONE).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["truth"] == "label map"
    assert found["pixels"]["precision"] is None
    assert found["pixels"]["recall"] == 0
    assert found["points"] is None
    assert found["notes"] == []


def test_text_shows_a_missing_figure_as_a_dash_and_the_notes() -> None:
    found = replace(scores(EMPTY, ONE), notes=("Touching tesserae count as one.",))
    lines = format_evaluation(found).splitlines()
    assert lines[:2] == ["truth: label map", "count: 0 predicted, 1 true, error -100.0 %"]
    pixels = lines.index("pixels")
    assert lines[pixels + 3].split() == ["precision", "-"]
    assert lines[pixels + 4].split() == ["recall", "0.0", "%"]
    assert "  tolerance               2 px" in lines
    assert "  f1 at IoU 0.50          0.0 %" in lines
    assert "  splits                  0" in lines
    assert lines[-1] == "Note: Touching tesserae count as one."
    assert "points" not in lines


# -- properties -------------------------------------------------------------------------------------------------------

small_maps = arrays(np.int32, (4, 5), elements=st.integers(0, 4))
few = settings(max_examples=60, deadline=None)


def as_numbers(evaluation: Evaluation) -> list[float]:
    parts = (evaluation.pixels, evaluation.tiles, evaluation.instances, evaluation.boundary)
    return [value for part in parts for value in plain(part).values()]


@few
@given(small_maps, small_maps, st.permutations([3, 70, 500, 2_000_000_000]), st.permutations([1, 2, 3, 4]))
def test_numbers_of_labels_do_not_matter(pred: np.ndarray, true: np.ndarray, new_pred: list, new_true: list) -> None:
    renamed = scores(np.array([0, *new_pred])[pred], np.array([0, *new_true])[true])
    assert as_numbers(renamed) == pytest.approx(as_numbers(scores(pred, true)), nan_ok=True)


@few
@given(small_maps, small_maps)
def test_a_swap_of_the_maps_swaps_the_scores(pred: np.ndarray, true: np.ndarray) -> None:
    there, back = scores(pred, true), scores(true, pred)
    for name in ("f1_50", "f1_75", "mean_f1", "panoptic_quality"):
        assert getattr(there.instances, name) == pytest.approx(getattr(back.instances, name), nan_ok=True)
    assert there.instances.precision_50 == pytest.approx(back.instances.recall_50, nan_ok=True)
    assert (there.instances.splits, there.instances.merges) == (back.instances.merges, back.instances.splits)
    assert there.pixels.iou == pytest.approx(back.pixels.iou, nan_ok=True)
    assert there.boundary.f == pytest.approx(back.boundary.f, nan_ok=True)


@few
@given(small_maps, small_maps)
def test_matches_are_those_of_an_optimal_assignment(pred: np.ndarray, true: np.ndarray) -> None:
    masks_pred = [pred == label for label in np.unique(pred[pred > 0])]
    masks_true = [true == label for label in np.unique(true[true > 0])]
    iou = np.array([[(p & t).sum() / (p | t).sum() for p in masks_pred] for t in masks_true])
    iou = iou.reshape(len(masks_true), len(masks_pred))
    f1 = []
    for threshold in (0.5, 0.75):
        good = iou >= threshold
        matched = good[linear_sum_assignment(good, maximize=True)].sum()
        total = len(masks_pred) + len(masks_true)
        f1.append(2 * matched / total if total else NAN)
    instances = scores(pred, true).instances
    assert (instances.f1_50, instances.f1_75) == pytest.approx(tuple(f1), nan_ok=True)


# -- marked points ----------------------------------------------------------------------------------------------------

# A map of 60 x 50 with a crop of 30 px at (10, 8) and tesserae of 6 px: 3 px at the crop's edge are not judged.


def marked(points_xy: list[list[float]], ignore_xy: tuple = ()) -> PointTruth:
    points = np.asarray(points_xy, dtype=np.float64).reshape(-1, 2)
    return PointTruth(10, 8, 30, 6.0, points, tuple(np.asarray(corners, dtype=np.float64) for corners in ignore_xy))


def stones(*boxes_xy: tuple[int, int, int, int]) -> np.ndarray:
    """A map with one tessera per box (x0, y0, x1, y1), half open, in crop pixels; numbered 11, 22, 33 ..."""
    labels = np.zeros((50, 60), dtype=np.int32)
    for number, (x0, y0, x1, y1) in enumerate(boxes_xy, 1):
        labels[8 + y0 : 8 + y1, 10 + x0 : 10 + x1] = 11 * number
    return labels


LEFT, RIGHT = (4, 4, 10, 10), (12, 4, 18, 10)
BOTH = (4, 4, 18, 10)
TWO_MARKS = [[6.5, 6.5], [14.5, 6.5]]
HIDE_RIGHT = [[11, 3], [19, 3], [19, 11], [11, 11]]


@pytest.mark.parametrize(
    ("labels", "truth", "counts", "expected"),
    [
        # counts: predicted, true; expected: precision, recall, F1, hits, found, merged, missed
        pytest.param(stones(LEFT, RIGHT), marked(TWO_MARKS), (2, 2), (1, 1, 1, 2, 2, 0, 0), id="hits"),
        pytest.param(stones(BOTH), marked(TWO_MARKS), (1, 2), (0, 0, 0, 0, 0, 1, 0), id="merged"),
        pytest.param(stones(LEFT), marked(TWO_MARKS), (1, 2), (1, 0.5, 2 / 3, 1, 1, 0, 1), id="missed"),
        pytest.param(stones(LEFT, RIGHT), marked(TWO_MARKS[:1]), (2, 1), (0.5, 1, 2 / 3, 1, 1, 0, 0), id="false"),
        pytest.param(stones((4, 4, 7, 10), (7, 4, 10, 10)), marked([[6.5, 6.5]]), (2, 1), (0.5, 1, 2 / 3, 1, 1, 0, 0), id="split"),
        pytest.param(stones(LEFT, RIGHT), marked(TWO_MARKS, (HIDE_RIGHT,)), (1, 1), (1, 1, 1, 1, 1, 0, 0), id="ignored, found"),
        pytest.param(stones(LEFT), marked(TWO_MARKS, (HIDE_RIGHT,)), (1, 1), (1, 1, 1, 1, 1, 0, 0), id="ignored, not found"),
        # the merged piece's interior point (6, 6) is outside the polygon; of its marks one is left
        pytest.param(
            stones(BOTH),
            marked(TWO_MARKS, (HIDE_RIGHT,)),
            (1, 1),
            (1, 1, 1, 1, 1, 0, 0),
            id="ignored marks never merge",
        ),
        pytest.param(
            stones((0, 4, 6, 10), RIGHT),
            marked([[2.9, 6], [14.5, 6.5]]),
            (1, 1),
            (1, 1, 1, 1, 1, 0, 0),
            id="border: neither piece nor mark judged",
        ),
        pytest.param(stones((1, 4, 7, 10)), marked([[3.0, 6.0]]), (1, 1), (1, 1, 1, 1, 1, 0, 0), id="border: from 3 px on judged"),
        pytest.param(
            stones((24, 4, 30, 10)),
            marked([[26.9, 6.0]]),
            (1, 1),
            (1, 1, 1, 1, 1, 0, 0),
            id="border: below 27 px judged",
        ),
        pytest.param(stones((25, 4, 31, 10)), marked([[27.0, 6.0]]), (0, 0), (NAN, NAN, NAN, 0, 0, 0, 0), id="border: 27 px not"),
        pytest.param(
            stones((1, 4, 12, 10)),
            marked([[2, 6], [8, 6]]),
            (1, 1),
            (0, 0, 0, 0, 0, 1, 0),
            id="a border mark still merges",
        ),
        pytest.param(stones(), marked(TWO_MARKS), (0, 2), (NAN, 0, 0, 0, 0, 0, 2), id="empty prediction"),
        pytest.param(stones(LEFT), marked([]), (1, 0), (0, NAN, 0, 0, 0, 0, 0), id="no marks"),
        pytest.param(stones(), marked([]), (0, 0), (NAN, NAN, NAN, 0, 0, 0, 0), id="both empty"),
    ],
)
def test_point_scores(labels: np.ndarray, truth: PointTruth, counts: tuple, expected: tuple) -> None:
    found = evaluate(labels, truth)
    assert (found.count.n_pred, found.count.n_true) == counts
    assert tuple(plain(found.points).values()) == pytest.approx(expected, nan_ok=True)
    assert (found.truth, found.pixels, found.tiles, found.instances, found.boundary) == ("points", *[None] * 4)


def test_of_equally_deep_pixels_the_first_in_reading_order_decides() -> None:
    bar = stones((1, 4, 20, 9))  # its deepest row runs from (3, 6) to (17, 6): judged by (3, 6)
    assert evaluate(bar, marked([[10.0, 6.0]])).count.n_pred == 1
    assert evaluate(stones((0, 4, 19, 9)), marked([[10.0, 6.0]])).count.n_pred == 0


def test_a_crop_at_the_corner_of_the_map() -> None:
    labels = np.zeros((12, 12), dtype=np.int32)
    labels[3:9, 3:9] = 7
    truth = PointTruth(0, 0, 12, 6.0, np.array([[5.0, 5.0], [12.0, 12.0]]))
    assert evaluate(labels, truth).points.hits == 1


def test_a_crop_beyond_the_map_is_refused_with_both_sizes() -> None:
    with pytest.raises(TruthError, match=r"reaches to 40 x 38 pixels.*label map is 39 x 38"):
        evaluate(np.zeros((38, 39), dtype=np.int32), marked(TWO_MARKS))


def test_text_of_point_scores() -> None:
    lines = format_evaluation(evaluate(stones(LEFT), marked(TWO_MARKS))).splitlines()
    assert lines[:2] == ["truth: points", "count: 1 predicted, 2 true, error -50.0 %"]
    assert "  missed                  1" in lines
    assert "pixels" not in lines
