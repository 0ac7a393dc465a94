"""The end of a fine-tune: calibrate on the validation mosaics, compare with the rivals, write checkpoint and record, promote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from tesserae.activation import activate, active_name
from tesserae.checkpoints import Checkpoint, read_finetuned
from tesserae.dataset import Dataset, Split
from tesserae.download import sha256_of_file
from tesserae.models import Models, encoder_weights, identify_weights, load_models
from tesserae.service import find_installed
from tesserae.settings import Settings
from tesserae.tilecache import TileCache
from tesserae.training.journal import Journal
from tesserae.training.lesson import Lesson
from tesserae.training.loop import Learned, Progress
from tesserae.training.order import Order
from tesserae.training.promotion import describe_training, judge
from tesserae.training.recipe import Recipe
from tesserae.training.record import Findings, Table, describe_checkpoint
from tesserae.training.validate import JUDGED_WITH, as_they_are, calibrate, judge_models, with_thresholds
from tesserae.weights import write_checkpoint

TRAINED = 0.85
"""Share of the progress bar at which this begins."""

_SHORTENED, _CALIBRATED = 0.9, 0.94
_WAYS = (1.0, 0.75, 0.5)  # from the base to what was learned
_WORTH = 0.01  # of goodness


@dataclass(frozen=True)
class Run:
    """What the stages of one run share.

    Attributes:
        base: the checkpoint that it begins with, as it is; its encoders see for the cache.
        live: the same models, which learn.
        report: hears the share that is done and a word for the stage.
    """

    order: Order
    recipe: Recipe
    dataset: Dataset
    settings: Settings
    base: Models
    live: Models
    journal: Journal
    cache: TileCache
    report: Callable[[float, str], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a fine-tune: the new checkpoint, and what was found out about it."""

    checkpoint: Checkpoint
    findings: Findings


def finish_run(run: Run, lesson: Lesson, progress: Progress) -> Outcome:
    """Make a checkpoint of the best epoch, and the default of the checkpoint if it beats its rivals.

    Raises CheckpointError when the files cannot be written, OutputError when the choice of the default cannot.
    """
    calibration, new = _calibrate(run, lesson, progress.best)
    rivals = _rivals(run)
    table = _judge_all(run, {**rivals, run.order.name: new}, "validation")
    test = _judge_all(run, {**rivals, run.order.name: new}, "test") if run.dataset.of_split("test") else {}
    verdict = judge(table[run.order.name], {name: table[name] for name in rivals})
    findings = Findings(calibration, table, test, verdict, _describe(run, table), progress.best_epoch, progress.epoch)
    checkpoint = _write(run, new, findings)
    if verdict.promoted:
        activate(run.settings, checkpoint.name)
    run.journal.end({"name": checkpoint.name, **findings.as_dict()})
    return Outcome(checkpoint, findings)


def _calibrate(run: Run, lesson: Lesson, learned: Learned) -> tuple[dict[str, float], Models]:
    """Figures that the validation mosaics set, and the new models with them; none, and the weights as learned, if the recipe sets none."""
    lesson.take_back(learned)
    if not run.recipe.calibrates:
        return {}, as_they_are(run.live)
    way = _shorten_way(run, lesson, learned)
    new = as_they_are(run.live)

    def tell(share: float) -> None:
        run.report(_SHORTENED + (_CALIBRATED - _SHORTENED) * share, "thresholds")

    thresholds = calibrate(new, run.dataset.of_split("validation"), run.cache, tell)
    return {"way": way, **thresholds}, with_thresholds(new, thresholds)


def _shorten_way(run: Run, lesson: Lesson, learned: Learned) -> float:
    """Put weights between the base's and the learned ones into the lesson; return how much of the way to the latter they went.

    The shortest way that costs no more than `_WORTH` of goodness is taken: a model that stays near its base forgets less of other mosaics
    (the interpolation of Wortsman et al. 2022).
    """
    base = {f"model.{name}": value for name, value in run.base.predictor.model.state_dict().items()}
    base |= {f"finder.{name}": value for name, value in run.base.finder.state_dict().items()}
    goodness: dict[float, float] = {}
    for number, way in enumerate(_WAYS):
        run.report(TRAINED + (_SHORTENED - TRAINED) * number / len(_WAYS), "shortening the way")
        lesson.take_back(_between(base, learned, way))
        goodness[way] = judge_models(as_they_are(run.live), run.dataset.of_split("validation"), run.cache, JUDGED_WITH).mean.goodness
    best = max(goodness.values())
    way = min(way for way in _WAYS if goodness[way] >= best - _WORTH)
    lesson.take_back(_between(base, learned, way))
    return way


def _between(base: Mapping[str, torch.Tensor], learned: Learned, way: float) -> Learned:
    return {name: base[name].cpu().lerp(value, way) if way < 1 else value for name, value in learned.items()}


def _rivals(run: Run) -> dict[str, Models]:
    """The base, and the active checkpoint where that is another."""
    rivals = {run.base.checkpoint.name: run.base}
    active = active_name(run.settings)
    if active not in rivals:
        rivals[active] = load_models(find_installed(active, run.settings), run.order.device)
    return rivals


def _judge_all(run: Run, models_of: Mapping[str, Models], split: Split) -> Table:
    """Figures on a split, by model and mosaic."""
    table = {}
    for number, (name, models) in enumerate(models_of.items()):
        run.report(_CALIBRATED + (1 - _CALIBRATED) * number / len(models_of), f"judging {name}")
        table[name] = judge_models(models, run.dataset.of_split(split), run.cache, JUDGED_WITH).figures
    return table


def _describe(run: Run, table: Table) -> str:
    """The record in words."""
    dataset = run.dataset
    before, after = table[run.base.checkpoint.name], table[run.order.name]
    mosaics, tesserae = len(dataset.photo_ids("train")), dataset.tessera_count("train")
    return describe_training(mosaics, tesserae, before, after, by_blocks=dataset.by_blocks)


def _write(run: Run, new: Models, findings: Findings) -> Checkpoint:
    target = run.settings.weights / f"{run.order.name}.pt"
    contents = {"model": new.predictor.model.state_dict(), "finder": new.finder.state_dict()}
    base = run.base.checkpoint
    ids = {"encoder_id": new.encoder_id, "finder_encoder_id": identify_weights(encoder_weights(new.finder_predictor.model))}
    facts = describe_checkpoint(base, sha256_of_file(base.path), ids, run.recipe, run.dataset, findings)
    write_checkpoint(target, contents, facts)
    return read_finetuned(target)
