"""One stone from clicks: how well it is outlined, by kind of prompt, and how long that takes where embeddings are kept and where not.

Clicks fall on stones of synthetic mosaics: on some of all, and on those that a run missed, which is where staff click. Further
clicks fall where the mask is most wrong, in the stone's missing part or in what is too much, as a careful person would click.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.sharing import NAMES, write_weights
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, mean, summarise
from tesserae.checkpoints import find_checkpoint
from tesserae.click.clicks import Clicks
from tesserae.click.session import ClickedMask, ClickSession
from tesserae.clock import Clock
from tesserae.errors import CorrectionError
from tesserae.find import find_side_px
from tesserae.models import load_models
from tesserae.segment import SegmentOptions, segment_photo
from tesserae.synthetic import render_mosaic
from tesserae.tilecache import PhotoMemory, TileCache

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]
Rng = np.random.Generator
Click = Callable[[Clicks], ClickedMask | None]

SIDES_PX = (15.0, 22.0, 32.0)  # by turns
TIMED_SEED, TIMED_SIZE_PX, TIMED_SIDE_PX = 5200, 512, 30.0
WAYS = ("nothing kept", "kept on disk", "kept in memory")
FURTHER_CLICKS = 2

_LEAST_AREA = 0.15  # of a stone that is clicked on, in squares of the side: crumbs are left out
_MISSED_BELOW = 0.5  # IoU with the run's best tessera
_DEPTH = 0.35  # a click in a stone falls no nearer to its rim, as a share of the greatest distance
_LOOSE = 0.08  # corners of boxes are off by up to this share of its sides
_WRONG_PX = 1.5  # where the worst place is narrower, nobody clicks again
_CAP_BYTES = 10**10

COLUMNS = (
    Column("kind", "prompt"),
    Column("stones", "stones"),
    Column("n", "clicks"),
    Column("iou", "mean IoU", ".3f"),
    Column("good", "IoU above 0.75", ".0%"),
    Column("usable", "above 0.5", ".0%"),
    Column("refused", "no stone seen", ".0%"),
    Column("cached", "embedding kept", ".0%"),
)
NOTES = (
    (
        "Of a prompt that gave no mask the IoU is 0. Middle: the point farthest from the rim. Point: anywhere but near the rim. Box: its "
        f"corners are off by up to {100 * _LOOSE:.0f} % of its sides. Embedding kept: by the run before."
    ),
    f"Missed: no tessera of the run has an IoU of {_MISSED_BELOW} with the stone. Many lie under dirt, or have the mortar's colour.",
    "Mortar: clicks on mortar, farthest from all stones; the right answer is that no stone is seen.",
)
TIME_COLUMNS = (
    Column("model", "model"),
    Column("way", "embedding"),
    Column("n", "clicks"),
    Column("median_ms", "median (ms)", ".0f"),
    Column("highest_ms", "longest (ms)", ".0f"),
)
TIME_NOTES = (
    "One point in a stone. Nothing kept: encoder, and the finder's outlines of the place. Kept in memory: the tile of the click before.",
    f"The weights of {NAMES[1]} are random: its masks mean nothing, its times are those of the published file.",
)


@dataclass(frozen=True)
class Stone:
    """A true stone, bool (H, W), and whether a run missed it."""

    mask: Mask
    missed: bool


def measure_clicks(seeds: range, size_px: int, subject: Subject, say: Callable[[str], None], *, most: int, most_missed: int) -> list[Row]:
    """A row for every click: on at most `most` stones that the run found and `most_missed` that it missed, of each mosaic."""
    models = load_models(subject.checkpoint, subject.device)
    rows: list[Row] = []
    for seed in seeds:
        mosaic = render_mosaic(seed, size_px, SIDES_PX[seed % len(SIDES_PX)])
        with TemporaryDirectory(prefix="tesserae-click-") as folder:
            memory = PhotoMemory(TileCache(Path(folder), _CAP_BYTES), str(seed))
            found = _run(mosaic.image, subject, memory)
            side_px = find_side_px(mosaic.image, models, Clock(), memory)
            click = partial(_try, ClickSession(models), mosaic.image, side_px, memory)
            of_seed = list(click_mosaic(click, mosaic.labels, found, side_px, np.random.default_rng(seed), most, most_missed))
        say(f"seed {seed}: {len(of_seed)} clicks")
        rows += of_seed
    return rows


def click_mosaic(click: Click, truth: Labels, found: Labels, side_px: float, rng: Rng, most: int, most_missed: int) -> Iterator[Row]:
    """Rows of one mosaic with its true label map (H, W) and that of a run."""
    for stone in choose_stones(truth, found, side_px, rng, most, most_missed):
        for row in click_stone(click, stone.mask, rng):
            yield {"stones": "missed" if stone.missed else "found", **row}
    yield {"stones": "mortar", "kind": "point", **_answer(click(on_mortar(truth)), None)}


def choose_stones(truth: Labels, found: Labels, side_px: float, rng: Rng, most: int, most_missed: int) -> list[Stone]:
    """Draw stones of the truth (H, W), some that the run's label map `found` has and some that it has not."""
    area_px = np.bincount(truth.ravel())
    stones: dict[bool, list[Stone]] = {False: [], True: []}
    for label in rng.permutation(np.flatnonzero(area_px >= _LEAST_AREA * side_px**2)):
        if label == 0:
            continue
        mask = truth == label
        best = int(np.bincount(found[mask]).argmax()) if (found[mask] > 0).mean() > 0.3 else 0
        missed = best == 0 or iou(found == best, mask) < _MISSED_BELOW
        if len(stones[missed]) < (most_missed if missed else most):
            stones[missed].append(Stone(mask, missed))
    return stones[False] + stones[True]


