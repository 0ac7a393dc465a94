"""The loss of the paper, in sums over prompts, so that a picture with hundreds of tesserae needs the memory of a few.

Kapelonis et al. 2025, authors' program: L = L_dice + lambda * L_score; L_dice = 1 - (2 sum(p g) + 1e-6) / (sum(p) + sum(g) + 1e-6) over the
pixels of all masks of a picture together, L_score = mean over masks of |predicted IoU - IoU(p > 0.5, g)|.
"""

from dataclasses import dataclass

import torch

from tesserae.pretraining.decoder_stage import hard_iou

_SMOOTH = 1e-6


@dataclass(frozen=True)
class MaskSums:
    """What the loss needs to know of some masks, for each of K outputs of the decoder.

    Attributes:
        shared: (K,), sum of p g over all pixels of all masks.
        predicted: (K,), sum of p.
        true: (K,), sum of g.
        score_errors: (K,), sum over masks of |predicted IoU - IoU(p > 0.5, g)|.
        count: number of masks.
    """

    shared: torch.Tensor
    predicted: torch.Tensor
    true: torch.Tensor
    score_errors: torch.Tensor
    count: int


def sum_masks(logits: torch.Tensor, predicted_iou: torch.Tensor, truth: torch.Tensor) -> MaskSums:
    """Sum up N masks: logits (N, K, H, W), predicted IoU (N, K), truth (N, H, W) of 0 and 1."""
    probability, wanted = logits.sigmoid(), truth[:, None]
    shared = (probability * wanted).sum((0, 2, 3))
    predicted = probability.sum((0, 2, 3))
    true = wanted.sum((0, 2, 3)).expand_as(predicted)
    errors = (predicted_iou - hard_iou(logits.detach(), wanted)).abs().sum(0)
    return MaskSums(shared, predicted, true, errors, len(logits))


def add_sums(parts: list[MaskSums]) -> MaskSums:
    """Return the sums over all parts; at least one."""

    def total(values: list[torch.Tensor]) -> torch.Tensor:
        return torch.stack(values).sum(0)

    return MaskSums(
        shared=total([part.shared for part in parts]),
        predicted=total([part.predicted for part in parts]),
        true=total([part.true for part in parts]),
        score_errors=total([part.score_errors for part in parts]),
        count=sum(part.count for part in parts),
    )


def dice_loss(sums: MaskSums) -> torch.Tensor:
    """L_dice of each output, (K,)."""
    return 1 - (2 * sums.shared + _SMOOTH) / (sums.predicted + sums.true + _SMOOTH)


def score_loss(sums: MaskSums) -> torch.Tensor:
    """L_score of each output, (K,)."""
    return sums.score_errors / sums.count
