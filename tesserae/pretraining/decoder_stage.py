"""Stage 3: prompt encoder and mask decoder learn on the frozen encoder's features, from the finder's own first outlines.

Trained as it is used: on windows of the embedding, prompted by what the finder gives at its own scale. Points, boxes, negative points, all
four outputs and the predicted IoU are trained too, and some steps decode on all tokens, so that the sam2 package's own predictor and mask
generator work with the model.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tesserae.architecture import SAM2Base
from tesserae.decoding import seeds_of_outlines
from tesserae.device import bfloat16_helps, mixed_precision
from tesserae.errors import TesseraeError
from tesserae.finder import WORKING_SIDE_PX, FinderHead, outline_tesserae
from tesserae.masks import paint_outlines
from tesserae.models import EMBEDDED_SIDE_PX
from tesserae.predictor import Embedding, Predictor, decode_prompts, embedding_of_levels
from tesserae.pretraining.crops import draw_crop
from tesserae.pretraining.loop import Schedule, run_stage
from tesserae.pretraining.pool import read_pool_item
from tesserae.pretraining.prompts import DecoderBatch, DecoderCrop, crop_with_truth, draw_seed_kind, draw_window, make_decoder_batch
from tesserae.synthetic.noise import Rng, chance, log_uniform
from tesserae.tiling import Tile, cut_tile

CACHED_CROPS = 500
DECODE_SIDE_PX = EMBEDDED_SIDE_PX  # square root of the area; well above the finder's
DECODER_SIDE_RANGE_PX = (22.0, 46.0)
BALANCED_STEPS = 300  # with few inside pixels a fresh decoder would first learn to say nothing at all
POINT_SHARE = 0.45  # of the steps that ask with a point alone
_DRAWS = 20  # of a crop until the finder sees a tessera in it
_PATCH_PX = 32  # a picture's side is a multiple of it, so that the encoder's levels fit each other
_RING_LOGITS = 3  # the loss looks this far beyond the tessera's box

EmbeddedCrop = tuple[list[torch.Tensor], DecoderCrop]
"""The neck's levels of a crop, in half precision, and what prompts are drawn from."""


class DecoderParts(nn.Module):
    """The parts of a SAM 2 model that stage 3 trains, as one module."""

    def __init__(self, model: SAM2Base) -> None:
        super().__init__()
        self.prompt_encoder = model.sam_prompt_encoder
        self.mask_decoder = model.sam_mask_decoder
        self.no_mem_embed = model.no_mem_embed


def train_decoder(
    model: SAM2Base, finder: FinderHead, pool: list[Path], schedule: Schedule, seed: int, work_dir: Path, *, fresh: bool
) -> None:
    """Train prompt encoder and mask decoder of `model` in place; the image encoder and the finder stay as they are.

    `fresh` says that the decoder never learned before.
    """
    model.requires_grad_(False)
    parts = DecoderParts(model)
    parts.requires_grad_(True)
    device = torch.device("cpu")
    predictor = Predictor(model.eval(), device, bfloat16=bfloat16_helps(device))

    @lru_cache(maxsize=CACHED_CROPS)
    def crop(number: int) -> EmbeddedCrop:
        return make_decoder_crop(predictor, finder.eval(), pool, np.random.default_rng([seed, 2, number]))

    def batch(step: int) -> tuple[list[torch.Tensor], DecoderBatch]:
        rng = np.random.default_rng([seed, 3, step])
        kind = "point" if chance(POINT_SHARE, rng) else draw_seed_kind(rng)
        levels, drawn = crop(step % CACHED_CROPS)
        return [level.float() for level in levels], make_decoder_batch(drawn, kind, predictor.grid, *draw_window(rng), rng)

    def loss(batch: tuple[list[torch.Tensor], DecoderBatch], step: int) -> tuple[torch.Tensor, dict[str, float]]:
        with mixed_precision(device):
            embedding = embedding_of_levels(model, batch[0])
            return decoder_loss(model, embedding, batch[1], balanced=fresh and step < BALANCED_STEPS)

    run_stage("decoder", parts, schedule, batch, loss, work_dir)


def make_decoder_crop(predictor: Predictor, finder: FinderHead, pool: list[Path], rng: Rng) -> EmbeddedCrop:
    """Draw a crop as large as the model's input, embed it, and outline its tesserae as a run on a photo would: at the finder's scale.

    A crop in which the finder sees no tessera teaches nothing and is drawn again. Raises TesseraeError when that goes on.
    """
    for _ in range(_DRAWS):
        crop = _draw_decoder_crop(predictor, finder, pool, rng)
        if len(crop[1].seeds):
            return crop
    raise TesseraeError(
        f"The finder saw no tessera in {_DRAWS} training crops, expected dozens in each. "
        "Train it for more steps, with an empty work folder, before the decoder learns from it."
    )


