"""A whole fine-tune: base, features, epochs, and its end (`tesserae.training.finish`).

Everything that a run writes lies in its journal's folder until the checkpoint is complete. Started again with the same order on the same
dataset, a run that was cut off goes on after its last finished epoch.
"""

import copy
from collections.abc import Callable
from dataclasses import replace

import torch

from tesserae.checkpoints import free_name, read_finetuned
from tesserae.dataset import Dataset
from tesserae.download import sha256_of_file
from tesserae.models import load_models
from tesserae.predictor import Predictor
from tesserae.service import find_installed
from tesserae.settings import Settings
from tesserae.tilecache import open_cache
from tesserae.training.finish import TRAINED, Outcome, Run, finish_run
from tesserae.training.journal import STATE_FILE, RunFacts, journal_of
from tesserae.training.keeping import EpochKeeper
from tesserae.training.lesson import Lesson
from tesserae.training.looks import plan_looks
from tesserae.training.loop import make_fabric, run_epochs
from tesserae.training.order import Order
from tesserae.training.recipe import Recipe

Report = Callable[[float, str], None]

_PREPARED = 0.15
"""Share of the progress bar at which the features are there."""


def finetune(
    order: Order,
    dataset: Dataset,
    settings: Settings,
    report: Report,
    should_pause: Callable[[], bool] = lambda: False,
    recipe: Recipe | None = None,
) -> Outcome | None:
    """Fine-tune a checkpoint on a dataset; None on all but the first of several devices.

    `report` hears the share that is done and a word for the stage; `should_pause` is asked after each epoch. A `recipe` takes the place of
    the order's preset, as experiments want.

    Raises:
        Paused: it should.
        TrainingError: nothing to learn from, another run of this name, a loss that is no number, a full disk.
        CheckpointError: the base is unknown or not installed, or the name is taken or not allowed.
        DeviceError: the device is not there.
    """
    report(0.0, "load")
    recipe = recipe or order.recipe()
    _clear_rest(order.name, recipe, dataset, settings)
    free_name(order.name, settings.weights)
    run = _begin(order, recipe, dataset, settings, report)
    fabric = make_fabric(run.base.predictor.device, order.devices)
    fabric.launch()
    torch.manual_seed(recipe.seed)
    looks = plan_looks(dataset.of_split("train"), run.base, recipe, run.cache)
    keeper = None
    if fabric.is_global_zero:
        run.journal.begin(_describe_order(run))
        looks.prepare(lambda share: report(_PREPARED * share, "features"))
        keeper = EpochKeeper(run.journal, run.live, dataset.of_split("validation"), run.cache)
    fabric.barrier()
    lesson = Lesson(run.live.predictor.model, run.live.finder, recipe, run.base.window() if run.base.trained_for_windows else None)

    def tell(share: float, stage: str) -> None:
        report(_PREPARED + (TRAINED - _PREPARED) * share, stage)

    progress = run_epochs(fabric, lesson, looks, recipe, run.journal.folder / STATE_FILE, keeper, tell, should_pause)
    if not fabric.is_global_zero:
        return None
    return finish_run(run, lesson, progress)


def _clear_rest(name: str, recipe: Recipe, dataset: Dataset, settings: Settings) -> None:
    """Delete the checkpoint of this very run where it was cut off between writing it and noting its end: it is made again."""
    path = settings.weights / f"{name}.pt"
    if not (path.is_file() and path.with_suffix(".json").is_file()) or journal_of(settings, name).outcome() is not None:
        return
    record = read_finetuned(path).record
    learned = record.get("dataset")
    if record.get("recipe") == recipe.as_dict() and isinstance(learned, dict) and learned.get("fingerprint") == dataset.fingerprint:
        path.unlink()
        path.with_suffix(".json").unlink()


def _begin(order: Order, recipe: Recipe, dataset: Dataset, settings: Settings, report: Report) -> Run:
    """Load the base twice: as it is, and as what learns. Both see for the finder with one encoder, which never learns."""
    base = load_models(find_installed(order.base, settings), order.device)
    own = base.predictor
    student = Predictor(copy.deepcopy(own.model), own.device, bfloat16=own.bfloat16)
    live = replace(base, predictor=student, finder=copy.deepcopy(base.finder))
    return Run(order, recipe, dataset, settings, base, live, journal_of(settings, order.name), open_cache(settings), report)


def _describe_order(run: Run) -> RunFacts:
    dataset = run.dataset
    return RunFacts(
        name=run.order.name,
        base=run.base.checkpoint.name,
        base_sha256=sha256_of_file(run.base.checkpoint.path),
        recipe=run.recipe.as_dict(),
        dataset=dataset.fingerprint,
        device=str(run.base.predictor.device),
        mosaics=len(dataset.photo_ids("train")),
        tesserae=dataset.tessera_count("train"),
        validation_mosaics=len(dataset.photo_ids("validation")),
        by_blocks=dataset.by_blocks,
        notes=dataset.notes,
    )
