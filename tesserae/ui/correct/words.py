"""Corrections in words, for the history."""

from collections.abc import Callable, Mapping
from typing import Any

from tesserae.corrections.log import Redo, Undo
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
    Several,
    Split,
)


def in_words(step: Correction | Undo | Redo) -> str:
    """A correction as a short phrase, such as "Joined tesserae 12, 15"."""
    said: str = _PHRASES[type(step)](step)
    return said


def _deletion(step: Delete) -> str:
    if step.labels is not None:
        return f"Deleted {'tessera' if len(step.labels) == 1 else 'tesserae'} {_listed(step.labels)}"
    if step.below_area_px is not None:
        return f"Deleted all below {step.below_area_px:,} pixels"
    return "Deleted by click" if step.points_xy is not None else "Deleted in a box" if step.box_xyxy is not None else "Deleted in a lasso"


def _listed(labels: tuple[int, ...], most: int = 4) -> str:
    shown = ", ".join(str(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more"


_PHRASES: Mapping[type, Callable[[Any], str]] = {
    Undo: lambda _: "Undone",
    Redo: lambda _: "Done again",
    Several: lambda step: f"{step.title} ({len(step.corrections)} corrections)",
    Add: lambda step: "Added a tessera by hand" if step.mask is None else "Added a tessera by the model",
    Delete: _deletion,
    Merge: lambda step: "Joined by a stroke" if step.labels is None else f"Joined tesserae {_listed(step.labels)}",
    Split: lambda step: f"Cut tessera {step.label} in two" if step.line_xy is None else "Cut along a line",
    Paint: lambda step: "Painted a new tessera" if step.label is None else f"Painted into tessera {step.label}",
    Erase: lambda _: "Erased with the brush",
    Replace: lambda step: f"Redrew tessera {step.label}",
    Mortar: lambda _: "Marked a region as mortar",
    Ignore: lambda _: "Marked a region as unreadable",
    Approve: lambda step: "Approved all of it" if step.polygon_xy is None else "Approved a region",
}
