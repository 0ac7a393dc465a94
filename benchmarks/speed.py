"""Time and memory of one photo of usual size, each way in a process of its own; and the paper's grid beside the default."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from benchmarks.report import replace_file
from benchmarks.subject import CommandRun, Subject, run_command
from benchmarks.tables import Column, Row, Table, figures
from tesserae.clock import STAGES
from tesserae.evaluation import evaluate
from tesserae.labelmap import read_label_map, relabel_sequential
from tesserae.synthetic import render_mosaic
from tesserae.truth import LabelTruth

Labels = NDArray[np.int32]

SEED, SIZE_PX, SIDE_PX, PART_PX = 5100, 1600, 27.6, 800
CELLS = "2x2"

COLUMNS = (
    Column("photo", "photo (px)"),
    Column("way", "way"),
    Column("n_true", "true"),
    Column("count", "count"),
    Column("f1_50", "F1 at 0.5", ".3f"),
    Column("f1_75", "F1 at 0.75", ".3f"),
    Column("elapsed_s", "time (s)", ".1f"),
    Column("wall_s", "process (s)", ".1f"),
    *(Column(f"{stage}_s", f"{stage} (s)", ".1f") for stage in STAGES),
    Column("peak_rss_mb", "peak memory (MB)", ".0f"),
)
NOTES = (
    (
        "Time: reading, loading models, segmenting and writing all files, as in result.json. Process: the same with Python's start and its "
        "imports. Each line is a process of its own."
    ),
)


def measure_speed(
    work_dir: Path, subject: Subject, say: Callable[[str], None], *, seed: int = SEED, size_px: int = SIZE_PX, part_px: int = PART_PX
) -> list[Row]:
    """Rows of the whole photo (default, fast) and of its middle (default, grid); photos and results go into `work_dir`."""
    mosaic = render_mosaic(seed, size_px, SIDE_PX)
    cut = middle(mosaic.labels.shape, part_px)
    whole = write_photo(work_dir / f"whole_{size_px}.png", mosaic.image), mosaic.labels
    part = write_photo(work_dir / f"part_{part_px}.png", mosaic.image[cut]), relabel_sequential(mosaic.labels[cut])
    ways = (
        (whole, "default", ()),
        (whole, "--fast", ("--fast",)),
        (part, "default", ()),
        (part, f"--prompts grid --cells {CELLS}", ("--prompts", "grid", "--cells", CELLS)),
    )
    rows: list[Row] = []
    for (photo, truth), way, options in ways:
        say(f"{photo.name}, {way}")
        run = run_command(photo, work_dir / way.split()[-1].strip("-"), subject, options)
        rows.append({"way": way, **row_of_run(run), **score_run(run, truth)})
    return rows


def row_of_run(run: CommandRun) -> Row:
    """What the record of a run tells of its cost."""
    record = run.record
    return {
        "photo": f"{record['width']} x {record['height']}",
        "count": record["count"],
        "elapsed_s": record["elapsed_s"],
        "wall_s": round(run.wall_s, 2),
        **{f"{stage}_s": record["stages_s"][stage] for stage in STAGES},
        "peak_rss_mb": record["peak_rss_mb"],
        "warnings": record["warnings"],
    }


def score_run(run: CommandRun, truth: Labels) -> Row:
    """F1 of the label map that a run left behind."""
    evaluation = evaluate(read_label_map(run.folder / "labels.tif"), LabelTruth(truth))
    scores = evaluation.instances
    return {
        "n_true": evaluation.count.n_true,
        "f1_50": scores.f1_50 if scores else None,
        "f1_75": scores.f1_75 if scores else None,
    }


def compare_grid(rows: list[Row]) -> Row:
    """How many times longer the last row (grid) took than the one before it (default, same photo), and what F1 it lost by that."""
    default, grid = rows[-2], rows[-1]
    (default_s,), (grid_s,) = figures([default], "elapsed_s"), figures([grid], "elapsed_s")
    f1_default, f1_grid = figures([default], "f1_50"), figures([grid], "f1_50")
    return {
        "photo": default["photo"],
        "ratio": grid_s / default_s if default_s else None,
        "f1_default": f1_default[0] if f1_default else None,
        "f1_grid": f1_grid[0] if f1_grid else None,
    }


def tables_of_speed(rows: list[Row]) -> tuple[Table, ...]:
    """Every run, then default beside grid."""
    beside = (
        Column("photo", "photo (px)"),
        Column("ratio", "time of the grid / time of the default", ".1f"),
        Column("f1_default", "F1 at 0.5, default", ".3f"),
        Column("f1_grid", "F1 at 0.5, grid", ".3f"),
    )
    return (
        Table("Time and memory", COLUMNS, rows, NOTES),
        Table(f"Default beside --prompts grid --cells {CELLS}", beside, [compare_grid(rows)]),
    )


def middle(shape: tuple[int, int], side_px: int) -> tuple[slice, slice]:
    """The middle square (rows, columns) of `side_px`, or as much of it as there is."""
    height, width = shape
    top, left = max(0, (height - side_px) // 2), max(0, (width - side_px) // 2)
    return slice(top, min(height, top + side_px)), slice(left, min(width, left + side_px))


def write_photo(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write an image uint8 (H, W, 3) as PNG; return its path."""
    picture = PillowImage.fromarray(np.ascontiguousarray(image))
    return replace_file(path, lambda part: picture.save(part, format="PNG"))
