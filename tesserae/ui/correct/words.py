"""Corrections in words, for the history."""

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
    match step:
        case Undo():
            return "Undone"
        case Redo():
            return "Done again"
        case Several(title=title, corrections=corrections):
            return f"{title} ({len(corrections)} corrections)"
        case Add(mask=mask):
            return "Added a tessera by the model" if mask is not None else "Added a tessera by hand"
        case Delete():
            return _deletion(step)
        case Merge(labels=labels):
            return "Joined by a stroke" if labels is None else f"Joined tesserae {_listed(labels)}"
        case Split(label=label, line_xy=line):
            return "Cut along a line" if line is not None else f"Cut tessera {label} in two"
        case Paint(label=label):
            return "Painted a new tessera" if label is None else f"Painted into tessera {label}"
        case Erase():
            return "Erased with the brush"
        case Replace(label=label):
            return f"Redrew tessera {label}"
        case Mortar():
            return "Marked a region as mortar"
        case Ignore():
            return "Marked a region as unreadable"
        case Approve(polygon_xy=polygon):
            return "Approved all of it" if polygon is None else "Approved a region"


def _deletion(step: Delete) -> str:
    if step.labels is not None:
        return f"Deleted {'tessera' if len(step.labels) == 1 else 'tesserae'} {_listed(step.labels)}"
    if step.below_area_px is not None:
        return f"Deleted all below {step.below_area_px:,} pixels"
    return "Deleted by click" if step.points_xy is not None else "Deleted in a box" if step.box_xyxy is not None else "Deleted in a lasso"


def _listed(labels: tuple[int, ...], most: int = 4) -> str:
    shown = ", ".join(str(label) for label in labels[:most])
    return shown if len(labels) <= most else f"{shown} and {len(labels) - most} more"
