"""Runs of a fine-tune as the page shows them: the journal and the job row put together, their state and words; knows no Streamlit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tesserae.jobs.orders import FINETUNE
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.jobs import Job, list_jobs
from tesserae.training.journal import Epoch, Journal, RunFacts, journal_of, list_runs
from tesserae.training.order import Order

State = Literal["queued", "running", "finished", "failed", "stopped", "elsewhere"]

_STAGES = {
    "load": "Loading the model",
    "features": "Looking at the photos, once for all rounds",
    "shortening the way": "Finding out how near to the old model it may stay",
    "thresholds": "Finding out how sure it has to be of a tessera",
}
_ROUND = re.compile(r"epoch (\d+) of (\d+)")
_JUDGED_ROUND = re.compile(r"judging epoch (\d+)")


@dataclass(frozen=True, eq=False)
class Run:
    """One fine-tune.

    Attributes:
        name: of the checkpoint that it makes.
        facts: what it was asked to do; None until it has begun.
        epochs: those that are finished, the base as number 0 first.
        samples: pictures of what it found after each.
        outcome: how it ended, as `tesserae.training.run` writes it; None while it has not.
        job: the last one that worked on it; None where the command line did.
    """

    name: str
    facts: RunFacts | None
    epochs: tuple[Epoch, ...]
    samples: tuple[Path, ...]
    outcome: Mapping[str, Any] | None
    job: Job | None

    @property
    def state(self) -> State:
        """How things stand; "elsewhere" for a run of the command line, of which nobody here knows whether it goes on."""
        if self.outcome is not None:
            return "finished"
        if self.job is None:
            return "elsewhere"
        if self.job.state in ("queued", "running", "failed"):
            return self.job.state
        return "stopped"

    @property
    def unfinished(self) -> bool:
        """Whether a worker has it, or will."""
        return self.job is not None and not self.job.finished

    @property
    def most_epochs(self) -> int | None:
        """Epochs at most; None until it has begun."""
        return None if self.facts is None else int(self.facts.recipe["epochs"])

    @property
    def done_epochs(self) -> int:
        """Epochs that are finished."""
        return self.epochs[-1].epoch if self.epochs else 0


def find_runs(store: Store, settings: Settings) -> list[Run]:
    """Return all runs, the one begun last first."""
    jobs: dict[str, Job] = {}
    for job in list_jobs(store):  # the last one first
        if job.kind == FINETUNE:
            jobs.setdefault(str(job.arguments["name"]), job)
    names = {**dict.fromkeys(jobs), **dict.fromkeys(journal.folder.name for journal in list_runs(settings))}
    runs = [_read_run(journal_of(settings, name), name, jobs.get(name)) for name in names]
    return sorted(runs, key=lambda run: _begun_s(run, settings), reverse=True)


def find_run(store: Store, settings: Settings, name: str) -> Run | None:
    """Return one run by its name, None when there is none."""
    job = next((job for job in list_jobs(store) if job.kind == FINETUNE and job.arguments["name"] == name), None)
    run = _read_run(journal_of(settings, name), name, job)
    return None if job is None and run.facts is None else run


def unfinished_run(runs: list[Run]) -> Run | None:
    """The run that a worker has or will have; one at a time is asked for from the page."""
    return next((run for run in runs if run.unfinished), None)


def order_of(run: Run) -> Order | None:
    """What was ordered, so that it can be ordered again; None for a run of the command line."""
    return None if run.job is None else Order.from_dict(run.job.arguments)


def time_left_s(run: Run) -> float | None:
    """Seconds that the remaining epochs take if they take as long as those before; None until one is finished."""
    if run.most_epochs is None or run.done_epochs == 0:
        return None
    first, last = run.epochs[0], run.epochs[-1]
    per_epoch_s = (last.elapsed_s - first.elapsed_s) / (last.epoch - first.epoch) if last.epoch > first.epoch else last.elapsed_s
    return per_epoch_s * (run.most_epochs - last.epoch)


def stage_in_words(stage: str) -> str:
    """What a run is at, from the word that it reports."""
    if found := _ROUND.fullmatch(stage):
        return f"Learning, round {found[1]} of {found[2]}"
    if found := _JUDGED_ROUND.fullmatch(stage):
        return f"Checking what it has learned in round {found[1]}"
    if stage.startswith("judging "):
        return f"Comparing with the other models: {stage.removeprefix('judging ')}"
    return _STAGES.get(stage, stage or "Starting")


def time_in_words(seconds: float) -> str:
    """A length of time in few words: "under 1 min", "7 min", "2.5 h"."""
    if seconds < 60:
        return "under 1 min"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def memory_in_words(memory_mb: float) -> str:
    """Megabytes, or gigabytes from one on."""
    return f"{memory_mb:.0f} MB" if memory_mb < 1000 else f"{memory_mb / 1000:.1f} GB"


def _read_run(journal: Journal, name: str, job: Job | None) -> Run:
    return Run(name, journal.facts(), tuple(journal.epochs()), tuple(journal.samples()), journal.outcome(), job)


def _begun_s(run: Run, settings: Settings) -> float:
    if run.job is not None:
        return run.job.created_at.timestamp()
    return journal_of(settings, run.name).folder.stat().st_mtime
