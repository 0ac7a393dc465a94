"""Stage 2: encoder, finder, prompt encoder and mask decoder learn together, so that the encoder's features serve the decoder too.

With an encoder that only the finder taught, one point was too weak a prompt: the finder has a stem of its own for what is fine, and the
encoder's fine levels said little of single stones. Each step shows one tile, most often a collage of four crops, to all of them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tesserae.architecture import SAM2Base
from tesserae.decoding import seeds_of_outlines
from tesserae.device import mixed_precision
from tesserae.finder import FinderHead, FinderMaps, outline_tesserae
from tesserae.predictor import TOKEN_PX, embedding_of_levels, maps_of_outputs, normalise
from tesserae.pretraining.crops import Crop, draw_crop, draw_side_px
from tesserae.pretraining.decoder_stage import BALANCED_STEPS, DECODER_SIDE_RANGE_PX, DecoderParts, decoder_loss
from tesserae.pretraining.finder_stage import maps_loss, stack_targets
from tesserae.pretraining.loop import Schedule, run_stage
from tesserae.pretraining.pool import read_pool_item
from tesserae.pretraining.prompts import Kind, crop_with_truth, draw_seed_kind, draw_window, make_decoder_batch
from tesserae.synthetic.noise import Rng, chance, log_uniform

_Value = TypeVar("_Value", bound=np.generic)

COLLAGE_SHARE = 0.7
DECODER_WEIGHT = 0.5
_DECODER_SIZES_SHARE = 0.4  # of the crops, scaled as the decoder sees them; the others as the finder does


@dataclass(frozen=True)
class JointBatch:
    """One tile: picture (1, 3, S, S) normalised, the finder's targets (1, 5, S, S), the label map (S, S), and a generator for prompts."""

    picture: torch.Tensor
    targets: torch.Tensor
    truth: NDArray[np.int32]
    rng: Rng


class JointParts(nn.Module):
    """All of the embedded model that is trained, as one module."""

    def __init__(self, model: SAM2Base, finder: FinderHead) -> None:
        super().__init__()
        self.image_encoder = model.image_encoder
        self.finder = finder
        self.decoder = DecoderParts(model)


def train_jointly(
    model: SAM2Base, finder: FinderHead, pool: list[Path], schedule: Schedule, seed: int, work_dir: Path, *, fresh: bool
) -> None:
    """Train `model` and `finder` in place over `schedule.steps` steps; `fresh` says that the decoder never learned before."""
    model.requires_grad_(False)
    parts = JointParts(model, finder)
    parts.requires_grad_(True)
    parts.train()
    balanced_steps = BALANCED_STEPS if fresh else 0
    run_stage(
        "joint",
        parts,
        schedule,
        lambda step: make_joint_batch(pool, model.image_size, np.random.default_rng([seed, 4, step])),
        lambda batch, step: joint_loss(model, finder, batch, balanced=step < balanced_steps),
        work_dir,
    )


def make_joint_batch(pool: list[Path], size_px: int, rng: Rng) -> JointBatch:
    """Draw one step's tile of `size_px`."""
    tile = draw_collage(pool, size_px, rng) if chance(COLLAGE_SHARE, rng) else _draw_part(pool, size_px, rng)
    picture = normalise(torch.from_numpy(tile.image).permute(2, 0, 1)[None])
    return JointBatch(picture, torch.from_numpy(stack_targets(tile.labels))[None], tile.labels, rng)


def draw_collage(pool: list[Path], size_px: int, rng: Rng) -> Crop:
    """Return a tile of four crops, two by two: four mosaics in one pass of the encoder."""
    parts = [_draw_part(pool, size_px // 2, rng) for _ in range(4)]
    above = np.cumsum([0, *(int(part.labels.max()) for part in parts)], dtype=np.int32)
    labels = [np.where(part.labels > 0, part.labels + first, 0) for part, first in zip(parts, above, strict=False)]
    return Crop(_two_by_two([part.image for part in parts]), _two_by_two(labels))


def joint_loss(model: SAM2Base, finder: FinderHead, batch: JointBatch, *, balanced: bool) -> tuple[torch.Tensor, dict[str, float]]:
    """Return the finder's loss, plus that of the decoder, weighted, for prompts from the finder's own seeds and for points alone."""
    with mixed_precision(batch.picture.device):
        levels = model.image_encoder(batch.picture)["backbone_fpn"]
        full, log_side = finder(batch.picture, levels)
    loss, figures = maps_loss(full.float(), log_side.float(), batch.targets)
    crop = crop_with_truth(seeds_of_outlines(_outlines(full, log_side)), batch.truth)
    with mixed_precision(batch.picture.device):
        embedding = embedding_of_levels(model, levels)
    asked: list[tuple[str, Kind]] = [("seed", draw_seed_kind(batch.rng))] if len(crop.seeds) else []
    asked += [("point", "point")] if batch.truth.any() else []
    for name, kind in asked:
        prompts = make_decoder_batch(crop, kind, batch.truth.shape[0] // TOKEN_PX, *draw_window(batch.rng), batch.rng)
        with mixed_precision(batch.picture.device):
            decoded, said = decoder_loss(model, embedding, prompts, balanced=balanced)
        loss = loss + DECODER_WEIGHT * decoded
        figures |= {f"{name} {figure}": said[figure] for figure in ("iou", "score") if figure in said}
    return loss, figures


def _outlines(full: torch.Tensor, log_side: torch.Tensor) -> NDArray[np.int32]:
    """What the finder would outline with the maps of this step; a poor finder that sees nothing gives an empty map."""
    maps: FinderMaps = maps_of_outputs(full.detach(), log_side.detach())
    return outline_tesserae(maps)


def _draw_part(pool: list[Path], size_px: int, rng: Rng) -> Crop:
    item = read_pool_item(pool[int(rng.integers(len(pool)))])
    side_px = log_uniform(*DECODER_SIDE_RANGE_PX, rng) if chance(_DECODER_SIZES_SHARE, rng) else draw_side_px(rng)
    return draw_crop(item, size_px, rng, side_px=side_px)


def _two_by_two(parts: list[NDArray[_Value]]) -> NDArray[_Value]:
    return np.concatenate([np.concatenate(parts[:2], 1), np.concatenate(parts[2:], 1)], 0)
