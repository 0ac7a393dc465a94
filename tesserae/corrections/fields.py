"""Fields of operations as JSON: each is read strictly, by its name, and written so that reading gives the same value again."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NoReturn

import numpy as np

from tesserae.corrections.operations import BoxXYXY, MaskRuns, PointXY
from tesserae.errors import CorrectionError

_LONGEST_QUOTE = 60


def written(value: object) -> Any:
    """A field as JSON types: lists for tuples, an object for a mask; plain numbers for those of numpy."""
    if isinstance(value, MaskRuns):
        return {"box_xyxy": written(value.box_xyxy), "counts": written(value.counts)}
    if isinstance(value, tuple | list):
        return [written(each) for each in value]
    if isinstance(value, Mapping):
        return {name: written(each) for name, each in value.items()}
    return value.item() if isinstance(value, np.generic) else value


def refuse(name: str, expected: str, found: object) -> NoReturn:
    """Raise CorrectionError for a field that is not what it should be."""
    quoted = json.dumps(found, ensure_ascii=False, default=str)
    short = quoted if len(quoted) <= _LONGEST_QUOTE else quoted[:_LONGEST_QUOTE] + "…"
    raise CorrectionError(f"'{name}' is {expected}, found {short}.")


def read_object(value: object, name: str) -> dict[str, Any]:
    """A JSON object."""
    return value if isinstance(value, dict) else refuse(name, "an object {…}", value)


def read_text(value: object, name: str) -> str:
    """A text."""
    return value if isinstance(value, str) else refuse(name, "a text", value)


def read_time(value: object, name: str) -> datetime:
    """A time as ISO 8601 writes it."""
    try:
        return datetime.fromisoformat(read_text(value, name))
    except ValueError:
        refuse(name, 'a time such as "2026-11-26T09:30:00+00:00"', value)


def _read_whole(value: object, name: str) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else refuse(name, "a whole number", value)


def _read_wholes(value: object, name: str) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(isinstance(each, int) and not isinstance(each, bool) for each in value):
        refuse(name, "a list of whole numbers", value)
    return tuple(value)


def _read_number(value: object, name: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        refuse(name, "a number", value)
    try:
        return float(value)
    except OverflowError:
        refuse(name, "a number that is not that large", value)


def _read_points(value: object, name: str) -> tuple[PointXY, ...]:
    if not isinstance(value, list) or not all(isinstance(each, list) and len(each) == 2 for each in value):
        refuse(name, "a list of points [x, y]", value)
    return tuple((_read_number(x, name), _read_number(y, name)) for x, y in value)


def _read_box(value: object, name: str) -> BoxXYXY:
    edges = _read_wholes(value, name)
    if len(edges) != 4:
        refuse(name, "a box [x0, y0, x1, y1]", value)
    return edges[0], edges[1], edges[2], edges[3]


def _read_mask(value: object, name: str) -> MaskRuns:
    parts = read_object(value, name)
    if set(parts) != {"box_xyxy", "counts"}:
        refuse(name, 'an object {"box_xyxy": […], "counts": […]}', value)
    return MaskRuns(_read_box(parts["box_xyxy"], f"{name}.box_xyxy"), _read_wholes(parts["counts"], f"{name}.counts"))


READERS: Mapping[str, Callable[[object, str], Any]] = {
    "polygon_xy": _read_points,
    "points_xy": _read_points,
    "line_xy": _read_points,
    "box_xyxy": _read_box,
    "mask": _read_mask,
    "labels": _read_wholes,
    "label": _read_whole,
    "below_area_px": _read_whole,
    "width_px": _read_number,
    "prompt": read_object,
    "title": read_text,
}
