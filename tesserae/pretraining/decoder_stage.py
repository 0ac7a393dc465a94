"""Stage 2: prompt encoder and mask decoder learn on the frozen encoder's features, from the finder's own first outlines.

Trained as it is used: on windows of the embedding, prompted by what the finder gives. Point prompts, jittered boxes, negative points, all
four outputs and the predicted IoU are trained too, and some steps decode on all tokens, so that the sam2 package's own predictor and
mask generator work with the model.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from tesserae.architecture import SAM2Base
from tesserae.decoding import DecodeMode, Seeds, prompts_of_seeds, seeds_of_outlines, with_negatives
from tesserae.errors import TesseraeError
from tesserae.finder import WORKING_SIDE_PX, FinderHead, outline_tesserae
from tesserae.masks import paint_outlines
from tesserae.models import EMBEDDED_SIDE_PX
from tesserae.predictor import LOGIT_PX, TOKEN_PX, Predictor, Prompts, decode_prompts, embedding_of_levels, window_corners
from tesserae.pretraining.crops import draw_crop
from tesserae.pretraining.loop import Schedule, run_stage
from tesserae.pretraining.pool import read_pool_item
from tesserae.synthetic.noise import Rng, log_uniform
from tesserae.tiling import Tile, cut_tile

Kind = Literal["seed", "box and point", "point", "box", "negatives"]

CACHED_CROPS = 500
DECODE_SIDE_PX = EMBEDDED_SIDE_PX  # square root of the area; twice the finder's
DECODER_SIDE_RANGE_PX = (26.0, 54.0)  # with their joints, as the pool counts them
PROMPTS_PER_STEP = 64
PROMPTS_ON_ALL_TOKENS = 8
BALANCED_STEPS = 300  # with few inside pixels a fresh decoder would first learn to say nothing at all
_KINDS: tuple[Kind, ...] = ("seed", "box and point", "point", "box", "negatives")
_KIND_SHARES = (0.4, 0.1, 0.28, 0.12, 0.1)
_WINDOWS: tuple[int | None, ...] = (8, 12, None)
_WINDOW_SHARES = (0.68, 0.12, 0.2)
_DRAWS = 20  # of a crop until the finder sees a tessera in it
_RING_LOGITS = 3  # the loss looks this far beyond the tessera's box


@dataclass(frozen=True)
class DecoderCrop:
    """A crop ready for decoding: the neck's levels in half precision, the finder's seeds, and the true label of each seed."""

    levels: list[torch.Tensor]
    seeds: Seeds
    truth: NDArray[np.int32]
    true_label: NDArray[np.int32]


@dataclass(frozen=True)
class DecoderBatch:
    """Prompts of one crop with the wanted coverage, float32 (N, h, w) at logit resolution, in each prompt's window."""

    levels: list[torch.Tensor]
    prompts: Prompts
    window: int | None
    coverage: torch.Tensor


class DecoderParts(nn.Module):
    """The parts of a SAM 2 model that stage 2 trains, as one module."""

    def __init__(self, model: SAM2Base) -> None:
        super().__init__()
        self.prompt_encoder = model.sam_prompt_encoder
        self.mask_decoder = model.sam_mask_decoder
        self.no_mem_embed = model.no_mem_embed


def train_decoder(model: SAM2Base, finder: FinderHead, pool: list[Path], schedule: Schedule, seed: int, work_dir: Path) -> None:
    """Train prompt encoder and mask decoder of `model` in place; the image encoder and the finder stay as they are."""
    model.requires_grad_(False)
    parts = DecoderParts(model)
    parts.requires_grad_(True)
    predictor = Predictor(model.eval(), torch.device("cpu"), bfloat16=True)

    @lru_cache(maxsize=CACHED_CROPS)
    def crop(number: int) -> DecoderCrop:
        return make_decoder_crop(predictor, finder.eval(), pool, np.random.default_rng([seed, 2, number]))

    run_stage(
        "decoder",
        parts,
        schedule,
        lambda step: make_decoder_batch(crop(step % CACHED_CROPS), predictor.grid, np.random.default_rng([seed, 3, step])),
        lambda batch, step: decoder_loss(model, batch, balanced=step < BALANCED_STEPS),
        work_dir,
    )


def make_decoder_crop(predictor: Predictor, finder: FinderHead, pool: list[Path], rng: Rng) -> DecoderCrop:
    """Draw a crop as large as the model's input, embed it, and outline its tesserae as a run on a photo would: at the finder's scale.

    A crop in which the finder sees no tessera teaches nothing and is drawn again. Raises TesseraeError when that goes on.
    """
    for _ in range(_DRAWS):
        crop = _draw_decoder_crop(predictor, finder, pool, rng)
        if len(crop.seeds):
            return crop
    raise TesseraeError(
        f"The finder saw no tessera in {_DRAWS} training crops, expected dozens in each. "
        "Train it for more steps, with an empty work folder, before the decoder learns from it."
    )


def make_decoder_batch(crop: DecoderCrop, grid: int, rng: Rng) -> DecoderBatch:
    """Draw one step's prompts from a crop."""
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_KIND_SHARES))]
    window = _WINDOWS[int(rng.choice(len(_WINDOWS), p=_WINDOW_SHARES))]
    wanted = PROMPTS_ON_ALL_TOKENS if window is None else PROMPTS_PER_STEP // (1 if window == 8 else 2)
    chosen = rng.permutation(len(crop.seeds))[:wanted]
    prompts = _draw_prompts(crop, chosen, kind, rng)
    side = grid if window is None else window
    corners = window_corners(prompts.centres_xy, side, grid)
    coverage = _coverage(crop.truth, crop.true_label[chosen], corners, side)
    return DecoderBatch([level.float() for level in crop.levels], prompts, window, coverage)


