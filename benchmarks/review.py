"""The review queue on synthetic mosaics of unseen seeds: how many of the true mistakes it shows first, against random order.

A queue holds every suggestion, the likeliest mistake first, then the tesserae of which there is nothing to say, by chance. Who looks at the
first 5 % looks at as many places as a twentieth of the tesserae. A mistake is found when a suggestion names one of its tesserae, or, where
one was missed, when the box of a gap holds its deepest point; boxes of large losses, which hold much that is not in them, show nothing.
"""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.mistakes import KINDS, Mistake, find_mistakes
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, figures, mean, summarise
from tesserae.labelmap import present_labels
from tesserae.measure import median_side_px
from tesserae.review import LEAST_SCORE, Suggestion, suggest
from tesserae.segment import Segmentation
from tesserae.synthetic import SyntheticMosaic, render_mosaic

MODES = ("default", "fast")
SHARES = (0.05, 0.1)
_SHUFFLES = 20
_NEVER = 1 << 30
_WIDEST_SIDES = 8.0  # of tesserae: a gap that one look takes in

_FOUND = tuple(
    Column(f"{what}_{round(100 * share)}", f"{heading}, first {share:.0%}".replace("%", " %"), ".1%")
    for share in SHARES
    for what, heading in (("found", "found"), ("random", "random order"), ("best", "best order"))
)
COLUMNS = (
    Column("seed", "seed"),
    Column("opus", "opus"),
    Column("side_px", "side (px)", ".0f"),
    Column("mode", "mode"),
    Column("tesserae", "tesserae"),
    Column("mistakes", "mistakes"),
    *_FOUND,
    Column("shown", "suggestions shown"),
    Column("shown_found", "mistakes in them", ".1%"),
)

Place = tuple[tuple[int, ...], tuple[int, int, int, int] | None]
"""What is looked at in one go: tesserae, or the box of a gap."""


