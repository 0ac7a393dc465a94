"""What a second model costs whose encoder is that of the first: its time with shared embeddings beside its time alone.

Two pairs: the embedded model, and the official tiny architecture with random weights, each with a twin of the same encoder and a changed
decoder, as fine-tuning makes one. The official file is saved in the published format, and found by its name in a folder of weights.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.report import replace_file
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table
from tesserae.architecture import build_model
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.options import SegmentOptions
from tesserae.segment import Segmentation, segment_photo
from tesserae.synthetic import render_mosaic
from tesserae.tilecache import PhotoMemory, TileCache

SEED, SIZE_PX, SIDE_PX = 5200, 512, 30.0
TINY, TWIN_SUFFIX = "sam2.1_hiera_tiny", "_tuned"
NAMES = (EMBEDDED_NAME, TINY)

_RATIOS = ("second_ratio", "both_ratio", "second_ratio_cpu", "both_ratio_cpu")
_CAP_BYTES = 10**10
_WARM_UP_PX = 96
_CHANGED = "sam_mask_decoder.transformer."

COLUMNS = (
    Column("model", "model"),
    Column("one_s", "one (s)", ".1f"),
    Column("alone_s", "second, alone (s)", ".1f"),
    Column("shared_s", "second, shared (s)", ".1f"),
    Column("second_ratio", "second, shared / alone", ".2f"),
    Column("both_ratio", "both / one", ".2f"),
    Column("second_ratio_cpu", "the same in processor time: second", ".2f"),
    Column("both_ratio_cpu", "both", ".2f"),
    Column("one_embed_s", "encoder, one (s)", ".1f"),
    Column("shared_embed_s", "encoder, second (s)", ".1f"),
    Column("same", "second as alone"),
)
NOTES = (
    (
        "One: the first model with an empty cache. Alone: its twin with an empty cache. Shared: the twin with what the first one left. "
        "Both: one and then the twin, shared. Times include loading the models. Second as alone: whether every pixel has the same label."
    ),
    "Other work shared the machine: seconds say little, their ratios more, and ratios of processor time most.",
    f"The weights of {TINY} are random: its masks mean nothing, its times are those of the published file.",
)


@dataclass(frozen=True)
class Timed:
    """A run, the seconds that it took, and those of processor time in all threads."""

    result: Segmentation
    elapsed_s: float
    cpu_s: float


def measure_sharing(
    subject: Subject, say: Callable[[str], None], *, seed: int = SEED, size_px: int = SIZE_PX, names: tuple[str, ...] = NAMES
) -> list[Row]:
    """One row per model of `names`; `subject` gives device, threads and the embedded model."""
    image = render_mosaic(seed, size_px, SIDE_PX).image
    rows: list[Row] = []
    with TemporaryDirectory(prefix="tesserae-sharing-") as folder:
        weights_dir = Path(folder)
        for name in names:
            say(f"{name}, {size_px} x {size_px} pixels")
            write_weights(weights_dir, name, subject.checkpoint.path)
            row: Row = {"model": name, **measure_pair(image, weights_dir, name, subject)}
            say(", ".join(f"{key} {row[key]:.2f}" for key in _RATIOS))
            rows.append(row)
    return rows


def measure_pair(image: NDArray[np.uint8], weights_dir: Path, name: str, subject: Subject) -> Row:
    """The first model, its twin alone, and its twin after the first one, on a photo uint8 (H, W, 3)."""
    with TemporaryDirectory() as shared, TemporaryDirectory() as own:
        _run(image[:_WARM_UP_PX, :_WARM_UP_PX], weights_dir, name, subject, Path(own))
        one = _run(image, weights_dir, name, subject, Path(shared))
        second = _run(image, weights_dir, name + TWIN_SUFFIX, subject, Path(shared))
        alone = _run(image, weights_dir, name + TWIN_SUFFIX, subject, Path(own))
    return row_of_pair(one, second, alone)


def row_of_pair(one: Timed, second: Timed, alone: Timed) -> Row:
    """Times and ratios of the three runs."""
    return {
        "one_s": one.elapsed_s,
        "alone_s": alone.elapsed_s,
        "shared_s": second.elapsed_s,
        "second_ratio": second.elapsed_s / alone.elapsed_s,
        "both_ratio": (one.elapsed_s + second.elapsed_s) / one.elapsed_s,
        "second_ratio_cpu": second.cpu_s / alone.cpu_s,
        "both_ratio_cpu": (one.cpu_s + second.cpu_s) / one.cpu_s,
        "one_embed_s": one.result.stages_s["embed"],
        "shared_embed_s": second.result.stages_s["embed"],
        "count": one.result.count,
        "same": "yes" if np.array_equal(second.result.labels, alone.result.labels) else "no",
    }


def write_weights(weights_dir: Path, name: str, embedded: Path) -> None:
    """Put a model, its twin and the embedded finder into a folder; `embedded` is the embedded model's file."""
    for path in (embedded, embedded.with_suffix(".json")):
        shutil.copy(path, weights_dir / f"{EMBEDDED_NAME}{path.suffix}")
    if name == EMBEDDED_NAME:
        weights = torch.load(embedded, map_location="cpu", weights_only=True)["model"]
        record = json.loads(embedded.with_suffix(".json").read_text(encoding="utf-8"))
        twin_record = {key: record[key] for key in ("config", "decode", "mask_prompts", "decode_side_px", "least_predicted_iou")}
    else:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            config = find_checkpoint(name, weights_dir, "http://localhost").config
            weights = build_model(config).state_dict()
        twin_record = {"config": config}
        _save(weights_dir / f"{name}.pt", weights)
    changed = {key: value * 1.02 if key.startswith(_CHANGED) else value for key, value in weights.items()}
    _save(weights_dir / f"{name}{TWIN_SUFFIX}.pt", changed)
    (weights_dir / f"{name}{TWIN_SUFFIX}.json").write_text(json.dumps(twin_record), encoding="utf-8")


def tables_of_sharing(rows: list[Row]) -> tuple[Table, ...]:
    """One table."""
    return (Table("A second model with the same encoder", COLUMNS, rows, NOTES),)


def _save(path: Path, weights: dict[str, torch.Tensor]) -> None:
    replace_file(path, lambda part: torch.save({"model": weights}, part))


def _run(image: NDArray[np.uint8], weights_dir: Path, name: str, subject: Subject, cache_dir: Path) -> Timed:
    checkpoint = find_checkpoint(name, weights_dir, "http://localhost")
    # each size of a photo is a photo of its own
    memory = PhotoMemory(TileCache(cache_dir, _CAP_BYTES), f"{image.shape}")
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    result = segment_photo(image, checkpoint, SegmentOptions(), device=subject.device, threads=subject.threads, memory=memory)
    return Timed(result, time.perf_counter() - start_s, time.process_time() - start_cpu_s)
