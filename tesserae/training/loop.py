"""The epochs of a fine-tune, on one device or several by Lightning Fabric, with a state after each that a killed run goes on from.

Every step depends on (seed, step) only, and on the weights before it: a run that was cut off ends with the very weights of one that was
not, on the CPU bit for bit.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import nn

from tesserae.atomic import write_file
from tesserae.device import bfloat16_helps
from tesserae.errors import TrainingError
from tesserae.training.lesson import Figures, Lesson, Step
from tesserae.training.looks import Looks
from tesserae.training.order import Paused
from tesserae.training.recipe import Recipe

Learned = dict[str, torch.Tensor]
Judge = Callable[[int, Figures], float]


@dataclass
class Progress:
    """How far a run is; what its state file holds beside the optimizer.

    Attributes:
        epoch: epochs that are finished.
        learned: the weights that learn, as they are.
        average: their running mean, which is judged and kept; without averaging the weights themselves.
        best, best_epoch, best_goodness: those of the best epoch so far, by the validation; the base, epoch 0, is none of them.
    """

    epoch: int = 0
    learned: Learned = field(default_factory=dict)
    average: Learned = field(default_factory=dict)
    best: Learned = field(default_factory=dict)
    best_epoch: int = 0
    best_goodness: float = -math.inf


def make_fabric(device: torch.device, devices: int) -> Fabric:
    """Return the launcher for `devices` devices of a kind; half precision where the device has it."""
    precision: Any = "32-true"
    if bfloat16_helps(device):
        precision = "bf16-mixed"
    elif device.type == "cuda":
        precision = "16-mixed"
    # not every step uses every prompt's weights
    strategy: Any = "auto" if devices == 1 else DDPStrategy(find_unused_parameters=True)
    return Fabric(accelerator=device.type, devices=devices, strategy=strategy, precision=precision)


def run_epochs(
    fabric: Fabric,
    lesson: Lesson,
    looks: Looks,
    recipe: Recipe,
    state_path: Path,
    judge: Judge | None,
    report: Callable[[float, str], None],
    should_pause: Callable[[], bool],
) -> Progress:
    """Train the lesson in place, and return how far it came; with the state of an earlier run, go on after its last epoch.

    Args:
        judge: called after each epoch, and before the first without losses, with its number and mean losses; returns the goodness. None
            on all devices but the first.
        report: hears the share that is done and a word for the stage.
        should_pause: asked after each epoch.

    Raises Paused when it should.
    """
    optimizer = torch.optim.AdamW(lesson.parameter_groups(), weight_decay=recipe.weight_decay)
    state = torch.load(state_path, map_location="cpu", weights_only=True) if state_path.exists() else None
    progress = Progress() if state is None else Progress(**state["progress"])
    lesson.take_back(progress.learned)
    progress.average = progress.average or lesson.learned()
    wrapped, wrapped_optimizer = fabric.setup(lesson, optimizer)
    if state is not None:
        optimizer.load_state_dict(state["optimizer"])  # after the set-up, which moves the weights to the device
    if state is None and judge is not None:
        judge(0, {})
    fabric.barrier()
    while progress.epoch < recipe.epochs and not _has_settled(progress, recipe):
        losses = _run_epoch(fabric, wrapped, wrapped_optimizer, looks, recipe, progress, report)
        report((progress.epoch + 1) / recipe.epochs, f"judging epoch {progress.epoch + 1}")
        _close_epoch(fabric, progress, lesson, judge, losses)
        if fabric.is_global_zero:
            _save(state_path, progress, optimizer)
        fabric.barrier()
        if should_pause():
            raise Paused
    return progress


class RunningMean:
    """A running mean of what learns: single steps on a few mosaics swing the weights about, their mean goes the way that all agree on.

    Args:
        lesson: whose weights are followed.
        start: the mean so far.
        stays: share of the mean that stays in a step; less in the first ones, so that it does not cling to the beginning.
    """

    def __init__(self, lesson: nn.Module, start: Learned, stays: float) -> None:
        self._stays = stays
        self._learning = {name: value for name, value in lesson.named_parameters() if value.requires_grad}
        self._mean = {name: value.to(self._learning[name].device, copy=True) for name, value in start.items()}

    @torch.no_grad()
    def add(self, step: int) -> None:
        """Take in the weights after a step of the whole run."""
        stays = min(self._stays, (1 + step) / (10 + step)) if self._stays else 0.0
        for name, value in self._learning.items():
            self._mean[name].lerp_(value, 1 - stays)

    def weights(self) -> Learned:
        """Return the mean, on the CPU."""
        return {name: value.cpu() for name, value in self._mean.items()}


def learning_rate(recipe: Recipe, peak_lr: float, epochs_done: float, steps_done: int) -> float:
    """Return the rate after so many epochs and steps: after the warm-up a cosine from the peak to the floor, which keeps its share.

    With a period, as in the paper, it changes after whole epochs only.
    """
    if steps_done < recipe.warmup_steps:
        return peak_lr * (steps_done + 1) / recipe.warmup_steps
    turn = math.floor(epochs_done) / recipe.lr_period if recipe.lr_period else epochs_done / recipe.epochs
    floor = recipe.lr_floor / recipe.lr
    return peak_lr * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * turn)))


def _run_epoch(
    fabric: Fabric, lesson: Any, optimizer: Any, looks: Looks, recipe: Recipe, progress: Progress, report: Callable[[float, str], None]
) -> Figures:
    """One pass; with several devices each takes its share of the pictures. Returns the mean losses."""
    epoch, average = progress.epoch, RunningMean(lesson.module, progress.average, recipe.averaging)
    steps = math.ceil(looks.steps_per_epoch / fabric.world_size)
    seen: list[Figures] = []
    for place in range(steps):
        report((epoch + place / steps) / recipe.epochs, f"epoch {epoch + 1} of {recipe.epochs}")
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(recipe, group["peak_lr"], epoch + place / steps, epoch * steps + place)
        number = (epoch * steps + place) * fabric.world_size + fabric.global_rank
        first = place - place % recipe.accumulate
        together = min(recipe.accumulate, steps - first)  # the last ones of an epoch may be fewer
        is_last = place + 1 == first + together
        with fabric.no_backward_sync(lesson, enabled=not is_last and fabric.world_size > 1):
            loss, figures = lesson(_take_step(looks, recipe, number))
            fabric.backward(loss / together)
        if is_last:
            if recipe.clip is not None:
                fabric.clip_gradients(lesson, optimizer, max_norm=recipe.clip)
            optimizer.step()
            optimizer.zero_grad()
            average.add(epoch * steps + place)
        seen.append(figures)
    progress.average = average.weights()
    return mean_losses(seen)


def _take_step(looks: Looks, recipe: Recipe, number: int) -> Step:
    return Step(looks.decoder_view(number), looks.finder_view(number), np.random.default_rng([recipe.seed, 7, number]))


def mean_losses(seen: list[Figures]) -> Figures:
    """Return the mean of each loss over the steps that have it; raises TrainingError when one is no number any more."""
    names = dict.fromkeys(name for figures in seen for name in figures)
    means = {name: [figures[name] for figures in seen if name in figures] for name in names}
    losses = {name: sum(values) / len(values) for name, values in means.items()}
    broken = [name for name, value in losses.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"The {broken[0]} loss is no number any more, so nothing can be learned from here. Try a smaller learning rate, or another "
            "seed; the model that was in use stays as it is."
        )
    return losses


def _close_epoch(fabric: Fabric, progress: Progress, lesson: Lesson, judge: Judge | None, losses: Figures) -> None:
    """Judge the mean of the weights on the first device, and tell the others."""
    progress.epoch += 1
    progress.learned = lesson.learned()
    lesson.take_back(progress.average)
    goodness = fabric.broadcast(0.0 if judge is None else judge(progress.epoch, losses))
    lesson.take_back(progress.learned)
    if goodness > progress.best_goodness:
        progress.best, progress.best_epoch, progress.best_goodness = progress.average, progress.epoch, goodness


def _has_settled(progress: Progress, recipe: Recipe) -> bool:
    return recipe.patience is not None and progress.epoch - progress.best_epoch >= recipe.patience


def _save(path: Path, progress: Progress, optimizer: torch.optim.Optimizer) -> None:
    stream = io.BytesIO()
    torch.save({"progress": vars(progress), "optimizer": optimizer.state_dict()}, stream)
    try:
        write_file(path, stream.getvalue())
    except OSError as error:
        raise TrainingError(
            f"The state of the run could not be written to {path} ({error.strerror}). Make room on the disk and start the run again: it "
            "goes on from its last epoch."
        ) from error
