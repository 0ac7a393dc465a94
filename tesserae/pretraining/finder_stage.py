"""Stage 1: image encoder and finder head learn together from synthetic crops."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tesserae.device import mixed_precision
from tesserae.finder import FinderHead
from tesserae.predictor import normalise
from tesserae.pretraining.crops import draw_crop, draw_side_px, finder_targets
from tesserae.pretraining.loop import Schedule, run_stage
from tesserae.pretraining.pool import read_pool_item

CROP_PX = 224
CROPS_PER_STEP = 8


@dataclass(frozen=True)
class FinderBatch:
    """Pictures (B, 3, S, S) normalised, targets (B, 5, S, S): interior, distance, log_side, side_known, weight."""

    pictures: torch.Tensor
    targets: torch.Tensor


class EncoderWithFinder(nn.Module):
    """The embedded model's image encoder with the finder head on its neck."""

    def __init__(self, image_encoder: nn.Module, finder: FinderHead) -> None:
        super().__init__()
        self.image_encoder = image_encoder
        self.finder = finder

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the finder's outputs for normalised pictures (B, 3, S, S)."""
        return self.finder(pictures, self.image_encoder(pictures)["backbone_fpn"])  # type: ignore[no-any-return]  # nn.Module


def train_finder(model: EncoderWithFinder, pool: list[Path], schedule: Schedule, seed: int, work_dir: Path) -> None:
    """Train `model` in place over `schedule.steps` steps."""
    model.train()
    run_stage(
        "finder",
        model,
        schedule,
        lambda step: make_finder_batch(pool, seed, step),
        lambda batch, _: finder_loss(model, batch),
        work_dir,
    )


def make_finder_batch(pool: list[Path], seed: int, step: int) -> FinderBatch:
    """Draw the crops of one step; depends on (seed, step) only."""
    rng = np.random.default_rng([seed, 1, step])
    images, targets = [], []
    for _ in range(CROPS_PER_STEP):
        item = read_pool_item(pool[int(rng.integers(len(pool)))])
        crop = draw_crop(item, CROP_PX, rng, side_px=draw_side_px(rng))
        images.append(crop.image)
        targets.append(stack_targets(crop.labels))
    pictures = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return FinderBatch(normalise(pictures), torch.from_numpy(np.stack(targets)))


def stack_targets(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the targets of a label map (S, S), float32 (5, S, S) in the order of `FinderBatch`."""
    wanted = finder_targets(labels)
    return np.stack([wanted.interior, wanted.distance, wanted.log_side, wanted.side_known, wanted.weight])


def finder_loss(model: EncoderWithFinder, batch: FinderBatch) -> tuple[torch.Tensor, dict[str, float]]:
    """Run the model on a batch; return `maps_loss` of what it says."""
    with mixed_precision(batch.pictures.device):
        full, log_side = model(batch.pictures)
    return maps_loss(full.float(), log_side.float(), batch.targets)


def maps_loss(
    full: torch.Tensor, log_side: torch.Tensor, targets: torch.Tensor, known: torch.Tensor | None = None
) -> tuple[torch.Tensor, dict[str, float]]:
    """Weighted cross-entropy and half a Dice for the interior, smooth L1 for distance (times 4) and log side (times 0.5).

    `full` (B, 2, S, S) and `log_side` (B, 1, S/16, S/16) are the head's outputs, `targets` those of `FinderBatch`; `known` (B, S, S) of 0
    and 1 says where they count, None for everywhere.
    """
    interior, distance, wanted_side, side_known, weight = targets.unbind(1)
    known = torch.ones_like(interior) if known is None else known
    share = known.mean().clamp(min=1e-3)
    probability = full[:, 0].sigmoid() * known
    interior = interior * known
    entropy = functional.binary_cross_entropy_with_logits(full[:, 0], interior, weight=weight * known) / share
    overlap = (probability * interior).sum((1, 2))
    dice = (1 - (2 * overlap + 1) / (probability.sum((1, 2)) + interior.sum((1, 2)) + 1)).mean()
    offset = (functional.smooth_l1_loss(full[:, 1], distance, beta=0.1, reduction="none") * known).mean() / share
    side_error = _side_error(log_side[:, 0], wanted_side, side_known * known)
    loss = entropy + 0.5 * dice + 4 * offset + 0.5 * side_error
    figures = {"entropy": entropy, "dice": dice, "distance": offset, "side": side_error}
    return loss, {name: float(value.detach()) for name, value in figures.items()}


def _side_error(log_side: torch.Tensor, wanted: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Smooth L1 between the map (B, h, w) and the mean of the known pixels in each of its cells, weighted by their share."""
    size = (log_side.shape[-2], log_side.shape[-1])
    share = functional.adaptive_avg_pool2d(known, size)
    mean = functional.adaptive_avg_pool2d(wanted * known, size) / share.clamp(min=1e-3)
    error = functional.smooth_l1_loss(log_side, mean, beta=0.25, reduction="none")
    return (error * share).sum() / share.sum().clamp(min=1)