def decoder_loss(
    model: SAM2Base, embedding: Embedding, batch: DecoderBatch, *, balanced: bool, weights: tuple[float, float] = (1.0, 1.0)
) -> tuple[torch.Tensor, dict[str, float]]:
    """Cross-entropy and Dice of output 0 and of the best of outputs 1 to 3 (with a little of all three), and the error of predicted IoU.

    A prompt on mortar has no coverage: its masks are free, and their predicted IoU should be 0.
    Where all are, no mask has figures. `weights` are those of masks and score.
    """
    logits, predicted_iou, _ = decode_prompts(model, embedding, batch.prompts, batch.window)
    logits, predicted_iou, coverage = logits.float(), predicted_iou.float(), batch.coverage.to(logits.device)
    true_iou = hard_iou(logits.detach(), coverage[:, None])
    score = functional.smooth_l1_loss(predicted_iou, true_iou, beta=0.2)
    on_stone = coverage.amax((1, 2)) > 0
    if not on_stone.any():  # a mean over no masks is no number
        return 2 * weights[1] * score, {"score": float(score.detach())}
    each = _mask_loss(logits[on_stone], coverage[on_stone, None], balanced=balanced)
    best = each[:, 1:].min(1).values
    masks = each[:, 0].mean() + 0.5 * best.mean() + 0.1 * each[:, 1:].mean()
    iou = true_iou[on_stone, 0].mean()
    figures = {"mask": float(each[:, 0].detach().mean()), "score": float(score.detach()), "iou": float(iou)}
    return weights[0] * masks + 2 * weights[1] * score, figures


def first_outlines(image: NDArray[np.uint8], predictor: Predictor, finder: FinderHead, decode_side_px: float) -> NDArray[np.int32]:
    """Outlines int32 (S, S) of a picture uint8 (S, S, 3) with tesserae of about `decode_side_px`, as the finder draws them at its scale.

    `predictor` is the model that the finder head reads.
    """
    side = image.shape[0]
    coarse = _PATCH_PX * max(1, round(side * WORKING_SIDE_PX / decode_side_px / _PATCH_PX))
    tile = Tile(0, 0, coarse, (0, 0, coarse, coarse), coarse / side)
    picture = cut_tile(image, tile)
    maps = predictor.find(finder, picture, predictor.embed(picture)[1])
    return paint_outlines(outline_tesserae(maps), maps.interior, tile, (0, 0, side, side))


def _draw_decoder_crop(predictor: Predictor, finder: FinderHead, pool: list[Path], rng: Rng) -> EmbeddedCrop:
    item = read_pool_item(pool[int(rng.integers(len(pool)))])
    crop = draw_crop(item, predictor.tile_px, rng, side_px=log_uniform(*DECODER_SIDE_RANGE_PX, rng))
    _, levels = predictor.embed(crop.image)
    seeds = seeds_of_outlines(first_outlines(crop.image, predictor, finder, DECODE_SIDE_PX))
    return [level.half() for level in levels], crop_with_truth(seeds, crop.labels)


def hard_iou(logits: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
    """Return the IoU of logits (N, K, h, w) above 0 with coverage above one half, which has one output or K; (N, K)."""
    predicted, true = logits > 0, (coverage > 0.5).expand_as(logits)
    union = (predicted | true).sum((2, 3)).clamp(min=1)
    return (predicted & true).sum((2, 3)) / union


def _mask_loss(logits: torch.Tensor, coverage: torch.Tensor, *, balanced: bool) -> torch.Tensor:
    """Cross-entropy around the tessera plus Dice, (N, M)."""
    coverage = coverage.expand_as(logits)
    entropy = functional.binary_cross_entropy_with_logits(logits, coverage, reduction="none")
    weight = _balanced_weight(coverage) if balanced else _ring_weight(coverage)
    cross = (entropy * weight).sum((2, 3)) / weight.sum((2, 3))
    probability = logits.sigmoid()
    dice = 1 - (2 * (probability * coverage).sum((2, 3)) + 1) / (probability.sum((2, 3)) + coverage.sum((2, 3)) + 1)
    return cross + dice


def _balanced_weight(coverage: torch.Tensor) -> torch.Tensor:
    inside = (coverage > 0.5).float()
    share = inside.mean((2, 3), keepdim=True).clamp(1e-4, 1 - 1e-4)
    return inside / share + (1 - inside) / (1 - share)


def _ring_weight(coverage: torch.Tensor) -> torch.Tensor:
    """1 near the tessera, a tenth elsewhere: far ground is easy, and there is much of it."""
    near = functional.max_pool2d((coverage > 0).float(), 2 * _RING_LOGITS + 1, 1, _RING_LOGITS)
    return 0.1 + 0.9 * near
