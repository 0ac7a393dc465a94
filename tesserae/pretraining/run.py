"""The whole pretraining: pool, stage 1 (encoder and finder), stage 2 (all together), stage 3 (the decoder alone), weights file and record.

Every stage resumes where it was cut off; running it again with the same recipe and folder after the end only writes the file anew.
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from tesserae.architecture import SAM2Base, build_model
from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.config_names import EMBEDDED_CONFIG
from tesserae.finder import FinderHead
from tesserae.models import load_embedded
from tesserae.pretraining.decoder_stage import CACHED_CROPS, DECODE_SIDE_PX, train_decoder
from tesserae.pretraining.finder_stage import CROP_PX, CROPS_PER_STEP, EncoderWithFinder, train_finder
from tesserae.pretraining.joint_stage import COLLAGE_SHARE, train_jointly
from tesserae.pretraining.loop import Schedule
from tesserae.pretraining.pool import FIRST_SEED, SIDE_RANGE_PX, render_pool
from tesserae.pretraining.prompts import PROMPTS_PER_STEP
from tesserae.pretraining.recipe import Recipe

LEAST_PREDICTED_IOU = 0.9  # masks that promise less are worse than the finder's own outlines (docs/decisions.md)
STAGES = ("finder", "joint", "decoder")
Lineage = dict[str, object] | None
_INHERITED = ("name", "date", "recipe", "data", "notes", "parent")


def pretrain(
    recipe: Recipe, work_dir: Path, target: Path, *, parent: Path | None, workers: int, progress: Callable[[int, int], None]
) -> Path:
    """Make the embedded model; write `target` (.pt) and its record (.json beside it). Returns `target`.

    `parent` is an embedded model to go on from, None to begin with random weights. `work_dir` keeps the pool, the state of each stage and
    the figures of each step (JSON lines). `progress` hears of the pool.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    pool = render_pool(work_dir / "pool", recipe.pool_size, workers, progress)
    torch.manual_seed(recipe.seed)
    model, finder = (build_model(EMBEDDED_CONFIG), FinderHead()) if parent is None else load_embedded(parent)
    lineage = None if parent is None else _lineage(parent)
    finder_schedule = Schedule(recipe.finder_steps, recipe.finder_lr, recipe.finder_warmup)
    train_finder(EncoderWithFinder(model.image_encoder, finder), pool, finder_schedule, recipe.seed, work_dir)
    joint_schedule = Schedule(recipe.joint_steps, recipe.joint_lr, recipe.joint_warmup)
    train_jointly(model, finder, pool, joint_schedule, recipe.seed, work_dir, fresh=parent is None)
    decoder_schedule = Schedule(recipe.decoder_steps, recipe.decoder_lr, recipe.decoder_warmup)
    fresh = parent is None and recipe.joint_steps == 0
    train_decoder(model, finder, pool, decoder_schedule, recipe.seed, work_dir, fresh=fresh)
    return write_weights(model, finder, recipe, work_dir, target, lineage)


def write_weights(model: SAM2Base, finder: FinderHead, recipe: Recipe, work_dir: Path, target: Path, lineage: Lineage) -> Path:
    """Write {"model": ..., "finder": ...} in half precision with its record; each file complete or not at all."""
    parts = {"model": _halved(model.state_dict()), "finder": _halved(finder.state_dict())}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.part")
    torch.save(parts, partial)
    partial.replace(target)
    record = {
        "name": EMBEDDED_NAME,
        "config": EMBEDDED_CONFIG,
        "parent": lineage,
        "decode": "window",
        "mask_prompts": True,
        "decode_side_px": DECODE_SIDE_PX,
        "least_predicted_iou": LEAST_PREDICTED_IOU,
        "date": datetime.now(UTC).date().isoformat(),
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "size_bytes": target.stat().st_size,
        "recipe": asdict(recipe),
        "data": {
            "kind": "synthetic mosaics of tesserae.synthetic, no photographs",
            "seeds": [FIRST_SEED, FIRST_SEED + recipe.pool_size - 1],
            "side_px": SIDE_RANGE_PX,
            "finder_crops_per_step": CROPS_PER_STEP,
            "finder_crop_px": CROP_PX,
            "collages": COLLAGE_SHARE,
            "decoder_crops": CACHED_CROPS,
            "decoder_prompts_per_step": PROMPTS_PER_STEP,
        },
        "last_losses": {stage: _last_line(work_dir / f"{stage}.jsonl") for stage in STAGES},
        "versions": {name: version(name) for name in ("torch", "sam2", "numpy")} | {"python": platform.python_version()},
    }
    partial_record = target.with_suffix(f".json.{os.getpid()}.part")
    partial_record.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial_record.replace(target.with_suffix(".json"))
    return target


def _lineage(parent: Path) -> dict[str, object]:
    """What is known of the model that this one went on from: its file's hash, and its own record."""
    record = parent.with_suffix(".json")
    known: dict[str, object] = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    return {"sha256": hashlib.sha256(parent.read_bytes()).hexdigest()} | {key: known[key] for key in _INHERITED if key in known}


def _halved(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.half() if value.is_floating_point() else value for name, value in state.items()}


def _last_line(path: Path) -> dict[str, float] | None:
    if not path.exists():
        return None
    last: dict[str, float] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    return last
