"""A whole fine-tune: base, features, epochs, thresholds, the comparison with its rivals, the checkpoint with its record, the promotion.

Everything that a run writes lies in its journal's folder until the checkpoint is complete. Started again with the same order on the same
dataset, a run that was cut off goes on after its last finished epoch.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from tesserae.activation import activate, active_name
from tesserae.checkpoints import Checkpoint, free_name, read_finetuned
from tesserae.dataset import Dataset, Split
from tesserae.download import sha256_of_file
from tesserae.models import Models, encoder_weights, identify_weights, load_models
from tesserae.predictor import Predictor
from tesserae.service import find_installed
from tesserae.settings import Settings
from tesserae.tilecache import TileCache, open_cache
from tesserae.training.figures import MosaicFigures
from tesserae.training.journal import STATE_FILE, Journal, RunFacts, journal_of
from tesserae.training.keeping import EpochKeeper
from tesserae.training.lesson import Lesson
from tesserae.training.looks import plan_looks
from tesserae.training.loop import Progress, make_fabric, run_epochs
from tesserae.training.order import Order
from tesserae.training.promotion import Verdict, describe_training, judge
from tesserae.training.recipe import Recipe
from tesserae.training.record import Table, describe_checkpoint, table_as_dict
from tesserae.training.validate import JUDGED_WITH, as_they_are, calibrate, judge_models, with_thresholds
from tesserae.weights import write_checkpoint

Report = Callable[[float, str], None]

_PREPARED, _TRAINED = 0.15, 0.88  # shares of the progress bar at which stages end


@dataclass(frozen=True)
class Outcome:
    """What came of a fine-tune.

    Attributes:
        checkpoint: the new one.
        table: figures on the validation parts, by model and mosaic: the base, the active one where it is another, the new one.
        test: the same on the test parts; empty without any.
        verdict: whether it became the default, and why.
        sentence: the record in words.
        best_epoch, epochs: the epoch that was kept, and how many there were.
    """

    checkpoint: Checkpoint
    table: Table
    test: Table
    verdict: Verdict
    sentence: str
    best_epoch: int
    epochs: int


@dataclass(frozen=True)
class _Run:
    """What the stages of one run share; `live` are the models that learn, with encoders that the base's cache knows."""

    order: Order
    recipe: Recipe
    dataset: Dataset
    settings: Settings
    base: Models
    live: Models
    journal: Journal
    cache: TileCache
    report: Report


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
    free_name(order.name, settings.weights)
    report(0.0, "load")
    recipe = recipe or order.recipe()
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
        report(_PREPARED + (_TRAINED - _PREPARED) * share, stage)

    progress = run_epochs(fabric, lesson, looks, recipe, run.journal.folder / STATE_FILE, keeper, tell, should_pause)
    if not fabric.is_global_zero:
        return None
    lesson.take_back(progress.best)
    return _finish(run, progress)


def _begin(order: Order, recipe: Recipe, dataset: Dataset, settings: Settings, report: Report) -> _Run:
    """Load the base twice: as it is, and as what learns. Both see for the finder with one encoder, which never learns."""
    base = load_models(find_installed(order.base, settings), order.device)
    own = base.predictor
    student = Predictor(copy.deepcopy(own.model), own.device, bfloat16=own.bfloat16)
    live = replace(base, predictor=student, finder=copy.deepcopy(base.finder))
    return _Run(order, recipe, dataset, settings, base, live, journal_of(settings, order.name), open_cache(settings), report)


def _describe_order(run: _Run) -> RunFacts:
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


def _finish(run: _Run, progress: Progress) -> Outcome:
    """Set thresholds, compare with the rivals, write checkpoint, record and outcome, and make it the default if it won."""
    new = as_they_are(run.live)
    thresholds: dict[str, float] = {}
    if run.recipe.calibrates:
        parts = run.dataset.of_split("validation")
        thresholds = calibrate(new, parts, run.cache, lambda share: run.report(_TRAINED + 0.06 * share, "thresholds"))
        new = with_thresholds(new, thresholds)
    rivals = _rivals(run)
    table = {name: _judge_split(run, models, "validation") for name, models in (*rivals.items(), (run.order.name, new))}
    test = {name: _judge_split(run, models, "test") for name, models in (*rivals.items(), (run.order.name, new))} if _has_test(run) else {}
    verdict = judge(table[run.order.name], {name: table[name] for name in rivals})
    sentence = _say(run, table)
    checkpoint = _write(run, new, thresholds, table, test, verdict, sentence, progress.best_epoch)
    if verdict.promoted:
        activate(run.settings, checkpoint.name)
    outcome = Outcome(checkpoint, table, test, verdict, sentence, progress.best_epoch, progress.epoch)
    run.journal.end(_outcome_as_dict(outcome, thresholds))
    return outcome


def _rivals(run: _Run) -> dict[str, Models]:
    """The base, and the active checkpoint where that is another."""
    rivals = {run.base.checkpoint.name: run.base}
    active = active_name(run.settings)
    if active not in rivals:
        rivals[active] = load_models(find_installed(active, run.settings), run.order.device)
    return rivals


def _judge_split(run: _Run, models: Models, split: Split) -> Mapping[str, MosaicFigures]:
    run.report(0.95, f"judging {models.checkpoint.name}")
    return judge_models(models, run.dataset.of_split(split), run.cache, JUDGED_WITH).figures


def _has_test(run: _Run) -> bool:
    return bool(run.dataset.of_split("test"))


def _say(run: _Run, table: Table) -> str:
    dataset = run.dataset
    before, after = table[run.base.checkpoint.name], table[run.order.name]
    mosaics, tesserae = len(dataset.photo_ids("train")), dataset.tessera_count("train")
    return describe_training(mosaics, tesserae, before, after, by_blocks=dataset.by_blocks)


def _write(
    run: _Run,
    new: Models,
    thresholds: Mapping[str, float],
    table: Table,
    test: Table,
    verdict: Verdict,
    sentence: str,
    best_epoch: int,
) -> Checkpoint:
    target = run.settings.weights / f"{run.order.name}.pt"
    contents = {"model": new.predictor.model.state_dict(), "finder": new.finder.state_dict()}
    base = run.base.checkpoint
    ids = new.encoder_id, identify_weights(encoder_weights(new.finder_predictor.model))
    facts = describe_checkpoint(
        base, sha256_of_file(base.path), *ids, run.recipe, run.dataset, thresholds, table, test, verdict, sentence, best_epoch
    )
    write_checkpoint(target, contents, facts)
    return read_finetuned(target)


def _outcome_as_dict(outcome: Outcome, thresholds: Mapping[str, float]) -> dict[str, object]:
    return {
        "name": outcome.checkpoint.name,
        "best_epoch": outcome.best_epoch,
        "epochs": outcome.epochs,
        "thresholds": dict(thresholds),
        "sentence": outcome.sentence,
        "promoted": outcome.verdict.promoted,
        "reason": outcome.verdict.reason,
        "validation": table_as_dict(outcome.table),
        "test": table_as_dict(outcome.test),
    }
