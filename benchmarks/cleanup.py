"""Clean-ups before and after: on the model's maps of synthetic mosaics, on the truth with known damage, and on marked photographs."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import marked, synthetic
from benchmarks.damage import DAMAGES
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, figures, mean
from tesserae.cleanup import CLEANUPS, clean_up
from tesserae.evaluation import evaluate
from tesserae.synthetic import SyntheticMosaic, render_mosaic
from tesserae.truth import LabelTruth, PointTruth

Labels = NDArray[np.int32]

ALL = "all, one after the other"
MODEL, TRUTH = "the model's map", "the truth"
_FIGURES = {"f1_50": "F1 at 0.5", "f1_75": "F1 at 0.75", "pixel_iou": "pixel IoU", "abs_count_error": "count error without sign"}
_MARKED_FIGURES = {"f1": "F1", "abs_count_error": "count error without sign"}


def measure_cleanup(seeds: range, size_px: int, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """A row for every seed, map and clean-up."""
    rows: list[Row] = []
    for number, seed in enumerate(seeds, 1):
        say(f"mosaic {number} of {len(seeds)}, seed {seed}")
        mosaic = render_mosaic(seed, size_px)
        result, _ = subject.segment(mosaic.image)
        maps = {MODEL: result.labels, TRUTH: mosaic.labels}
        maps |= {f"the truth, {name}": damage(mosaic.labels, seed) for name, damage in DAMAGES.items()}
        for name, labels in maps.items():
            rows += ({"of": name, "seed": seed} | row for row in _rows_of_map(labels, mosaic))
    return rows


def measure_marked(photos_dir: Path, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """A row for every photo with marked points and clean-up."""
    rows: list[Row] = []
    for name, path in marked.read_entries(photos_dir):
        say(name)
        photo = marked.read_marked_photo(photos_dir, name, path)
        result, _ = subject.segment(photo.photo.image)
        rows += ({"of": name} | row for row in _rows_of_photo(result.labels, photo.truth))
    return rows


def tables_of_cleanup(rows: list[Row], photo_rows: list[Row]) -> tuple[Table, ...]:
    """Means of each map and clean-up, and the photographs one by one."""
    columns = (Column("of", "map"), Column("cleanup", "clean-up"), Column("corrections", "corrections", ".1f"), *_columns(_FIGURES))
    counts = (Column("better", "F1 at 0.5 or 0.75 better"), Column("worse", "worse"))
    notes = (
        "Means over the mosaics. Better, worse: mosaics in which one F1 rose, or fell, by over 0.0005, the other did not go against it.",
        "The truth with known damage: to a tenth of its tesserae, frayed to all. The truth as it is shows what a clean-up takes from it.",
    )
    tables = [Table("Clean-ups on synthetic mosaics", (*columns, *counts), _summary(rows), notes)]
    if photo_rows:
        photo_columns = (Column("of", "photo"), *columns[1:3], *_columns(_MARKED_FIGURES))
        tables.append(Table("Clean-ups on marked photographs", photo_columns, photo_rows))
    return tuple(tables)


def _rows_of_map(labels: Labels, mosaic: SyntheticMosaic) -> Iterator[Row]:
    yield from _compared(labels, lambda cleaned: synthetic.figures_of(evaluate(cleaned, LabelTruth(mosaic.labels))), _FIGURES)


def _rows_of_photo(labels: Labels, truth: PointTruth) -> Iterator[Row]:
    yield from _compared(labels, lambda cleaned: marked.figures_of(evaluate(cleaned, truth)), _MARKED_FIGURES)


def _compared(labels: Labels, score: Callable[[Labels], Row], names: Mapping[str, str]) -> Iterator[Row]:
    """The figures before and after each clean-up and all of them."""
    before = score(labels)
    for name in (*CLEANUPS, ALL):
        cleaned, made = clean_up(labels, CLEANUPS if name == ALL else (name,))
        after = score(cleaned) if made else before
        row: Row = {"cleanup": name, "corrections": made}
        yield row | {f"{key}_before": before[key] for key in names} | {f"{key}_after": after[key] for key in names}


def _summary(rows: list[Row]) -> list[Row]:
    keys = [f"{key}_{when}" for key in _FIGURES for when in ("before", "after")]
    summary = []
    for of, name in dict.fromkeys((row["of"], row["cleanup"]) for row in rows):
        group = [row for row in rows if (row["of"], row["cleanup"]) == (of, name)]
        rises = [_rises(row) for row in group]
        line: Row = {"of": of, "cleanup": name, "better": sum(rise > 0 for rise in rises), "worse": sum(rise < 0 for rise in rises)}
        summary.append(line | {key: mean(figures(group, key)) for key in ("corrections", *keys)})
    return summary


def _rises(row: Row) -> int:
    """1 where F1 rose at one threshold and fell at none, -1 the other way round, 0 otherwise."""
    changes = [figures([row], f"{key}_after")[0] - figures([row], f"{key}_before")[0] for key in ("f1_50", "f1_75")]
    signs = {0 if abs(change) <= 0.0005 else int(np.sign(change)) for change in changes} - {0}
    return signs.pop() if len(signs) == 1 else 0


def _columns(names: Mapping[str, str]) -> Iterator[Column]:
    for key, heading in names.items():
        spec = ".1%" if "count" in key else ".3f"
        yield from (Column(f"{key}_before", f"{heading}, before", spec), Column(f"{key}_after", "after", spec))
