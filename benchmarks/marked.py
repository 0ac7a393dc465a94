"""Real photographs with marked points: every entry of DIR/marks.json, default settings and --fast, no option per photo.

Photo and marks are read from the folder that is given; the format is that of `tesserae.truth`, with the photo's file name in each entry.
The photo goes through the same service as behind the page and the command line.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, farthest, highest, lowest, mean, summarise
from tesserae.errors import TruthError
from tesserae.evaluation import Evaluation, evaluate
from tesserae.photo import Photo, read_photo
from tesserae.settings import Settings
from tesserae.truth import PointTruth, read_truth

MARKS_FILE = "marks.json"
MODES = ("default", "fast")

COLUMNS = (
    Column("photo", "photo"),
    Column("mode", "mode"),
    Column("f1", "F1", ".3f"),
    Column("precision", "precision", ".3f"),
    Column("recall", "recall", ".3f"),
    Column("count_error", "count error", "+.1%"),
    Column("abs_count_error", "without sign", ".1%"),
    Column("n_true", "marked"),
    Column("n_pred", "predicted"),
    Column("merged", "merged", ".0f"),
    Column("missed", "missed", ".0f"),
    Column("elapsed_s", "time (s)", ".1f"),
)
_MEANS = dict.fromkeys(("f1", "precision", "recall", "count_error", "abs_count_error", "elapsed_s"), mean)
_WORST = {
    **dict.fromkeys(("f1", "precision", "recall"), lowest),
    **dict.fromkeys(("abs_count_error", "merged", "missed", "elapsed_s"), highest),
    "count_error": farthest,
}


@dataclass(frozen=True)
class MarkedPhoto:
    """A photograph and the marked points in it."""

    name: str
    photo: Photo
    truth: PointTruth


def read_entries(photos_dir: Path) -> list[tuple[str, Path]]:
    """Name and photo of every entry of the folder's marks.json, in its order.

    Raises TruthError: the file is missing or is none, or an entry names no photo that is there.
    """
    marks_path = photos_dir / MARKS_FILE
    try:
        entries = json.loads(marks_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TruthError(
            f"Expected marked points in {marks_path}, but it cannot be read: {error}. Give the folder that holds it."
        ) from error
    if not isinstance(entries, dict) or not entries:
        raise TruthError(f"Expected entries {{name: entry}} in {marks_path}, found none. Write one for each photo.")
    return [(name, _photo_path(photos_dir, name, entry)) for name, entry in entries.items()]


def read_marked_photo(photos_dir: Path, name: str, path: Path) -> MarkedPhoto:
    """Read one entry; raises PhotoError, or TruthError when the entry is not one of marked points."""
    truth = read_truth(photos_dir / MARKS_FILE, name)
    if not isinstance(truth, PointTruth):
        raise TruthError(f"Expected marked points in entry '{name}', found a {truth.kind}. Write x, y, side, tessera_px and points.")
    return MarkedPhoto(name, read_photo(path, max_pixels=Settings().max_pixels), truth)


def measure_marked(photos_dir: Path, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """One row for every entry and mode."""
    rows: list[Row] = []
    for name, path in read_entries(photos_dir):
        marked = read_marked_photo(photos_dir, name, path)
        for mode in MODES:
            say(f"{name}, {mode}")
            result, elapsed_s = subject.segment(marked.photo.image, fast=mode == "fast")
            evaluation = evaluate(result.labels, marked.truth)
            rows.append({"photo": name, "mode": mode, **figures_of(evaluation), "count": result.count, "elapsed_s": round(elapsed_s, 2)})
    return rows


def figures_of(evaluation: Evaluation) -> Row:
    """The figures of an evaluation by marked points."""
    count, points = evaluation.count, evaluation.points
    if points is None:
        raise TruthError(f"Expected an evaluation by marked points, found one by {evaluation.truth}. Use a file of marks.")
    return {
        "f1": points.f1,
        "precision": points.precision,
        "recall": points.recall,
        "count_error": count.signed_error,
        "abs_count_error": count.absolute_error,
        "n_true": count.n_true,
        "n_pred": count.n_pred,
        "merged": points.merged,
        "missed": points.missed,
    }


def summarise_marked(rows: list[Row]) -> list[Row]:
    """Mean and worst of each mode."""
    summary = []
    for mode in MODES:
        of_mode = [row for row in rows if row["mode"] == mode]
        summary.append(summarise(of_mode, _MEANS, photo="**mean**", mode=mode))
        summary.append(summarise(of_mode, _WORST, photo="**worst**", mode=mode))
    return summary


def tables_of_marked(rows: list[Row]) -> tuple[Table, ...]:
    """The figures as a table for each photo, and one for all of them."""
    note = "Time: of segmenting the whole photo, models loaded anew, without reading the file."
    return (
        Table("Marked photographs, all", tuple(c for c in COLUMNS if c.key not in ("n_true", "n_pred")), summarise_marked(rows)),
        Table("Marked photographs, one by one", COLUMNS, rows, (note,)),
    )


def _photo_path(photos_dir: Path, name: str, entry: object) -> Path:
    file_name = entry.get("photo") if isinstance(entry, dict) else None
    if not isinstance(file_name, str) or not (photos_dir / file_name).is_file():
        raise TruthError(f"Entry '{name}' of {MARKS_FILE} should name its photo in \"photo\", a file beside it; found {file_name!r}.")
    return photos_dir / file_name
