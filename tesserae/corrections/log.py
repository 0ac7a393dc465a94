"""The correction log as text: one JSON object per line and entry, read strictly, replayed in order.

An entry is a correction, or the undoing or redoing of one; entries are only ever added at the end. docs/corrections.md shows a line of
every operation.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from tesserae.corrections.fields import READERS, read_object, read_text, read_time, refuse, written
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
from tesserae.corrections.patches import Pixels
from tesserae.corrections.replay import Change, CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.labelmap import count_tesserae


@dataclass(frozen=True)
class Undo:
    """Take back the last correction that is in force."""


@dataclass(frozen=True)
class Redo:
    """Make the correction again that was undone last."""


Action: TypeAlias = Correction | Undo | Redo


@dataclass(frozen=True)
class Entry:
    """A line of the log.

    Attributes:
        correction: what was done.
        author: by whom, empty where it is not known.
        at: when, None where it is not known.
    """

    correction: Action
    author: str = ""
    at: datetime | None = None


_CORRECTIONS = (Add, Delete, Merge, Split, Paint, Erase, Replace, Mortar, Ignore, Approve, Several)
_ACTIONS: Mapping[str, type[Any]] = {each.__name__.lower(): each for each in (*_CORRECTIONS, Undo, Redo)}


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """The object of an entry's line: "op", the fields of the operation that are given, "author" and "at" where they are known."""
    signed = {"author": entry.author} if entry.author else {}
    dated = {} if entry.at is None else {"at": entry.at.isoformat()}
    return _action_to_json(entry.correction) | signed | dated


def entry_from_json(line: Mapping[str, Any]) -> Entry:
    """The entry of a line's object; raises CorrectionError when it is none."""
    action = _action_from_json({name: value for name, value in line.items() if name not in ("author", "at")})
    author = read_text(line["author"], "author") if "author" in line else ""
    return Entry(action, author, read_time(line["at"], "at") if "at" in line else None)


def read_log(path: Path) -> list[Entry]:
    """Read a log; empty lines are skipped.

    Raises CorrectionError when the file is missing or no text, and, with the number of the line, when a line is not an entry.
    """
    return [entry for _, entry in _numbered_entries(path)]


def replay(labels: Pixels, entries: Iterable[Entry]) -> CorrectedMap:
    """Make all entries over a copy of a label map (H, W); raises CorrectionError at the first that cannot be made."""
    corrected = CorrectedMap.of(labels)
    for number, entry in enumerate(entries, 1):
        with _named(f"Entry {number}"):
            play(corrected, entry.correction)
    return corrected


def replay_log(labels: Pixels, path: Path) -> CorrectedMap:
    """Make all lines of a log over a copy of a label map (H, W); raises CorrectionError, with its number, at the first bad line."""
    corrected = CorrectedMap.of(labels)
    for number, entry in _numbered_entries(path):
        with _named(f"Line {number}"):
            play(corrected, entry.correction)
    return corrected


def play(corrected: CorrectedMap, action: Action) -> Change:
    """Make a correction, or undo or redo one; raises CorrectionError when it cannot be made."""
    if isinstance(action, Undo):
        return corrected.undo()
    if isinstance(action, Redo):
        return corrected.redo()
    return corrected.apply(action)


def describe_replay(labels: Pixels, corrected: CorrectedMap) -> str:
    """How many tesserae there are before and after, as a sentence; `labels` (H, W) is the map before."""
    before, steps = count_tesserae(labels), corrected.done
    noun, kind = "tessera" if before == 1 else "tesserae", "correction" if steps == 1 else "corrections"
    return f"{before:,} {noun} before, {corrected.count:,} after {steps:,} {kind}."


def _action_to_json(action: Action) -> dict[str, Any]:
    given = {each.name: getattr(action, each.name) for each in fields(action)}
    if isinstance(action, Several):
        given["corrections"] = [_action_to_json(each) for each in action.corrections]
    return {"op": type(action).__name__.lower()} | {name: written(value) for name, value in given.items() if value is not None}


def _action_from_json(line: Mapping[str, Any]) -> Any:
    op = line.get("op")
    if not isinstance(op, str) or op not in _ACTIONS:
        refuse("op", f"one of {', '.join(_ACTIONS)}", op)
    known = {each.name: each.default is MISSING for each in fields(_ACTIONS[op])}
    given = {name: value for name, value in line.items() if name != "op"}
    unknown = sorted(set(given) - set(known))
    missing = [name for name, needed in known.items() if needed and name not in given]
    if unknown or missing:
        wrong = f"found '{unknown[0]}', which it has not" if unknown else f"'{missing[0]}' is missing"
        raise CorrectionError(f"The operation '{op}' has the fields {', '.join(known) or 'op only'}; {wrong}.")
    return _ACTIONS[op](**{name: _read_field(name, value) for name, value in given.items()})


def _read_field(name: str, value: object) -> Any:
    if name != "corrections":
        return READERS[name](value, name)
    if not isinstance(value, list):
        refuse(name, "a list of corrections", value)
    return tuple(_read_part(each) for each in value)


def _read_part(value: object) -> Any:
    part = _action_from_json(read_object(value, "corrections"))
    return part if isinstance(part, _CORRECTIONS) else refuse("corrections", "a list of corrections, without undo and redo", value)


def _numbered_entries(path: Path) -> Iterator[tuple[int, Entry]]:
    for number, line in enumerate(_read_text_file(path).split("\n"), 1):
        if line.strip():
            with _named(f"Line {number}"):
                entry = entry_from_json(_parsed(line))
            yield number, entry


def _read_text_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise CorrectionError(f"There is no correction log at {path}. Check the path.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CorrectionError(f"{path} cannot be read as a correction log, a text of one JSON object per line ({error}).") from error


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line, parse_constant=_refuse_constant, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        raise CorrectionError(f"Expected one JSON object, found text that is not ({error}).") from error
    return parsed if isinstance(parsed, dict) else refuse("line", "one JSON object", parsed)


def _refuse_constant(text: str) -> float:
    raise CorrectionError(f"Numbers are finite, found {text}.")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise CorrectionError(f"Each field is given once, found one twice among {', '.join(name for name, _ in pairs)}.")
    return read


@contextmanager
def _named(place: str) -> Iterator[None]:
    """Say in errors where in the log they arose."""
    try:
        yield
    except CorrectionError as error:
        raise CorrectionError(f"{place}: {error}") from error