def click_stone(click: Click, mask: Mask, rng: Rng) -> Iterator[Row]:
    """Rows of one stone: each kind of prompt, and further clicks after a point and after a box."""
    depth = _depth(mask)
    middle, point = _pixel(depth), _draw_pixel(depth, rng)
    box = draw_box(mask, rng)
    yield {"kind": "middle", **_answer(click(Clicks((middle,), (1,))), mask)}
    yield {"kind": "box and point", **_answer(click(Clicks((point,), (1,), box)), mask)}
    for kind, first in (("point", Clicks((point,), (1,))), ("box", Clicks(box_xyxy=box))):
        yield from _click_on(click, mask, kind, first)


def _click_on(click: Click, mask: Mask, kind: str, clicks: Clicks) -> Iterator[Row]:
    """The first prompt, and further clicks until nothing is wrong; the last answer counts for those that were not needed."""
    answer = click(clicks)
    yield {"kind": kind, **_answer(answer, mask)}
    for number in range(1, FURTHER_CLICKS + 1):
        worst = worst_place(mask, np.zeros_like(mask) if answer is None else _whole(answer, mask.shape))
        if worst is not None:
            point, inside = worst
            clicks = Clicks((*clicks.points_xy, point), (*clicks.point_labels, inside), clicks.box_xyxy)
            answer = click(clicks)
        yield {"kind": f"{kind}, {number} more", **_answer(answer, mask)}


def worst_place(truth: Mask, mask: Mask) -> tuple[tuple[float, float], int] | None:
    """Where the widest error lies, and whether it is inside the stone (1) or not (0); None where every error is a thin rim."""
    lacking, surplus = _depth(truth & ~mask), _depth(mask & ~truth)
    if max(lacking.max(), surplus.max()) < _WRONG_PX:
        return None
    inside = lacking.max() >= surplus.max()
    return _pixel(lacking if inside else surplus), int(inside)


