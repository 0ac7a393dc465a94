"""Measures a label map against what people approved, there alone where they did; knows neither files nor splits."""

from dataclasses import replace

from tesserae.dataset.ground import Labels, Mask, limit_truth
from tesserae.evaluation import Evaluation, evaluate
from tesserae.truth import LabelTruth


def evaluate_within(labels: Labels, truth: Labels, known: Mask) -> Evaluation:
    """Score a label map (H, W) against the truth (H, W) where it is known, bool (H, W), as `dataset.collecting.read_truth` gives both.

    What lies mostly outside is left out, as in the truth; pixels outside are neither right nor wrong. Raises TruthError when the sizes
    differ.
    """
    if labels.shape != truth.shape:
        return evaluate(labels, LabelTruth(truth))  # refuses it in words
    found, judged = limit_truth(labels, known)
    scores = evaluate(found, LabelTruth(truth))
    assert scores.pixels is not None  # a label map gives them
    wrong_px = (1 - scores.pixels.accuracy) * labels.size
    accuracy = 1 - wrong_px / max(1, int(judged.sum()))
    return replace(scores, pixels=replace(scores.pixels, accuracy=accuracy))
