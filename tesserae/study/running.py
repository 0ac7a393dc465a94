"""Runs a study: each variant is fine-tuned, if it is to be, and judged on the unseen mosaics, by one path for all of them.

Everything lies in the study's own folder, with weights and an active checkpoint of its own: those of the installation stay as they are.
A variant that is done is kept under a hash of all that decides it; started again, the study does what is left, a fine-tune from its last
epoch on.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tesserae.activation import activate
from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint
from tesserae.cleanup import clean_up
from tesserae.dataset import Dataset
from tesserae.download import sha256_of_file
from tesserae.models import Models, load_models
from tesserae.results import output_errors
from tesserae.service import find_installed
from tesserae.settings import Settings
from tesserae.study.calibration import calibrate_scores, iou_pairs
from tesserae.study.catalogue import Variant
from tesserae.study.findings import Finding, Training, read_finding, write_finding
from tesserae.study.material import Material
from tesserae.tilecache import open_cache
from tesserae.training.figures import judge_labels
from tesserae.training.journal import Epoch, journal_of
from tesserae.training.order import Order
from tesserae.training.run import finetune
from tesserae.training.validate import segment_parts

Report = Callable[[float, str], None]

_KEY_DIGITS = 10
_SHARE_OF_TRAINING = 0.85  # of the progress bar of a variant that learns


@dataclass(frozen=True)
class Workshop:
    """Where a study works.

    Attributes:
        folder: of the study.
        settings: with data and weights inside that folder.
        base: the checkpoint that everything begins with, in those weights.
        base_sha256: of its file.
        device: auto, cpu, cuda or mps.
    """

    folder: Path
    settings: Settings
    base: Checkpoint
    base_sha256: str
    device: str


def open_workshop(folder: Path, base: str, device: str, settings: Settings) -> Workshop:
    """Make a study's folder with the weights of the base, and the embedded ones, which every model needs for its finder.

    Raises:
        CheckpointError: the base is unknown or not installed.
        OutputError: the folder cannot be written.
    """
    found = find_installed(base, settings)
    embedded = find_installed(EMBEDDED_NAME, settings)
    home = folder / "home"
    own = settings.model_copy(update={"home": home, "weights": home / "weights"})
    with output_errors(own.weights):
        own.weights.mkdir(parents=True, exist_ok=True)
        for path in {found.path, embedded.path}:
            _bring(path, own.weights)
            _bring(path.with_suffix(".json"), own.weights)
    return Workshop(folder, own, find_installed(base, own), sha256_of_file(found.path), device)


def run_variant(workshop: Workshop, variant: Variant, material: Material, report: Report) -> Finding:
    """Return what a variant comes to: as it was kept, or fine-tuned and judged now.

    Raises TrainingError, DatasetError, CheckpointError or DeviceError as `tesserae.training.run.finetune`.
    """
    lesson = None if variant.recipe is None else material.lesson(variant.mosaics)
    name = f"{_slug(variant.name)}-{_key(workshop, variant, lesson, material)}"
    path = workshop.folder / "findings" / f"{name}.json"
    kept = read_finding(path)
    if kept is not None:
        return kept
    checkpoint, training = workshop.base, None
    if lesson is not None:
        checkpoint, training = _train(workshop, name, variant, lesson, lambda share, stage: report(_SHARE_OF_TRAINING * share, stage))
    done = 0.0 if lesson is None else _SHARE_OF_TRAINING
    models = load_models(checkpoint, workshop.device)
    finding = _judge(workshop, variant, models, material, training, lambda share: report(done + (1 - done) * share, "judging"))
    write_finding(path, finding)
    return finding


def _train(workshop: Workshop, name: str, variant: Variant, lesson: Dataset, report: Report) -> tuple[Checkpoint, Training]:
    settings = workshop.settings
    journal = journal_of(settings, name)
    if journal.outcome() is None:
        for suffix in (".pt", ".json"):  # of a run that was cut off while it wrote them
            (settings.weights / f"{name}{suffix}").unlink(missing_ok=True)
        activate(settings, workshop.base.name)  # what an earlier variant became is no rival of this one
        finetune(Order(name, workshop.base.name, device=workshop.device), lesson, settings, report, recipe=variant.recipe)
    outcome = journal.outcome() or {}
    return find_installed(name, settings), _describe_training(lesson, journal.epochs(), outcome)


def _describe_training(lesson: Dataset, epochs: list[Epoch], outcome: Mapping[str, Any]) -> Training:
    return Training(
        mosaics=len(lesson.photo_ids("train")),
        tesserae=lesson.tessera_count("train"),
        sentence=outcome["sentence"],
        notes=lesson.notes,
        best_epoch=outcome["best_epoch"],
        goodness=tuple(float(epoch.validation["goodness"] or 0.0) for epoch in epochs),
        losses=tuple(epoch.loss["total"] for epoch in epochs if epoch.loss),
        epoch_s=tuple(round(b.elapsed_s - a.elapsed_s, 1) for a, b in pairwise(epochs)),
        memory_mb=max(epoch.memory_mb for epoch in epochs),
    )


def _judge(
    workshop: Workshop, variant: Variant, models: Models, material: Material, training: Training | None, report: Callable[[float], None]
) -> Finding:
    started = time.monotonic()
    figures, pairs = {}, [np.empty((0, 2))]
    for name, result, ground in segment_parts(models, material.unseen, open_cache(workshop.settings), variant.options, report):
        labels = clean_up(result.labels)[0] if variant.cleans else result.labels
        figures[name] = judge_labels(labels, ground)
        pairs.append(iou_pairs(result.labels, result.predicted_iou, ground))
    calibration = calibrate_scores(np.concatenate(pairs))
    return Finding(variant.name, figures, calibration, round(time.monotonic() - started, 1), training)


def _key(workshop: Workshop, variant: Variant, lesson: Dataset | None, material: Material) -> str:
    """What decides a variant's finding, as a short hash."""
    facts = {
        "base": workshop.base_sha256,
        "variant": asdict(variant),
        "lesson": None if lesson is None else lesson.fingerprint,
        "unseen": Dataset(material.unseen).fingerprint,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:_KEY_DIGITS]


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _bring(path: Path, folder: Path) -> None:
    """Have a file in a folder too: the same one under a second name where the disk allows it, as weights are large, else a copy."""
    target = folder / path.name
    if not path.is_file() or (target.is_file() and sha256_of_file(target) == sha256_of_file(path)):
        return
    target.unlink(missing_ok=True)
    with suppress(OSError):
        os.link(path, target)
        return
    shutil.copyfile(path, target)
