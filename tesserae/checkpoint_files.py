"""Renaming and deleting checkpoints: the file and its record together; the default follows."""

import json
from dataclasses import dataclass
from pathlib import Path

from tesserae.activation import active_name, forget_choice, rename_choice
from tesserae.atomic import write_file
from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint, find_checkpoint, free_name
from tesserae.errors import CheckpointError
from tesserae.settings import Settings


@dataclass(frozen=True)
class CheckpointRemoval:
    """What goes when a checkpoint is deleted.

    Attributes:
        checkpoint: as it is now.
        files: the file, and the record where there is one.
        size_bytes: of these files.
        was_active: whether it is the default; the embedded one takes its place.
    """

    checkpoint: Checkpoint
    files: tuple[Path, ...]
    size_bytes: int
    was_active: bool

    @property
    def sentence(self) -> str:
        """What to say before asking."""
        names = " and ".join(path.name for path in self.files)
        again = "It can be fetched again." if self.checkpoint.url else "This cannot be undone: keep a copy if you may need it."
        default = f" It is the default model; {EMBEDDED_NAME} takes its place." if self.was_active else ""
        return f"Deleting removes {names}, {self.size_bytes / 1e6:.1f} MB.{default} Results made with this model stay. {again}"


def rename_checkpoint(settings: Settings, name: str, new_name: str) -> Checkpoint:
    """Rename a checkpoint of one's own with its record; if it is the default it stays so.

    The order is such that a crash in between leaves the checkpoint complete under one of the two names.

    Raises CheckpointError when it is embedded or official, not installed, or the new name is taken or not allowed, OutputError when
    the default cannot be written down.
    """
    checkpoint = _installed(settings, name)
    if checkpoint.kind != "finetuned":
        raise CheckpointError(
            f"{checkpoint.name} keeps its name, by which the program knows it; only models of your own can be renamed. Choose one of these."
        )
    target = settings.weights / f"{free_name(new_name.strip(), settings.weights)}.pt"
    try:
        record = json.dumps({**checkpoint.record, "name": target.stem}, indent=2) + "\n"
        write_file(target.with_suffix(".json"), record.encode())
        checkpoint.path.rename(target)
        checkpoint.path.with_suffix(".json").unlink()
    except OSError as error:
        raise CheckpointError(
            f"{checkpoint.path} could not be renamed ({error.strerror}). Allow this user to write in {settings.weights}, then do it again."
        ) from error
    rename_choice(settings, checkpoint.name, target.stem)
    return find_checkpoint(target.stem, settings.weights, settings.checkpoint_url)


def what_goes(settings: Settings, name: str) -> CheckpointRemoval:
    """Return what `delete_checkpoint` would delete; raises CheckpointError as that."""
    checkpoint = _installed(settings, name)
    if checkpoint.kind == "embedded":
        raise CheckpointError(f"{checkpoint.name} comes with the program and always stays, so that there is a model to work with.")
    files = tuple(path for path in (checkpoint.path, checkpoint.path.with_suffix(".json")) if path.is_file())
    size_bytes = sum(path.stat().st_size for path in files)
    return CheckpointRemoval(checkpoint, files, size_bytes, active_name(settings) == checkpoint.name)


def delete_checkpoint(settings: Settings, name: str) -> CheckpointRemoval:
    """Delete a checkpoint and its record, and return what went.

    Raises CheckpointError when it is the embedded one, unknown, not installed, or cannot be deleted.
    """
    removal = what_goes(settings, name)
    try:
        for path in removal.files:  # the file first: a record alone is listed nowhere, a file alone is a fault
            path.unlink()
    except OSError as error:
        raise CheckpointError(
            f"{removal.checkpoint.path} could not be deleted ({error.strerror}). Allow this user to write in {settings.weights}, then do "
            "it again."
        ) from error
    forget_choice(settings, removal.checkpoint.name)
    return removal


def _installed(settings: Settings, name: str) -> Checkpoint:
    checkpoint = find_checkpoint(name, settings.weights, settings.checkpoint_url)
    if not checkpoint.installed:
        raise CheckpointError(f"{checkpoint.name} is not installed: expected {checkpoint.path}, found no file. Load the list again.")
    return checkpoint
