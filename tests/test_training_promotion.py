"""The rule by which a new model becomes the default, and its words."""

import math

import numpy as np
import pytest

from tesserae.dataset import Ground
from tesserae.training.figures import MosaicFigures, judge_labels, mean_figures
from tesserae.training.promotion import describe_training, judge


def figures(mean_f1, count_error=0.0, f1_50=0.9):
    return MosaicFigures(100, 100 * (1 + count_error), f1_50, 0.8, mean_f1, 0.8, 0.9, 0.9, 0.9, count_error, abs(count_error))


@pytest.mark.parametrize(
    ("candidate", "rivals", "promoted", "reason"),
    [
        ({"a": figures(0.8)}, {"base": {"a": figures(0.7)}}, True, "Its score is 80.0, against 70.0 of base."),
        ({"a": figures(0.703)}, {"base": {"a": figures(0.7)}}, False, "70.3, that of base 70.0: not better by enough"),
        ({"a": figures(0.8, 0.2)}, {"base": {"a": figures(0.7, -0.01)}}, False, "Its score is 60.0"),
        ({"a": figures(0.8)}, {"base": {"a": figures(0.7)}, "active": {"a": figures(0.81)}}, False, "that of active 81.0"),
        (
            {"a": figures(0.9), "b": figures(0.6, f1_50=0.6)},
            {"base": {"a": figures(0.7), "b": figures(0.7)}},
            False,
            "on b it loses 30.0 points of F1 against base",
        ),
        ({"a": figures(math.nan)}, {"base": {"a": figures(0.7)}}, False, "not better"),
    ],
    ids=["better", "hardly better", "counts worse", "the active one is better", "one mosaic loses", "no figure"],
)
def test_the_rule(candidate, rivals, promoted, reason):
    verdict = judge(candidate, rivals)
    assert verdict.promoted is promoted
    assert reason in verdict.reason


def test_the_record_in_words():
    before, after = {"a": figures(0.7, 0.061), "b": figures(0.7, -0.061)}, {"a": figures(0.8, 0.03, 0.95), "b": figures(0.8, -0.008, 0.95)}
    assert describe_training(3, 1204, before, after, by_blocks=False) == (
        "Trained on 3 mosaics, 1,204 tesserae; on 2 unseen mosaics the count error went from 6.1 % to 1.9 %, and F1 from 90.0 % to 95.0 %."
    )
    assert "on 1 part kept apart" in describe_training(1, 80, {"a": figures(0.7)}, {"a": figures(0.8)}, by_blocks=True)


def test_only_known_ground_is_judged():
    labels = np.zeros((20, 60), np.int32)
    for number, x0 in ((1, 2), (2, 22), (3, 42)):
        labels[4:16, x0 : x0 + 12] = number
    known = np.zeros(labels.shape, bool)
    known[:, :38] = True
    ground = Ground(np.zeros((20, 60, 3), np.uint8), np.where(known, labels, 0), known)
    found = np.where(labels == 2, 0, labels)  # misses the second; the third, which nobody vouches for, is no mistake
    judged = judge_labels(found, ground)
    assert (judged.true_count, judged.found_count, judged.count_error) == (2, 1, -0.5)
    assert judged.f1_50 == pytest.approx(2 / 3)
    assert judged.goodness == pytest.approx(2 / 3 - 0.5)


def test_means_leave_out_what_is_missing():
    mean = mean_figures([figures(0.5, 0.1), figures(math.nan, -0.1)])
    assert mean.mean_f1 == 0.5
    assert mean.count_error == 0
    assert mean.abs_count_error == pytest.approx(0.1)
    assert mean_figures([figures(math.nan)]).as_dict()["mean_f1"] is None
