"""Which of two results is nearer to the truth: their evaluations figure by figure, with the better one marked, and in sentences.

Beside the figures stand those of the paper that the fine-tuning follows (Kapelonis et al., IEEE IST 2025), where it gives them. They were
measured on its own photos: a yardstick for what fine-tuning brings, not a mark to be reached here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from tesserae.evaluation import Evaluation

Better = Literal["a", "b", ""]


@dataclass(frozen=True)
class _Figure:
    """A figure of an evaluation.

    Attributes:
        path: section and name in `Evaluation`.
        name, meaning: for people.
        aim: which value is better.
        is_share: shown in percent; else a number of tesserae.
        published: of the baseline and of the fine-tuned model in the paper; None where it gives none.
    """

    path: tuple[str, str]
    name: str
    meaning: str
    aim: Literal["high", "low", "zero"] = "high"
    is_share: bool = True
    published: tuple[float, float] | None = None


_FIGURES = (
    _Figure(("count", "signed_error"), "Count error", "How far the count is off; + is too many", "zero"),
    _Figure(("tiles", "cnt"), "Count error, unsigned", "The same without its sign, as published (Cnt)", "low", published=(0.20, 0.02)),
    _Figure(("instances", "recall_50"), "Tesserae found", "Share of the true tesserae that were found (recall at IoU 0.5)"),
    _Figure(("instances", "precision_50"), "Tesserae that are real", "Share of what was found that is a tessera (precision at IoU 0.5)"),
    _Figure(("instances", "f1_50"), "F1 at IoU 0.5", "Both of these in one figure"),
    _Figure(("instances", "f1_75"), "F1 at IoU 0.75", "The same, asking for a better outline"),
    _Figure(("instances", "mean_f1"), "Mean F1", "Mean of F1 from loose to strict outlines (IoU 0.5 to 0.95)"),
    _Figure(("instances", "panoptic_quality"), "Panoptic quality", "Finding and outlining in one figure"),
    _Figure(("instances", "splits"), "Tesserae divided", "True tesserae that were taken for several", "low", is_share=False),
    _Figure(("instances", "merges"), "Tesserae joined", "Outlines that hold several true tesserae", "low", is_share=False),
    _Figure(("pixels", "iou"), "Area, IoU", "Stone that both agree on, of all that either calls stone", published=(0.89, 0.9102)),
    _Figure(("pixels", "recall"), "Area covered", "Share of the true stone that is covered (recall)", published=(0.9212, 0.9589)),
    _Figure(("pixels", "precision"), "Area that is stone", "Share of the covered area that is stone and not joint (precision)"),
    _Figure(("pixels", "dice"), "Area, Dice", "Both of these in one figure"),
    _Figure(("pixels", "accuracy"), "Pixels right", "Share of all pixels, stone or joint, that are right"),
    _Figure(("tiles", "precision"), "Per tessera, precision", "Mean over true tesserae of the share of its outline that is right"),
    _Figure(("tiles", "recall"), "Per tessera, recall", "Mean over true tesserae of the share of it that is covered"),
    _Figure(("tiles", "f"), "Per tessera, F", "Both of these in one figure, as published (F)"),
    _Figure(("boundary", "f"), "Outlines, F", "How well outlines agree within the tolerance"),
    _Figure(("points", "recall"), "Marks found", "Share of the marked tesserae that were found, each by an outline of its own"),
    _Figure(("points", "precision"), "Outlines with one mark", "Share of the outlines that hold exactly one mark"),
    _Figure(("points", "f1"), "F1 of the marks", "Both of these in one figure"),
    _Figure(("points", "merged"), "Outlines with several marks", "Tesserae that were taken for one", "low", is_share=False),
    _Figure(("points", "missed"), "Marks on mortar", "Marked tesserae that were overlooked", "low", is_share=False),
)


def compare_scores(a: Evaluation, b: Evaluation) -> pd.DataFrame:
    """Set two evaluations against the same truth beside each other.

    Returns one row per figure that this kind of truth gives: section, name (in `Evaluation`), figure, meaning (words for people), a, b (NaN
    where missing), is_share (to be shown in percent), better ("a", "b", or "" where they agree as far as shown, or one is missing), and
    published_baseline, published_finetuned (NaN where the paper gives none).
    """
    rows = []
    for figure in _FIGURES:
        section, name = figure.path
        if getattr(a, section) is None or getattr(b, section) is None:
            continue
        values = float(getattr(getattr(a, section), name)), float(getattr(getattr(b, section), name))
        baseline, finetuned = figure.published or (math.nan, math.nan)
        rows.append((section, name, figure.name, figure.meaning, *values, figure.is_share, _better(figure, *values), baseline, finetuned))
    columns = ["section", "name", "figure", "meaning", "a", "b", "is_share", "better", "published_baseline", "published_finetuned"]
    return pd.DataFrame(rows, columns=columns)


def describe_scores(a: Evaluation, b: Evaluation, name_a: str = "A", name_b: str = "B") -> tuple[str, ...]:
    """Say in sentences which is nearer to the truth, and in what."""
    better = compare_scores(a, b)["better"]
    said = [_describe_verdict(int((better == "a").sum()), int((better == "b").sum()), len(better), name_a, name_b)]
    said += _describe_finding(a, b, name_a, name_b)
    said.append(f"The count of {name_b} is {_off(b.count.signed_error)}, that of {name_a} {_off(a.count.signed_error)}.")
    said += _describe_covering(a, b, name_a, name_b)
    return tuple(said)


def _better(figure: _Figure, value_a: float, value_b: float) -> Better:
    """Which value is better at the precision in which it is shown."""
    if math.isnan(value_a) or math.isnan(value_b):
        return ""
    cost_a, cost_b = (_cost(figure, value) for value in (value_a, value_b))
    if cost_a == cost_b:
        return ""
    return "a" if cost_a < cost_b else "b"


def _cost(figure: _Figure, value: float) -> float:
    shown = round(100 * value, 1) if figure.is_share else value
    return {"high": -shown, "low": shown, "zero": abs(shown)}[figure.aim]


def _describe_verdict(wins_a: int, wins_b: int, total: int, name_a: str, name_b: str) -> str:
    if wins_a == wins_b == 0:
        return f"{name_a} and {name_b} are equally near to the truth in every figure."
    if wins_a == wins_b:
        return f"{name_a} and {name_b} are each better in {wins_a} of {total} figures."
    (most, first), (least, second) = sorted([(wins_a, name_a), (wins_b, name_b)], reverse=True)
    other = f"{second} in {least}" if least else f"{second} in none"
    return f"{first} is nearer to the truth in {most} of {total} figures, {other}."


def _describe_finding(a: Evaluation, b: Evaluation, name_a: str, name_b: str) -> Sequence[str]:
    """How many of the true tesserae were found, and how much of what was found is real."""
    found = [(each.instances.recall_50, each.instances.precision_50) for each in (a, b) if each.instances]
    found += [(each.points.recall, each.points.precision) for each in (a, b) if each.points]
    (recall_a, precision_a), (recall_b, precision_b) = found
    return (
        f"{name_b} finds {_percent(recall_b)} of the true tesserae, {name_a} {_percent(recall_a)}.",
        f"Of what {name_b} outlines, {_percent(precision_b)} are tesserae; of what {name_a} outlines, {_percent(precision_a)}.",
    )


def _describe_covering(a: Evaluation, b: Evaluation, name_a: str, name_b: str) -> Sequence[str]:
    """Whether one covers more of the stone at the price of the joints, as the fine-tuned model of the paper does."""
    if a.pixels is None or b.pixels is None:
        return ()
    for more, less, name in ((b.pixels, a.pixels, name_b), (a.pixels, b.pixels, name_a)):
        if more.recall > less.recall and more.precision < less.precision:
            return (f"{name} covers more of the stone ({_percent(more.recall)}), but paints more over the joints.",)
    return ()


def _off(signed_error: float) -> str:
    if math.isnan(signed_error):
        return "not to be judged"
    if round(100 * signed_error, 1) == 0:
        return "right"
    return f"{_percent(abs(signed_error))} too {'high' if signed_error > 0 else 'low'}"


def _percent(value: float) -> str:
    """0.905 -> "90.5 %"; NaN -> a dash."""
    return "–" if math.isnan(value) else f"{100 * value:.1f} %"
