"""The tools: what each is for, how it is drawn, and which correction a drawing with it means; no Streamlit."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tesserae.corrections.operations import (
    Add,
    Approve,
    Correction,
    Delete,
    Erase,
    Ignore,
    Merge,
    Mortar,
    Paint,
    Replace,
    Split,
)
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.ui.correct.drawing import Drawing

Mode = Literal["freedraw", "line", "rect", "polygon", "point"]
Make = Callable[[CorrectedMap, Drawing, float], Correction]


@dataclass(frozen=True)
class Tool:
    """One tool of the palette.

    Attributes:
        name: its key in the session.
        group: the row of the palette it stands in.
        title, help: what the palette calls it, and one line on how it is used.
        mode: how the canvas lets it be drawn.
        make: the correction that a drawing means, from the present map, the drawing, and the brush width in photo pixels; None for tools
            that ask the model, whose mask is looked at before it is taken.
        brush: whether it has a width.
    """

    name: str
    group: str
    title: str
    help: str
    mode: Mode
    make: Make | None
    brush: bool = False


def label_at(corrected: CorrectedMap, x: float, y: float) -> int:
    """The tessera at a photo point; 0 on mortar and outside the photo."""
    height, width = corrected.labels.shape
    return int(corrected.labels[int(y), int(x)]) if 0 <= x < width and 0 <= y < height else 0


def _tessera_at(corrected: CorrectedMap, drawing: Drawing) -> int:
    label = label_at(corrected, *drawing.first_xy)
    if not label:
        raise CorrectionError("There is no tessera where you clicked, only mortar. Click inside of one.")
    return label


def _most_covered(corrected: CorrectedMap, drawing: Drawing) -> int:
    """The tessera that has most pixels in the box of a drawing: the one that a new outline is meant for."""
    height, width = corrected.labels.shape
    x0, y0, x1, y1 = drawing.box_xyxy
    inside = corrected.labels[max(0, y0) : min(height, y1), max(0, x0) : min(width, x1)]
    labels, pixels = np.unique(inside[inside > 0], return_counts=True)
    if not len(labels):
        raise CorrectionError("There is no tessera where you drew, only mortar. Use “Draw an outline” to add a new one.")
    return int(labels[np.argmax(pixels)])


def _erase(_corrected: CorrectedMap, drawing: Drawing, width_px: float) -> Correction:
    return Erase(drawing.points_xy, width_px)


def _paint(corrected: CorrectedMap, drawing: Drawing, width_px: float) -> Correction:
    """A stroke that begins in a tessera widens it; one that begins on mortar is a new one."""
    return Paint(drawing.points_xy, width_px, label_at(corrected, *drawing.first_xy) or None)


TOOLS = (
    Tool("click", "Add", "Click a stone", "Click into a stone that was missed; the model proposes its outline.", "point", None),
    Tool("box", "Add", "Box a stone", "Draw a box around a stone that was missed; the model proposes its outline.", "rect", None),
    Tool("outline", "Add", "Draw an outline", "Draw around a stone in one stroke.", "freedraw", lambda _, d, __: Add(d.points_xy)),
    Tool(
        "corners", "Add", "Set corners", "Click from corner to corner; the first corner again closes it.", "polygon",
        lambda _, d, __: Add(d.points_xy),
    ),
    Tool("delete", "Remove", "Delete one", "Click the tessera that is none.", "point", lambda c, d, _: Delete((_tessera_at(c, d),))),
    Tool(
        "delete box", "Remove", "Delete in a box", "All with half their area in it go.", "rect",
        lambda _, d, __: Delete(box_xyxy=d.box_xyxy),
    ),
    Tool(
        "lasso", "Remove", "Delete in a lasso", "Draw around what is to go.", "freedraw", lambda _, d, __: Delete(polygon_xy=d.points_xy)
    ),
    Tool(
        "merge", "Join and cut", "Join", "Draw a stroke across the pieces of one stone.", "freedraw",
        lambda _, d, __: Merge(line_xy=d.points_xy),
    ),
    Tool("split", "Join and cut", "Cut", "Draw a line across, from joint to joint.", "line", lambda _, d, __: Split(d.points_xy)),
    Tool(
        "halve", "Join and cut", "Cut in two", "Click two stones that were taken for one.", "point",
        lambda c, d, _: Split(label=_tessera_at(c, d)),
    ),
    Tool("paint", "Brush", "Paint", "Begin in a tessera to widen it, or on mortar for a new one.", "freedraw", _paint, brush=True),
    Tool("erase", "Brush", "Erase", "What you brush becomes mortar.", "freedraw", _erase, brush=True),
    Tool(
        "replace", "Brush", "Redraw", "Draw the right outline of a tessera in one stroke.", "freedraw",
        lambda c, d, _: Replace(_most_covered(c, d), d.points_xy),
    ),
    Tool("mortar", "Regions", "Only mortar", "Draw around ground without stones.", "freedraw", lambda _, d, __: Mortar(d.points_xy)),
    Tool(
        "ignore", "Regions", "Unreadable", "Draw around what cannot be told: not counted, not learned from.", "freedraw",
        lambda _, d, __: Ignore(d.points_xy),
    ),
    Tool("approve", "Regions", "Approve", "Draw around what is right now.", "freedraw", lambda _, d, __: Approve(d.points_xy)),
)  # fmt: skip

GROUPS = tuple(dict.fromkeys(tool.group for tool in TOOLS))


def correction_of(tool: Tool, corrected: CorrectedMap, drawing: Drawing, width_px: float) -> Correction:
    """The correction that a drawing with a tool means; raises CorrectionError when it means none, such as a dot drawn as an outline."""
    assert tool.make is not None, tool.name
    return tool.make(corrected, drawing, width_px)