def decoder_loss(model: SAM2Base, batch: DecoderBatch, *, balanced: bool) -> tuple[torch.Tensor, dict[str, float]]:
    """Cross-entropy and Dice of output 0 and of the best of outputs 1 to 3 (with a little of all three), and the error of predicted IoU."""
    with torch.autocast("cpu", torch.bfloat16):
        embedding = embedding_of_levels(model, batch.levels)
        logits, predicted_iou, _ = decode_prompts(model, embedding, batch.prompts, batch.window)
    logits, predicted_iou = logits.float(), predicted_iou.float()
    each = _mask_loss(logits, batch.coverage[:, None], balanced=balanced)
    best = each[:, 1:].min(1).values
    true_iou = _hard_iou(logits.detach(), batch.coverage[:, None])
    score = functional.smooth_l1_loss(predicted_iou, true_iou, beta=0.2)
    loss = each[:, 0].mean() + 0.5 * best.mean() + 0.1 * each[:, 1:].mean() + 2 * score
    return loss, {"mask": float(each[:, 0].detach().mean()), "score": float(score.detach()), "iou": float(true_iou[:, 0].mean())}


def _draw_decoder_crop(predictor: Predictor, finder: FinderHead, pool: list[Path], rng: Rng) -> DecoderCrop:
    item = read_pool_item(pool[int(rng.integers(len(pool)))])
    crop = draw_crop(item, predictor.tile_px, rng, side_px=log_uniform(*DECODER_SIDE_RANGE_PX, rng))
    _, levels = predictor.embed(crop.image)
    seeds = seeds_of_outlines(_first_outlines(crop.image, predictor, finder))
    column, row = seeds.points_xy.astype(int).T
    true_label = crop.labels[row, column]
    known = true_label > 0
    return DecoderCrop([level.half() for level in levels], seeds.take(known), crop.labels, true_label[known])


def _first_outlines(image: NDArray[np.uint8], predictor: Predictor, finder: FinderHead) -> NDArray[np.int32]:
    """Outlines of a crop int32 (S, S) as the finder draws them on a coarser tile of the same ground."""
    side = image.shape[0]
    scale = WORKING_SIDE_PX / DECODE_SIDE_PX
    coarse = round(side * scale)
    tile = Tile(0, 0, coarse, (0, 0, coarse, coarse), scale)
    picture = cut_tile(image, tile)
    maps = predictor.find(finder, picture, predictor.embed(picture)[1])
    return paint_outlines(outline_tesserae(maps), maps.interior, tile, (0, 0, side, side))


def _draw_prompts(crop: DecoderCrop, chosen: NDArray[np.intp], kind: Kind, rng: Rng) -> Prompts:
    seeds = _jittered(crop.seeds.take(chosen), rng)
    if kind == "seed":
        return prompts_of_seeds(seeds, DecodeMode(None, mask_prompts=True))
    prompts = prompts_of_seeds(seeds, DecodeMode(None, mask_prompts=bool(kind == "negatives" and rng.random() < 0.7)))
    if kind == "negatives":
        away = np.abs(seeds.points_xy[:, None] - crop.seeds.points_xy[None]).max(2)
        nearest = np.argsort(away, axis=1)[:, 1:4]
        return with_negatives(prompts, crop.seeds.points_xy, [rng.permutation(row)[:2] for row in nearest])
    kept = {"box and point": slice(0, 3), "box": slice(0, 2), "point": slice(2, 3)}[kind]
    return Prompts(prompts.points_xy[:, kept], prompts.point_labels[:, kept], prompts.centres_xy)


def _jittered(seeds: Seeds, rng: Rng) -> Seeds:
    """Boxes moved by up to a tenth of their sides, points by up to a quarter of the way to the edge."""
    sides = np.tile(seeds.boxes_xyxy[:, 2:] - seeds.boxes_xyxy[:, :2], (1, 2))
    boxes = seeds.boxes_xyxy + rng.uniform(-0.1, 0.1, sides.shape) * sides
    points = seeds.points_xy + rng.uniform(-0.08, 0.08, seeds.points_xy.shape) * sides[:, :2]
    return Seeds(seeds.outlines, seeds.ids, points, boxes)


def _coverage(truth: NDArray[np.int32], labels: NDArray[np.int32], corners: torch.Tensor, side: int) -> torch.Tensor:
    """Share of each logit's square that the prompted tessera covers, float32 (N, 4 * side, 4 * side)."""
    size = side * TOKEN_PX
    windows = [
        truth[y * TOKEN_PX : y * TOKEN_PX + size, x * TOKEN_PX : x * TOKEN_PX + size] == label
        for (x, y), label in zip(corners.tolist(), labels, strict=True)
    ]
    return functional.avg_pool2d(torch.from_numpy(np.stack(windows)).float()[:, None], LOGIT_PX)[:, 0]


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


def _hard_iou(logits: torch.Tensor, coverage: torch.Tensor) -> torch.Tensor:
    predicted, true = logits > 0, (coverage > 0.5).expand_as(logits)
    union = (predicted | true).sum((2, 3)).clamp(min=1)
    return (predicted & true).sum((2, 3)) / union
