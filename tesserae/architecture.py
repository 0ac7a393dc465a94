"""Turns configs and weights files into SAM 2 models; configs' names are in `tesserae.config_names`, the files in `tesserae.checkpoints`.

A config is a YAML file in the form of the sam2 package: a key `model` with `_target_` entries. It is read straight
from the package that holds it. Importing sam2 sets up hydra's global search path unless somebody did so before; nothing
here reads that global state, so another hydra set-up in the same process does no harm.
"""

import re
import zipfile
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from pickle import UnpicklingError
from typing import TypeGuard

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from sam2.modeling.sam2_base import SAM2Base as SAM2Base  # handed on: other modules do without sam2
from torch import Tensor

from tesserae.config_names import EMBEDDED_CONFIG, OFFICIAL_CONFIGS, resolve_config
from tesserae.errors import CheckpointError

StateDict = dict[str, Tensor]

# Channels of the first stage and number of transformer blocks
_EMBEDDED_KEY = (32, 8)
_OFFICIAL_KEYS = {"tiny": (96, 12), "small": (96, 16), "base_plus": (112, 24), "large": (144, 48)}

_FIRST_WEIGHT = "image_encoder.trunk.patch_embed.proj.weight"
_BLOCK = re.compile(r"image_encoder\.trunk\.blocks\.(\d+)\.")
_ONLY_IN_2_1 = "no_obj_embed_spatial"
_NAMED = 3

_ZIP_START = b"PK\x03\x04"
# What torch.save wrote before version 1.6: a pickle of one fixed number, then more pickles.
_LEGACY_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def build_model(config: str) -> SAM2Base:
    """Build an architecture with random weights, in eval mode, on the CPU.

    The weights come from torch's global random generator: seed it for the same weights again.

    Args:
        config: a name out of `tesserae.config_names.KNOWN_CONFIGS`, or a short form that `resolve_config` understands.

    Raises:
        CheckpointError: the config is unknown.
    """
    name = resolve_config(config)
    package, inner = ("tesserae", f"configs/{name}.yaml") if name == EMBEDDED_CONFIG else ("sam2", name)
    with as_file(files(package).joinpath(*inner.split("/"))) as path:
        settings = OmegaConf.load(path)
    model: SAM2Base = instantiate(settings.model, _recursive_=True)
    return model.eval()


def recognise_config(state_dict: Mapping[str, Tensor]) -> str | None:
    """Tell from names and shapes which known config a state_dict was made with; None if it is none of them."""
    key = _size_key(state_dict)
    if key == _EMBEDDED_KEY:
        return EMBEDDED_CONFIG
    version = "sam2.1" if _ONLY_IN_2_1 in state_dict else "sam2"
    for size, official_key in _OFFICIAL_KEYS.items():
        if key == official_key:
            return OFFICIAL_CONFIGS[version, size]
    return None


def read_checkpoint_file(path: Path) -> dict[str, StateDict]:
    """Read a checkpoint file without running any code from it.

    Accepts {"model": state_dict, ...} and a bare state_dict. The tensors are on the CPU and, where the format allows
    it, mapped from the file: keep the file until they are copied.

    Returns:
        The state_dicts in the file by name, always with "model"; other entries (an epoch number, say) are left out.

    Raises:
        CheckpointError: the file is missing, cut short, no checkpoint, or holds more than numbers.
    """
    contents = _load_numbers(path)
    if _is_state_dict(contents):
        return {"model": contents}
    parts = contents if isinstance(contents, dict) else {}
    found = {str(name): part for name, part in parts.items() if _is_state_dict(part)}
    if "model" not in found:
        kind = f"the entries {', '.join(map(str, list(parts)[:5]))}" if parts else f"a {type(contents).__name__}"
        raise CheckpointError(
            f"{path} holds no SAM 2 weights: expected a state_dict, or one under the name 'model', found {kind}. "
            "Give a file saved by torch.save(model.state_dict(), file)."
        )
    return found


