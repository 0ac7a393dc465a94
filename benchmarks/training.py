"""One step of the fine-tune: its seconds and memory for the embedded model and official architectures, and what cached features save.

Each case runs in a process of its own, so that its memory is its own. Official files are saved with random weights in the published format:
their losses mean nothing, their times and memory are those of the published files.
"""

import multiprocessing as mp
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.report import replace_file
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table
from tesserae.architecture import build_model
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.dataset import Ground, Part
from tesserae.models import load_models
from tesserae.results import peak_rss_mb
from tesserae.synthetic import render_mosaic
from tesserae.tilecache import TileCache
from tesserae.training.lesson import Lesson, Step
from tesserae.training.looks import Looks, plan_looks
from tesserae.training.recipe import PRESETS, Recipe

SEED, SIZE_PX, SIDE_PX = 5300, 256, 40.0
NAMES = (EMBEDDED_NAME, "sam2.1_hiera_tiny", "sam2_hiera_large")
STEPS = {EMBEDDED_NAME: 3}  # of others one: on a processor it takes minutes
_CAP_BYTES = 10**10

COLUMNS = (
    Column("model", "model"),
    Column("preset", "preset"),
    Column("tesserae", "tesserae in view"),
    Column("features_s", "features (s)", ".1f"),
    Column("step_s", "step (s)", ".1f"),
    Column("ratio", "epoch without / with cached features", ".2f"),
    Column("learning_m", "weights that learn (millions)", ".1f"),
    Column("memory_mb", "peak memory (MB)", ".0f"),
)
NOTES = (
    (
        "Features: encoder passes and first outlines of the views of one step, done once per view and kept. Step: reading them, forward, "
        "backward and optimizer; of the embedded model the median of three. The ratio is (features + step) / step."
    ),
    f"One synthetic mosaic of {SIZE_PX} x {SIZE_PX} pixels. Seconds depend on the machine and what else it does; ratio and memory hardly.",
)


@dataclass(frozen=True)
class Case:
    """A model and a preset, measured in a process of its own."""

    model: str
    preset: str
    weights_dir: Path
    threads: int | None


def measure_training(subject: Subject, say: Callable[[str], None], *, names: tuple[str, ...] = NAMES) -> list[Row]:
    """One row per model of `names` and preset; `subject` gives threads and the embedded model's file."""
    rows: list[Row] = []
    with TemporaryDirectory(prefix="tesserae-training-") as folder:
        for path in (subject.checkpoint.path, subject.checkpoint.path.with_suffix(".json")):
            shutil.copy(path, Path(folder) / f"{EMBEDDED_NAME}{path.suffix}")
        for name in names:
            _write_random(Path(folder), name)
            for preset in PRESETS:
                say(f"{name}, {preset}")
                rows.append(_in_own_process(Case(name, preset, Path(folder), subject.threads)))
                say(", ".join(f"{key} {rows[-1][key]:.1f}" for key in ("features_s", "step_s", "ratio", "memory_mb")))
    return rows


def measure_case(case: Case) -> Row:
    """Features and steps of one model with one preset."""
    if case.threads is not None:
        torch.set_num_threads(case.threads)
    recipe = replace(PRESETS[case.preset], views_per_tile=1, rehearsal=0)
    models = load_models(find_checkpoint(case.model, case.weights_dir, "http://localhost"), "cpu")
    with TemporaryDirectory() as folder:
        looks = plan_looks([_part()], models, recipe, TileCache(Path(folder), _CAP_BYTES))
        looks = replace(looks, decoder=looks.decoder[:1], finder=looks.finder[:1])
        start_s = time.perf_counter()
        looks.prepare(lambda _share: None)
        features_s = time.perf_counter() - start_s
        lesson = Lesson(models.predictor.model, models.finder, recipe, models.window() if models.trained_for_windows else None)
        step_s = float(np.median([_time_step(lesson, looks, recipe, number) for number in range(STEPS.get(case.model, 1))]))
        tesserae = len(looks.decoder_view(0).crop.seeds)
    return {
        "model": case.model,
        "preset": case.preset,
        "tesserae": tesserae,
        "features_s": features_s,
        "step_s": step_s,
        "ratio": (features_s + step_s) / step_s,
        "learning_m": sum(value.numel() for value in lesson.learned().values()) / 1e6,
        "memory_mb": peak_rss_mb(),
    }


def tables_of_training(rows: list[Row]) -> tuple[Table, ...]:
    """One table."""
    return (Table("One step of the fine-tune", COLUMNS, rows, NOTES),)


def _in_own_process(case: Case) -> Row:
    with mp.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure_case, (case,))


def _time_step(lesson: Lesson, looks: Looks, recipe: Recipe, number: int) -> float:
    optimizer = torch.optim.AdamW(lesson.parameter_groups(), weight_decay=recipe.weight_decay)
    start_s = time.perf_counter()
    loss, _ = lesson(Step(looks.decoder_view(number), looks.finder_view(number), np.random.default_rng(number)))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - start_s


def _part() -> Part:
    mosaic = render_mosaic(SEED, SIZE_PX, SIDE_PX)
    ground = Ground(mosaic.image, mosaic.labels, np.ones(mosaic.labels.shape, dtype=bool))
    return Part("0" * 64, "synthetic", "train", (0, 0, SIZE_PX, SIZE_PX), int(mosaic.labels.max()), None, "0" * 64, lambda: ground)


def _write_random(weights_dir: Path, name: str) -> None:
    """Save an official architecture with random weights; the embedded model is there already."""
    if name == EMBEDDED_NAME:
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        model = build_model(find_checkpoint(name, weights_dir, "http://localhost").config)
    replace_file(weights_dir / f"{name}.pt", lambda part: torch.save({"model": model.state_dict()}, part))