def measure_review(seeds: range, size_px: int, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """A row for every seed, mode and sort of mistakes, and one for every suggestion."""
    rows: list[Row] = []
    for number, seed in enumerate(seeds, 1):
        say(f"mosaic {number} of {len(seeds)}, seed {seed}")
        mosaic = render_mosaic(seed, size_px)
        second, _ = subject.segment(np.ascontiguousarray(mosaic.image[:, ::-1]), fast=True)
        for mode in MODES:
            result, _ = subject.segment(mosaic.image, fast=mode == "fast")
            opinions = {mode: None, f"{mode}, second opinion": np.ascontiguousarray(second.labels[:, ::-1])}
            for name, other in opinions.items():
                rows += _rows_of_map(mosaic, result, other, name)
    return rows


def find_first(places: Sequence[Place], mistakes: Sequence[Mistake]) -> NDArray[np.int64]:
    """For each mistake the first place that shows it, int64 (M,), `_NEVER` where none does."""
    named: dict[int, int] = {}
    for index, (labels, _) in enumerate(places):
        for label in labels:
            named.setdefault(label, index)
    gaps = [(index, box) for index, (_, box) in enumerate(places) if box is not None]
    return np.array([min(_places_of(mistake, named, gaps), default=_NEVER) for mistake in mistakes], dtype=np.int64)


def share_found(first: NDArray[np.int64], looks: int) -> float:
    """Share of the mistakes that the first `looks` places show; NaN without mistakes."""
    return float((first < looks).mean()) if len(first) else math.nan


def tables_of_review(rows: list[Row]) -> tuple[Table, ...]:
    """The figures of all mosaics, by kind of mistake, by reason, by fix, and of each mosaic."""
    queues = [row for row in rows if "mistakes" in row]
    suggestions = [row for row in rows if "kind" in row]
    modes = sorted({str(row["mode"]) for row in queues})
    keys = [column.key for column in (*_FOUND, Column("shown_share", ""), Column("shown_found", ""))]
    means = [
        summarise([row for row in queues if (row["mode"], row["sort"]) == (mode, sort)], dict.fromkeys(keys, mean), mode=mode, sort=sort)
        for sort in ("all", "serious")
        for mode in modes
    ]
    head = (Column("sort", "mistakes"), Column("mode", "mode"))
    shown = (Column("shown_share", "suggestions shown, of the tesserae", ".1%"), Column("shown_found", "mistakes in them", ".1%"))
    notes = (
        "Serious: merged, split, missed, false, and outlines with an IoU below 0.5; all: also those with an IoU below 0.75.",
        f"Shown: suggestions with a score of at least {LEAST_SCORE}. Second opinion: the finder's map of the mirrored photo.",
    )
    return (
        Table("Review queue, means of the mosaics", (*head, *_FOUND, *shown), means, notes),
        Table("Review queue, by kind of mistake", _KIND_COLUMNS, _by_mistake(rows)),
        Table("Suggestions, by strongest reason", _REASON_COLUMNS, _by(suggestions, "kind"), (_REASON_NOTE,)),
        Table("Suggestions, by score", (Column("kind", "score"), *_REASON_COLUMNS[1:]), _by(suggestions, "score_range")),
        Table("Proposed fixes", _FIX_COLUMNS, _by_fix(suggestions)),
        Table("Review queue, one by one", COLUMNS, [row for row in queues if row["sort"] == "all"]),
    )


_KIND_COLUMNS = (
    Column("mode", "mode"),
    Column("what", "mistake"),
    Column("count", "how many"),
    *(Column(f"found_{round(100 * share)}", f"found, first {share:.0%}".replace("%", " %"), ".1%") for share in SHARES),
)
_REASON_COLUMNS = (
    Column("kind", "strongest reason"),
    Column("count", "suggestions"),
    Column("score", "mean score", ".2f"),
    Column("serious", "with a serious mistake", ".1%"),
    Column("any", "with any mistake", ".1%"),
)
_REASON_NOTE = "Default settings, all mosaics together, all suggestions, those that are not shown too."
_FIX_COLUMNS = (Column("kind", "fix"), Column("mode", "mode"), Column("count", "proposed"), Column("right", "right", ".1%"))
_FIX_OF_MISTAKE = {"split": "Merge", "merged": "Split", "false": "Delete", "missed": "Add"}


def _rows_of_map(mosaic: SyntheticMosaic, result: Segmentation, other: NDArray[np.int32] | None, mode: str) -> Iterator[Row]:
    """Rows of the queue for all mistakes and for the serious ones, of each kind of mistake, and of each suggestion."""
    queue = suggest(result.labels, result.predicted_iou, result.stability, other_labels=other, least_score=0.0)
    mistakes = find_mistakes(result.labels, mosaic.labels)
    recipe = {key: mosaic.recipe[key] for key in ("seed", "opus", "side_px")} | {"mode": mode}
    rng = np.random.default_rng(int(str(mosaic.recipe["seed"])))
    serious = [mistake for mistake in mistakes if mistake.kind != "inexact"]
    for sort, wanted in (("all", mistakes), ("serious", serious)):
        yield recipe | {"sort": sort} | _queue_figures(queue, wanted, result.labels, rng)
    places = _all_places(queue, result.labels, rng)
    first, count = find_first(places, mistakes), len(present_labels(result.labels))
    for kind in KINDS:
        of_kind = first[[mistake.kind == kind for mistake in mistakes]]
        yield recipe | {"what": kind, "firsts": of_kind.tolist(), "n": count}
    for suggestion, place in zip(queue, places, strict=False):
        shown = find_first([place], mistakes) == 0
        yield recipe | _suggestion_figures(suggestion, [mistakes[index] for index in np.flatnonzero(shown)])


def _queue_figures(queue: list[Suggestion], mistakes: list[Mistake], labels: NDArray[np.int32], rng: np.random.Generator) -> Row:
    places, count = _all_places(queue, labels, rng), len(present_labels(labels))
    first = find_first(places, mistakes)
    shuffled = [find_first([places[i] for i in rng.permutation(len(places))], mistakes) for _ in range(_SHUFFLES)]
    shown = sum(suggestion.score >= LEAST_SCORE for suggestion in queue)
    row: Row = {"tesserae": count, "mistakes": len(mistakes), "shown": shown, "shown_share": shown / max(count, 1)}
    row["shown_found"] = share_found(first, shown)
    for share in SHARES:
        looks, name = max(1, round(share * count)), round(100 * share)
        row[f"found_{name}"] = share_found(first, looks)
        row[f"random_{name}"] = mean([share_found(each, looks) for each in shuffled])
        row[f"best_{name}"] = min(1.0, looks / len(mistakes)) if mistakes else math.nan
    return row


def _all_places(queue: list[Suggestion], labels: NDArray[np.int32], rng: np.random.Generator) -> list[Place]:
    """The places of the queue, then the tesserae that no suggestion names, by chance."""
    widest_px = _WIDEST_SIDES * median_side_px(labels)
    places = [(each.labels, _gap_box(each, widest_px)) for each in queue]
    named = {label for each in queue for label in each.labels}
    rest = [label for label in present_labels(labels).tolist() if label not in named]
    return places + [((label,), None) for label in rng.permutation(rest).tolist()]


def _gap_box(suggestion: Suggestion, widest_px: float) -> tuple[int, int, int, int] | None:
    """The box of a gap, unless it is too large to be looked at in one go; None for tesserae."""
    x0, y0, x1, y1 = suggestion.box_xyxy
    return None if suggestion.labels or max(x1 - x0, y1 - y0) > widest_px else suggestion.box_xyxy


def _places_of(mistake: Mistake, named: dict[int, int], gaps: list[tuple[int, tuple[int, int, int, int]]]) -> Iterator[int]:
    yield from (named[label] for label in mistake.labels if label in named)
    if mistake.point_xy is not None:
        x, y = mistake.point_xy
        yield from (index for index, (x0, y0, x1, y1) in gaps if x0 <= x < x1 and y0 <= y < y1)


def _suggestion_figures(suggestion: Suggestion, mistakes: list[Mistake]) -> Row:
    kinds = {mistake.kind for mistake in mistakes}
    fix = type(suggestion.fix).__name__ if suggestion.fix is not None else None
    low = math.floor(suggestion.score * 10) / 10
    return {
        "kind": suggestion.kind,
        "score_range": f"{low:.1f} to {low + 0.1:.1f}",
        "score": suggestion.score,
        "serious": float(bool(kinds - {"inexact"})),
        "any": float(bool(kinds)),
        "fix": fix,
        "right": float(fix in {_FIX_OF_MISTAKE.get(kind) for kind in kinds}) if fix else math.nan,
    }


def _by_mistake(rows: list[Row]) -> list[Row]:
    """Of all mosaics together, one row for each mode and kind of mistake."""
    of_kind = [row for row in rows if "firsts" in row]
    summary = []
    for mode in sorted({str(row["mode"]) for row in of_kind}):
        for kind in KINDS:
            found = [(first, row["n"]) for row in of_kind if (row["mode"], row["what"]) == (mode, kind) for first in row["firsts"]]
            line: Row = {"mode": mode, "what": kind, "count": len(found)}
            for share in SHARES:
                line[f"found_{round(100 * share)}"] = mean([float(first < max(1, round(share * n))) for first, n in found])
            summary.append(line)
    return summary


def _by(suggestions: list[Row], key: str) -> list[Row]:
    of_default = [row for row in suggestions if row["mode"] == "default"]
    groups = {name: [row for row in of_default if row[key] == name] for name in sorted({str(row[key]) for row in of_default})}
    how = dict.fromkeys(("score", "serious", "any"), mean)
    return [summarise(group, how, kind=name, count=len(group)) for name, group in groups.items()]


def _by_fix(suggestions: list[Row]) -> list[Row]:
    fixes = sorted({(str(row["mode"]), str(row["fix"])) for row in suggestions if row["fix"]})
    summary = []
    for mode, fix in fixes:
        right = [figures([row], "right")[0] for row in suggestions if (row["mode"], row["fix"]) == (mode, fix)]
        summary.append({"kind": fix, "mode": mode, "count": len(right), "right": mean(right)})
    return summary