def draw_box(mask: Mask, rng: Rng) -> tuple[float, float, float, float]:
    """A box around a mask as a hand draws it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    off = rng.uniform(-_LOOSE, _LOOSE, 4) * (x1 - x0, y1 - y0, x1 - x0, y1 - y0)
    return float(x0 + off[0]), float(y0 + off[1]), float(x1 + off[2]), float(y1 + off[3])


def on_mortar(truth: Labels) -> Clicks:
    """A click on the mortar that is farthest from all stones."""
    return Clicks((_pixel(_depth(truth == 0)),), (1,))


def iou(first: Mask, second: Mask) -> float:
    """Intersection over union; 0 of two empty masks."""
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0


def measure_times(subject: Subject, say: Callable[[str], None], *, clicks: int, names: tuple[str, ...] = NAMES) -> list[Row]:
    """A row for each model and way; `subject` gives device, threads and the embedded model."""
    if subject.threads is not None:
        torch.set_num_threads(subject.threads)
        cv2.setNumThreads(subject.threads)
    mosaic = render_mosaic(TIMED_SEED, TIMED_SIZE_PX, TIMED_SIDE_PX)
    stones = choose_stones(mosaic.labels, mosaic.labels, TIMED_SIDE_PX, np.random.default_rng(TIMED_SEED), clicks, 0)
    asked = [Clicks((_pixel(_depth(stone.mask)),), (1,)) for stone in stones]
    rows: list[Row] = []
    for name in names:
        with TemporaryDirectory(prefix="tesserae-click-") as folder:
            write_weights(Path(folder), name, subject.checkpoint.path)
            models = load_models(find_checkpoint(name, Path(folder), "http://localhost"), subject.device)
            times = [_time_click(mosaic.image, each, ClickSession(models), Path(folder) / str(number)) for number, each in enumerate(asked)]
        for way, of_way in zip(WAYS, zip(*times, strict=True), strict=True):
            rows.append({"model": name, "way": way, **row_of_times(of_way)})
            say(f"{name}, {way}: {rows[-1]['median_ms']:.0f} ms")
    return rows


def row_of_times(elapsed_s: tuple[float, ...]) -> Row:
    """Median and longest of some clicks."""
    return {"n": len(elapsed_s), "median_ms": 1000 * statistics.median(elapsed_s), "highest_ms": 1000 * max(elapsed_s)}


def summarise_clicks(rows: list[Row]) -> list[Row]:
    """One row for each kind of prompt and of stones."""
    kinds = dict.fromkeys((row["stones"], row["kind"]) for row in rows)
    summary = []
    for stones, kind in sorted(kinds, key=lambda group: ("found", "missed", "mortar").index(str(group[0]))):
        of_kind = [row for row in rows if (row["stones"], row["kind"]) == (stones, kind)]
        means = dict.fromkeys(("iou", "good", "usable", "refused", "cached"), mean)
        summary.append(summarise(of_kind, means, stones=stones, kind=kind, n=len(of_kind)))
    return summary


def tables_of_clicks(rows: list[Row], times: list[Row]) -> tuple[Table, ...]:
    """Outlines, then times."""
    return (
        Table("Stones outlined by clicks", COLUMNS, summarise_clicks(rows), NOTES),
        Table("Time of a click", TIME_COLUMNS, times, TIME_NOTES),
    )


def _time_click(image: NDArray[np.uint8], clicks: Clicks, session: ClickSession, folder: Path) -> tuple[float, float, float]:
    """Seconds of the same click with nothing kept, with what that kept on disk, and with what that kept in memory."""
    memory = PhotoMemory(TileCache(folder, _CAP_BYTES), "photo")
    again = ClickSession(session.models)
    first_s, second_s, third_s = (_seconds(image, clicks, each, memory) for each in (session, again, again))
    return first_s, second_s, third_s


def _seconds(image: NDArray[np.uint8], clicks: Clicks, session: ClickSession, memory: PhotoMemory) -> float:
    start_s = time.perf_counter()
    _try(session, image, TIMED_SIDE_PX, memory, clicks)
    return time.perf_counter() - start_s


def _run(image: NDArray[np.uint8], subject: Subject, memory: PhotoMemory) -> Labels:
    """The label map of a run with default settings, which fills the memory."""
    return segment_photo(image, subject.checkpoint, SegmentOptions(), device=subject.device, threads=subject.threads, memory=memory).labels


def _try(session: ClickSession, image: NDArray[np.uint8], side_px: float, memory: PhotoMemory, clicks: Clicks) -> ClickedMask | None:
    """The answer; None where no stone is seen, as random weights see none."""
    try:
        return session.click(image, clicks, side_px, memory)
    except CorrectionError:
        return None


def _answer(answer: ClickedMask | None, truth: Mask | None) -> Row:
    """Figures of one answer; without a truth there is no IoU."""
    known = {"refused": float(answer is None), "cached": None if answer is None else float(answer.cached)}
    if truth is None:
        return known
    score = 0.0 if answer is None else iou(_whole(answer, truth.shape), truth)
    return {**known, "iou": score, "good": float(score > 0.75), "usable": float(score > 0.5)}


def _whole(answer: ClickedMask, shape: tuple[int, ...]) -> Mask:
    x0, y0, x1, y1 = answer.mask.box_xyxy
    whole = np.zeros(shape, dtype=bool)
    whole[y0:y1, x0:x1] = answer.mask.to_array()
    return whole


def _depth(mask: Mask) -> NDArray[np.float32]:
    """Distance of each pixel of a mask to what lies outside of it; beyond the picture counts as outside."""
    return np.asarray(cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1])


def _pixel(depth: NDArray[np.float32]) -> tuple[float, float]:
    """Photo position of the centre of the deepest pixel."""
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return float(column) + 0.5, float(row) + 0.5


def _draw_pixel(depth: NDArray[np.float32], rng: Rng) -> tuple[float, float]:
    """Photo position of the centre of a pixel that is not near the rim."""
    rows, columns = np.nonzero(depth >= _DEPTH * depth.max())
    drawn = int(rng.integers(len(rows)))
    return float(columns[drawn]) + 0.5, float(rows[drawn]) + 0.5
