"""The figures of a fine-tune in plain language: their names, what they say, curves over the epochs, and tables of before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from tesserae.training.journal import Epoch


@dataclass(frozen=True)
class Figure:
    """A figure for people: key in the journal, title, two words on what it says, colour of its curve."""

    key: str
    title: str
    meaning: str
    colour: str


# Colours of Okabe and Ito (2008), which people with any colour vision tell apart.
LOSSES = (
    Figure("total", "All together", "what it gets wrong; lower is better", "#8c8c8c"),
    Figure("mask", "Outlines", "how far outlines are off", "#d55e00"),
    Figure("dice", "Outlines (Dice)", "how far outlines are off", "#d55e00"),
    Figure("score", "Score", "how wrongly it judges its own outlines", "#0072b2"),
    Figure("finder", "Finder", "stones overlooked or invented", "#009e73"),
)
CHECKS = (
    Figure("f_measure", "F-measure", "each stone covered, joints free", "#d55e00"),
    Figure("mean_f1", "Mean F1", "stones found, outlines right", "#0072b2"),
    Figure("pixel_iou", "Area (IoU)", "stone told from joint", "#009e73"),
    Figure("abs_count_error", "Count error", "count off; lower is better", "#cc79a7"),
)
_TABLE = (
    ("count_error", "Count error", True),
    ("f1_50", "Stones found (F1)", False),
    ("mean_f1", "Outlines (mean F1)", False),
    ("pixel_iou", "Area (IoU)", False),
    ("f_measure", "F-measure", False),
)
_MEAN = "mean of all"
_NO_BREAK = "\u00a0"  # where no line may end


def loss_chart(epochs: Sequence[Epoch], most_epochs: int) -> go.Figure:
    """Losses over the epochs; the base, epoch 0, has none."""
    return _chart(LOSSES, [(epoch.epoch, epoch.loss) for epoch in epochs if epoch.loss], most_epochs, "Loss")


def check_chart(epochs: Sequence[Epoch], most_epochs: int) -> go.Figure:
    """Figures on the mosaics that are kept apart, in percent, from the base on."""
    rows = [(epoch.epoch, {key: value and 100 * value for key, value in epoch.validation.items()}) for epoch in epochs]
    return _chart(CHECKS, rows, most_epochs, "Percent")


def explain(figures: Sequence[Figure], shown: Mapping[str, object]) -> str:
    """What each figure that there is says, in two words, as Markdown."""
    return " · ".join(f"**{figure.title}**: {figure.meaning}" for figure in figures if shown.get(figure.key) is not None)


def before_after(validation: Mapping[str, Any], before: str, after: str) -> pd.DataFrame:
    """A row per mosaic and one for their mean, with each figure of two models as "before → after"; a missing figure is a dash."""
    old, new = validation[before], validation[after]
    rows = {mosaic: (old["per_mosaic"][mosaic], figures) for mosaic, figures in new["per_mosaic"].items()}
    if len(rows) > 1:
        rows[_MEAN] = old["mean"], new["mean"]
    return pd.DataFrame([_row(mosaic, *pair) for mosaic, pair in rows.items()])


def _row(mosaic: str, old: Mapping[str, float | None], new: Mapping[str, float | None]) -> dict[str, str]:
    cells = {
        "Mosaic": mosaic,
        "Tesserae": _number(new["true_count"]),
        "Found": f"{_number(old['found_count'])}{_NO_BREAK}→ {_number(new['found_count'])}",
    }
    return cells | {title: f"{_share(old[key], signed)}{_NO_BREAK}→ {_share(new[key], signed)}" for key, title, signed in _TABLE}


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _share(value: float | None, signed: bool) -> str:
    return "–" if value is None else f"{100 * value:{'+' if signed else ''}.1f}{_NO_BREAK}%"


def _chart(figures: Sequence[Figure], rows: Sequence[tuple[int, Mapping[str, float | None]]], most_epochs: int, axis: str) -> go.Figure:
    chart = go.Figure()
    for figure in figures:
        points = [(epoch, values[figure.key]) for epoch, values in rows if values.get(figure.key) is not None]
        if points:
            x, y = zip(*points, strict=True)
            hover = f"{figure.title}: %{{y:.3g}}, round %{{x}}<extra></extra>"
            line = {"color": figure.colour, "width": 2}
            chart.add_scatter(x=x, y=y, name=figure.title, mode="lines+markers", line=line, hovertemplate=hover, cliponaxis=False)
    chart.update_layout(
        height=300,
        margin={"l": 0, "r": 8, "t": 56, "b": 0},  # two rows of names above
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.06, "x": 0},
        showlegend=True,
        xaxis={"title": "Round", "range": [-0.3, most_epochs + 0.3], "dtick": max(1, most_epochs // 10), "showgrid": False},
        yaxis={"title": axis, "rangemode": "tozero"},
    )
    return chart
