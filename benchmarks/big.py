"""A very large photo with --fast: does it finish, in what time and memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from benchmarks.report import replace_file
from benchmarks.speed import COLUMNS as SPEED_COLUMNS
from benchmarks.speed import NOTES, row_of_run
from benchmarks.subject import Subject, run_command
from benchmarks.tables import Column, Row, Table
from tesserae.synthetic import render_mosaic

SEED, MOSAIC_PX, SIDE_PX, COPIES = 5100, 2000, 30.0, 4
_TILE_PX = 512

COLUMNS = (
    *(column for column in SPEED_COLUMNS if not column.key.startswith("f1_")),
    Column("count_error", "count error", "+.1%"),
)


def measure_big(
    work_dir: Path,
    subject: Subject,
    say: Callable[[str], None],
    *,
    seed: int = SEED,
    mosaic_px: int = MOSAIC_PX,
    copies: int = COPIES,
    fast: bool = True,
) -> list[Row]:
    """One row; the photo is a mosaic of `mosaic_px`, mirrored at its edges `copies` times each way, written as TIFF."""
    say("drawing the photo")
    mosaic = render_mosaic(seed, mosaic_px, SIDE_PX)
    path = write_tiff(work_dir / f"big_{mosaic_px * copies}.tif", mirror_tile(mosaic.image, copies))
    say(f"{path.name}, {'--fast' if fast else 'default'}")
    run = run_command(path, work_dir, subject, ("--fast",) if fast else ())
    n_true = mirrored_count(mosaic.labels, copies)
    error = (run.record["count"] - n_true) / n_true if n_true else None
    return [{"way": "--fast" if fast else "default", **row_of_run(run), "n_true": n_true, "count_error": error}]


def tables_of_big(rows: list[Row]) -> tuple[Table, ...]:
    """The one run."""
    mirrored = "True: pieces that a mirror line cuts count once with their mirror image."
    return (Table("A very large photo", COLUMNS, rows, (*NOTES, mirrored)),)


def mirror_tile(image: NDArray[np.uint8], copies: int) -> NDArray[np.uint8]:
    """`copies` x `copies` of an image (H, W, 3), every second one mirrored, so that there are no seams."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height * (copies - 1)), (0, width * (copies - 1)), (0, 0)), mode="symmetric")


def mirrored_count(labels: NDArray[np.int32], copies: int) -> int:
    """Tesserae of a label map (H, W) that is mirror-tiled `copies` x `copies`; a piece and its mirror image beyond an edge are one.

    Of `copies` in a row, the right edges meet first, then the left ones, in turn; a tessera on an edge is one fewer for each meeting.
    """
    count = int(labels.max(initial=0)) + 1
    meetings_far, meetings_near = copies // 2, (copies - 1) // 2
    across = _copies_left(labels[:, 0], labels[:, -1], count, copies, (meetings_near, meetings_far))
    down = _copies_left(labels[0], labels[-1], count, copies, (meetings_near, meetings_far))
    present = np.unique(labels)
    present = present[present > 0]
    return int((across[present] * down[present]).sum())


def write_tiff(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write an image uint8 (H, W, 3) as a tiled TIFF (deflate); return its path."""
    return replace_file(
        path, lambda part: tifffile.imwrite(part, image, photometric="rgb", compression="deflate", tile=(_TILE_PX, _TILE_PX))
    )


def _copies_left(near: NDArray[np.int32], far: NDArray[np.int32], count: int, copies: int, meetings: tuple[int, int]) -> NDArray[np.int64]:
    """How many separate copies of each label are left in one direction, given the labels on its two edges; int64 (count,)."""
    left = np.full(count, copies, dtype=np.int64)
    left[np.unique(near)] -= meetings[0]
    left[np.unique(far)] -= meetings[1]
    return left
