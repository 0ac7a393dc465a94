"""Synthetic mosaics of unseen seeds with exact truth: default settings and --fast, and pictures of the hardest tenth."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.pictures import Cell, cut_window, enlarge, write_contact_sheet
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, farthest, figures, hardest, highest, lowest, mean, summarise
from tesserae.evaluation import Evaluation, evaluate
from tesserae.overlay import paint_overlay
from tesserae.synthetic import SyntheticMosaic, render_mosaic
from tesserae.truth import LabelTruth

MODES = ("default", "fast")
PICTURE_NAME = "hardest.png"
CELL_PX = 480
_SIDES_SHOWN = 24  # tesserae across a picture of the hardest, so that outlines can be seen

COLUMNS = (
    Column("seed", "seed"),
    Column("opus", "opus"),
    Column("side_px", "side (px)", ".0f"),
    Column("mode", "mode"),
    Column("f1_50", "F1 at 0.5", ".3f"),
    Column("f1_75", "F1 at 0.75", ".3f"),
    Column("pixel_iou", "pixel IoU", ".3f"),
    Column("precision", "precision", ".3f"),
    Column("recall", "recall", ".3f"),
    Column("count_error", "count error", "+.1%"),
    Column("abs_count_error", "without sign", ".1%"),
    Column("n_true", "true"),
    Column("elapsed_s", "time (s)", ".1f"),
)
_SCORES = ("f1_50", "f1_75", "pixel_iou", "precision", "recall")
_MEANS = dict.fromkeys((*_SCORES, "count_error", "abs_count_error", "elapsed_s"), mean)
_WORST = {
    **dict.fromkeys(_SCORES, lowest),
    **dict.fromkeys(("abs_count_error", "elapsed_s"), highest),
    "count_error": farthest,
}


def measure_synthetic(seeds: range, size_px: int, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """One row for every seed and mode."""
    rows: list[Row] = []
    for number, seed in enumerate(seeds, 1):
        say(f"mosaic {number} of {len(seeds)}, seed {seed}")
        rows += measure_mosaic(render_mosaic(seed, size_px), subject)
    return rows


def measure_mosaic(mosaic: SyntheticMosaic, subject: Subject) -> Iterator[Row]:
    """A row for each mode."""
    recipe = {key: mosaic.recipe[key] for key in ("seed", "opus", "side_px")}
    for mode in MODES:
        result, elapsed_s = subject.segment(mosaic.image, fast=mode == "fast")
        evaluation = evaluate(result.labels, LabelTruth(mosaic.labels))
        yield {**recipe, "mode": mode, **figures_of(evaluation), "elapsed_s": round(elapsed_s, 2)}


def figures_of(evaluation: Evaluation) -> Row:
    """The figures of an evaluation by a label map; precision and recall are those of tesserae at IoU 0.5."""
    instances, pixels, count = evaluation.instances, evaluation.pixels, evaluation.count
    return {
        "f1_50": instances.f1_50 if instances else math.nan,
        "f1_75": instances.f1_75 if instances else math.nan,
        "pixel_iou": pixels.iou if pixels else math.nan,
        "precision": instances.precision_50 if instances else math.nan,
        "recall": instances.recall_50 if instances else math.nan,
        "count_error": count.signed_error,
        "abs_count_error": count.absolute_error,
        "n_true": count.n_true,
        "n_pred": count.n_pred,
    }


def summarise_synthetic(rows: list[Row]) -> list[Row]:
    """Mean, mean of the worst tenth by F1 at 0.5, and worst, of each mode."""
    summary = []
    for mode in MODES:
        of_mode = [row for row in rows if row["mode"] == mode]
        summary.append(summarise(of_mode, _MEANS, what="mean", mode=mode))
        summary.append(summarise(hardest(of_mode, "f1_50"), _MEANS, what="mean of the worst tenth", mode=mode))
        summary.append(summarise(of_mode, _WORST, what="worst", mode=mode))
    return summary


def tables_of_synthetic(rows: list[Row]) -> tuple[Table, ...]:
    """The figures of all mosaics, of each opus, and of each mosaic."""
    scores = tuple(column for column in COLUMNS if column.key in ("mode", *_MEANS))
    opera = sorted({str(row["opus"]) for row in rows})
    by_opus = [
        summarise([r for r in rows if r["opus"] == opus and r["mode"] == mode], _MEANS, opus=opus, mode=mode)
        for opus in opera
        for mode in MODES
    ]
    notes = (
        "Precision and recall: of tesserae matched one to one at IoU 0.5. The worst tenth is chosen by F1 at 0.5.",
        "The truth counts every visible piece, those cut by the photo's edge too.",
    )
    return (
        Table("Synthetic mosaics, all", (Column("what", ""), *scores), summarise_synthetic(rows), notes),
        Table("Synthetic mosaics, by opus (means)", (Column("opus", "opus"), *scores), by_opus),
        Table("Synthetic mosaics, one by one", COLUMNS, rows),
    )


def write_hardest(rows: list[Row], size_px: int, subject: Subject, pictures_dir: Path) -> Path:
    """Draw photo, truth and result of the hardest tenth (default settings, F1 at 0.5) into a sheet; return its path."""
    chosen = hardest([row for row in rows if row["mode"] == "default"], "f1_50")
    lines = [_draw_hard_one(row, size_px, subject) for row in chosen]
    return write_contact_sheet(pictures_dir / PICTURE_NAME, lines, CELL_PX)


def _draw_hard_one(row: Row, size_px: int, subject: Subject) -> list[Cell]:
    """Photo, truth and result of one mosaic: its middle, some tesserae wide."""
    mosaic = render_mosaic(int(figures([row], "seed")[0]), size_px)
    result, _ = subject.segment(mosaic.image)
    window = cut_window(mosaic.labels.shape, _SIDES_SHOWN * figures([row], "side_px")[0])
    image, truth, found = enlarge(mosaic.image[window], mosaic.labels[window], result.labels[window], CELL_PX)
    f1_50, f1_75 = (figures([row], key)[0] for key in ("f1_50", "f1_75"))
    captions = (
        f"seed {row['seed']}, {row['opus']}, side {figures([row], 'side_px')[0]:.0f} px",
        f"truth, {row['n_true']} in the whole photo",
        f"result, {row['n_pred']}: F1 {f1_50:.3f} at 0.5, {f1_75:.3f} at 0.75",
    )
    pictures = (image, paint_overlay(image, truth), paint_overlay(image, found))
    return [Cell(picture, caption) for picture, caption in zip(pictures, captions, strict=True)]
