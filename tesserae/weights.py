"""Checkpoint files as models: loading one that the registry knows, importing somebody's into the weights folder."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from tesserae.architecture import SAM2Base, StateDict, build_model, load_weights, read_checkpoint_file
from tesserae.checkpoints import Checkpoint, free_name, how_to_get, read_finetuned
from tesserae.config_names import resolve_config
from tesserae.download import sha256_of_file
from tesserae.errors import CheckpointError


def load_model(checkpoint: Checkpoint) -> SAM2Base:
    """Build a checkpoint's architecture and fill it with its weights; float32, in eval mode, on the CPU.

    Leaves torch's global random generator as it was.

    Raises:
        CheckpointError: the file is not there (says how to get it), unreadable, or does not fit its config.
    """
    if not checkpoint.installed:
        raise CheckpointError(how_to_get(checkpoint))
    contents = read_checkpoint_file(checkpoint.path)
    with torch.random.fork_rng(devices=[]):
        model = build_model(checkpoint.config)
    _load_named_weights(model, contents["model"], checkpoint.path, checkpoint.config)
    return model


def import_checkpoint(file: Path, config: str, weights_dir: Path, name: str | None = None) -> Checkpoint:
    """Copy somebody's checkpoint file into the weights folder with a record, after checking that it fits its config.

    Args:
        file: {"model": state_dict} or a bare state_dict.
        config: the architecture, in any form that `tesserae.config_names.resolve_config` takes.
        weights_dir: created if need be.
        name: what to call it; None for the file's own name without its ending.

    Raises:
        CheckpointError: a name that is taken or not allowed, an unreadable file, weights that do not fit, a full disk.
    """
    full_config = resolve_config(config)
    target = weights_dir / f"{free_name(file.stem if name is None else name, weights_dir)}.pt"
    contents = read_checkpoint_file(file)
    with torch.random.fork_rng(devices=[]):
        model = build_model(full_config)
    _load_named_weights(model, contents["model"], file, full_config)
    origin = {"source_file": file.name, "source_sha256": sha256_of_file(file), "parent": None}
    write_checkpoint(target, {"model": model.state_dict()}, {"config": full_config, **origin})
    return read_finetuned(target)


def _load_named_weights(model: SAM2Base, state_dict: StateDict, path: Path, config: str) -> None:
    try:
        load_weights(model, state_dict)
    except CheckpointError as error:
        raise CheckpointError(f"{path} cannot be used with the config {config}. {error}") from error


def write_checkpoint(target: Path, contents: dict[str, StateDict], facts: Mapping[str, object]) -> None:
    """Write a checkpoint and its record; both under temporary names first, so that neither is ever there in part.

    Args:
        target: the .pt file; the record is written beside it.
        contents: state_dicts by name, with "model".
        facts: what the record holds beside name, hash, size and date.

    Raises CheckpointError when the files cannot be written.
    """
    record_path = target.with_suffix(".json")
    new_file, new_record = (path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in (target, record_path))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save(contents, new_file)
        identity = {"sha256": sha256_of_file(new_file), "size_bytes": new_file.stat().st_size}
        date = datetime.now(UTC).isoformat(timespec="seconds")
        record = {"name": target.stem, **facts, **identity, "date": date}
        new_record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        new_file.replace(target)
        new_record.replace(record_path)
    except (OSError, RuntimeError) as error:  # torch.save raises RuntimeError when the disk is full
        raise CheckpointError(
            f"{target} could not be written ({error}). Make room, or allow this user to write there, then try again."
        ) from error
    finally:
        new_file.unlink(missing_ok=True)
        new_record.unlink(missing_ok=True)