def load_weights(model: SAM2Base, state_dict: Mapping[str, Tensor]) -> None:
    """Copy a state_dict into a model, every entry or none.

    Args:
        model: changed in place; left untouched on an error.
        state_dict: entry name to tensor; other floating dtypes are converted to the model's.

    Raises:
        CheckpointError: entries are missing, unexpected or of another shape; says which, and what probably went wrong.
    """
    expected: dict[str, Tensor] = model.state_dict()
    missing = [name for name in expected if name not in state_dict]
    unexpected = [name for name in state_dict if name not in expected]
    reshaped = [name for name in expected if name in state_dict and state_dict[name].shape != expected[name].shape]
    if missing or unexpected or reshaped:
        findings = [_name_some(missing, "missing"), _name_some(unexpected, "unexpected")]
        if reshaped:
            findings.append(_describe_shapes(reshaped, state_dict, expected))
        found = "; ".join(finding for finding in findings if finding)
        raise CheckpointError(f"The weights do not fit this architecture: {found}. {_guess(state_dict, expected)}")
    model.load_state_dict(dict(state_dict))


def _load_numbers(path: Path) -> object:
    """Read what torch.save wrote, refusing everything but tensors and plain containers of them."""
    start = _first_bytes(path)
    is_zip = zipfile.is_zipfile(path)
    if not is_zip and start.startswith(_ZIP_START):
        raise CheckpointError(
            f"{path} is cut short: expected a complete checkpoint file, found only the first "
            f"{path.stat().st_size:,} bytes. Copy or fetch it again."
        )
    if not is_zip and not start.startswith(_LEGACY_START):
        found = "a Python pickle, which could run code" if start.startswith(b"\x80") else "something else"
        raise CheckpointError(f"{path} is no checkpoint file: expected a file written by torch.save, found {found}. It was not opened.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
    except UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than weights: expected tensors only, found objects that could run code. It was not "
            "loaded. Ask its author for a file saved by torch.save(model.state_dict(), file)."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is damaged: expected a complete checkpoint file, but reading it failed. Copy or fetch it again."
        ) from error


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_LEGACY_START))
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}). Expected a checkpoint file there; check the path and that this user may read it."
        ) from error


def _is_state_dict(contents: object) -> TypeGuard[StateDict]:
    return (
        isinstance(contents, dict)
        and bool(contents)
        and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in contents.items())
    )


def _name_some(names: list[str], what: str) -> str:
    if not names:
        return ""
    noun = "entry is" if len(names) == 1 else "entries are"
    rest = ", ..." if len(names) > _NAMED else ""
    return f"{len(names)} {noun} {what} ({', '.join(names[:_NAMED])}{rest})"


def _describe_shapes(names: list[str], found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    first = names[0]
    noun = "entry has" if len(names) == 1 else "entries have"
    return (
        f"{len(names)} {noun} another shape (the first is {first}: expected {_shape_text(expected[first])}, "
        f"found {_shape_text(found[first])})"
    )


def _shape_text(tensor: Tensor) -> str:
    return " x ".join(str(length) for length in tensor.shape) or "a single number"


def _guess(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Say in one or two sentences what the misfit probably means and what to do."""
    if not found.keys() & expected.keys():
        prefix = _common_prefix(found, expected)
        if prefix:
            return f"Every name begins with '{prefix}': save the inner model's state_dict instead, without that prefix."
        return "No name in the file is one of this architecture: it is probably not a SAM 2 checkpoint."
    ours, theirs = recognise_config(expected), recognise_config(found)
    if theirs is not None and theirs != ours:
        advice = f"The file looks like one for the config {theirs}: use that config."
        if _size_key(found) != _size_key(expected):
            return f"{advice} It is a model of another size."
        newer = "the file" if _ONLY_IN_2_1 in found else "the config"
        return f"{advice} SAM 2.0 and 2.1 differ in {_ONLY_IN_2_1} among others, which only {newer} has."
    return "The file is incomplete or comes from a changed model: export it again, or give the config it was made with."


def _size_key(state_dict: Mapping[str, Tensor]) -> tuple[int, int] | None:
    """Return the channels of the first stage and the number of transformer blocks; None without an image encoder."""
    first = state_dict.get(_FIRST_WEIGHT)
    if first is None or first.ndim == 0:
        return None
    return first.shape[0], len({match[1] for name in state_dict if (match := _BLOCK.match(name))})


def _common_prefix(found: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Return what stands before each name in `found` that would otherwise be expected, such as "module."; else ""."""
    first = next(iter(expected))
    prefixes = [name.removesuffix(first) for name in found if name.endswith(f".{first}")]
    return prefixes[0] if prefixes and all(name.startswith(prefixes[0]) for name in found) else ""
