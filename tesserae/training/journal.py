"""What a run writes down while it goes on, and what the page reads of it: facts, one line per epoch, sample pictures, the outcome.

Needs no torch. Every file is complete or not there; a reader never meets half a line.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tesserae.atomic import write_file
from tesserae.errors import TrainingError
from tesserae.settings import Settings

RUN_FILE, EPOCHS_FILE, OUTCOME_FILE, STATE_FILE = "run.json", "epochs.jsonl", "outcome.json", "state.pt"
SAMPLES_FOLDER = "samples"


@dataclass(frozen=True)
class RunFacts:
    """What a run is asked to do; equal facts, equal run.

    Attributes:
        name: of the checkpoint that it makes.
        base: name and SHA-256 of the checkpoint that it begins with.
        recipe: of `tesserae.training.recipe`, as a mapping.
        dataset: fingerprint of what it learns from and is judged on.
        device: where it runs.
        mosaics, tesserae: how many it learns from.
        validation_mosaics: how many it is judged on.
        notes: sentences on how the dataset was split.
    """

    name: str
    base: str
    base_sha256: str
    recipe: Mapping[str, Any]
    dataset: str
    device: str
    mosaics: int
    tesserae: int
    validation_mosaics: int
    by_blocks: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Epoch:
    """One line of the epochs' file; epoch 0 is the base as it was, without a loss.

    Attributes:
        elapsed_s: of the whole run so far.
        loss: means over the epoch's steps by name: total, mask or dice, score, finder.
        validation: mean figures over the validation mosaics.
        per_mosaic: the figures of each.
        memory_mb: greatest memory so far, of the graphics card or the process.
    """

    epoch: int
    elapsed_s: float
    loss: Mapping[str, float]
    validation: Mapping[str, float | None]
    per_mosaic: Mapping[str, Mapping[str, float | None]]
    memory_mb: float
    device: str


@dataclass(frozen=True)
class Journal:
    """The work folder of a run."""

    folder: Path

    def begin(self, facts: RunFacts) -> bool:
        """Write the facts down; return whether a run with the same ones was begun here before.

        Raises TrainingError when the folder belongs to another run, or cannot be written.
        """
        known = self.facts()
        if known is not None:
            if _essence(known) != _essence(facts):
                raise TrainingError(
                    f"A run named {facts.name} was begun with other settings or on other mosaics. Give the new one another name, or delete "
                    f"{self.folder}."
                )
            return True
        self._write(RUN_FILE, json.dumps(asdict(facts), indent=2))
        return False

    def facts(self) -> RunFacts | None:
        """Return what the run was asked to do; None where none was begun."""
        stored = self._read(RUN_FILE)
        return None if stored is None else RunFacts(**{**stored, "notes": tuple(stored["notes"])})

    def keep_epochs(self, epochs: list[Epoch]) -> None:
        """Write all epochs so far."""
        self._write(EPOCHS_FILE, "".join(json.dumps(asdict(epoch)) + "\n" for epoch in epochs))

    def epochs(self) -> list[Epoch]:
        """Return the epochs so far, the first one first; empty when there is none."""
        path = self.folder / EPOCHS_FILE
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []
        return [Epoch(**json.loads(line)) for line in lines]

    def keep_sample(self, epoch: int, png: bytes) -> None:
        """Keep the picture of an epoch."""
        self._write(f"{SAMPLES_FOLDER}/epoch-{epoch:03d}.png", png)

    def samples(self) -> list[Path]:
        """Return the pictures so far, by epoch."""
        return sorted((self.folder / SAMPLES_FOLDER).glob("epoch-*.png"))

    def end(self, outcome: Mapping[str, Any]) -> None:
        """Write down how the run ended."""
        self._write(OUTCOME_FILE, json.dumps(outcome, indent=2))

    def outcome(self) -> dict[str, Any] | None:
        """Return how the run ended; None while it has not."""
        return self._read(OUTCOME_FILE)

    def _read(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        try:
            stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError as error:
            raise TrainingError(
                f"Expected JSON in {path}, found something else ({error}). Restore it, or delete {self.folder} and learn anew."
            ) from error
        return stored

    def _write(self, name: str, content: str | bytes) -> None:
        try:
            write_file(self.folder / name, content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise TrainingError(
                f"{self.folder / name} could not be written ({error.strerror}). Make room on the disk, or allow this user to write there; "
                "the run goes on from its last epoch then."
            ) from error


def journal_of(settings: Settings, name: str) -> Journal:
    """Return the journal of the run that makes the checkpoint `name`."""
    return Journal(settings.home.absolute() / "training" / name)


def list_runs(settings: Settings) -> list[Journal]:
    """Return the journals of all runs here, the one begun last first."""
    runs = (settings.home.absolute() / "training").glob(f"*/{RUN_FILE}")
    return [Journal(path.parent) for path in sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True)]


def _essence(facts: RunFacts) -> dict[str, Any]:
    """What decides the weights: neither the device nor words."""
    named = json.loads(json.dumps(asdict(facts)))
    return {name: value for name, value in named.items() if name not in ("device", "notes")}
