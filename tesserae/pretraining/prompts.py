"""What the mask decoder is asked in training: prompts of one crop, with the coverage that it should answer.

Serves the pretraining and the fine-tune alike.

Prompts are those of a run (the finder's outlines, as box, point and mask, with neighbours as negatives), and those of the sam2 package's
own tools: a box alone, and a point alone that may lie anywhere in a stone, or on mortar, where no mask is right.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tesserae.decoding import DecodeMode, Seeds, prompts_of_seeds, with_negatives
from tesserae.predictor import LOGIT_PX, TOKEN_PX, Prompts, window_corners
from tesserae.synthetic.noise import Rng

Kind = Literal["seed", "box and point", "box", "negatives", "point"]

PROMPTS_PER_STEP = 64
PROMPTS_ON_ALL_TOKENS = 8
SEED_KINDS: tuple[Kind, ...] = ("seed", "box and point", "box", "negatives")
_SEED_SHARES = (0.56, 0.14, 0.16, 0.14)
_WINDOWS: tuple[int | None, ...] = (8, 12, None)
_WINDOW_SHARES = (0.68, 0.12, 0.2)
_MORTAR_SHARE = 0.125  # of the points alone
_MORTAR = -1  # the "label" of a prompt on mortar: no pixel of the truth has it
UNKNOWN = -2  # in a truth map: nobody said what is there


@dataclass(frozen=True)
class DecoderCrop:
    """What prompts of a crop are drawn from.

    Attributes:
        seeds: the finder's.
        truth: label map int32 (S, S), 0 = mortar, `UNKNOWN` where nobody said what is there.
        true_label: int32 (N,), the true label of each seed.
        mask_prompts: whether the model takes first outlines as mask prompts.
    """

    seeds: Seeds
    truth: NDArray[np.int32]
    true_label: NDArray[np.int32]
    mask_prompts: bool = True


@dataclass(frozen=True)
class DecoderBatch:
    """Prompts of one crop with the wanted coverage, float32 (N, h, w) at logit resolution, in each prompt's window."""

    prompts: Prompts
    window: int | None
    coverage: torch.Tensor


def crop_with_truth(seeds: Seeds, truth: NDArray[np.int32], *, mask_prompts: bool = True) -> DecoderCrop:
    """Return the crop with those of its seeds that lie on a tessera of the truth int32 (S, S)."""
    column, row = seeds.points_xy.astype(int).T
    true_label = truth[row, column]
    known = true_label > 0
    return DecoderCrop(seeds.take(known), truth, true_label[known], mask_prompts)


def draw_seed_kind(rng: Rng) -> Kind:
    """Draw one of the kinds that begin with the finder's seeds."""
    return SEED_KINDS[int(rng.choice(len(SEED_KINDS), p=_SEED_SHARES))]


def draw_window(rng: Rng) -> tuple[int | None, int]:
    """Draw a window in tokens a side (None: all tokens), and how many prompts a step can afford in it."""
    window = _WINDOWS[int(rng.choice(len(_WINDOWS), p=_WINDOW_SHARES))]
    return window, PROMPTS_ON_ALL_TOKENS if window is None else PROMPTS_PER_STEP // (1 if window == 8 else 2)


def make_decoder_batch(crop: DecoderCrop, kind: Kind, grid: int, window: int | None, wanted: int, rng: Rng) -> DecoderBatch:
    """Draw up to `wanted` prompts of a kind (points: an eighth more, on mortar) from a crop whose embedding has `grid` tokens a side."""
    if kind == "point":
        prompts, labels = _draw_points(crop.truth, wanted, rng)
    else:
        chosen = rng.permutation(len(crop.seeds))[:wanted]
        prompts, labels = _draw_prompts(crop, chosen, kind, rng), crop.true_label[chosen]
    side = grid if window is None else window
    coverage = _coverage(crop.truth, labels, window_corners(prompts.centres_xy, side, grid), side)
    return DecoderBatch(prompts, window, coverage)


def _draw_points(truth: NDArray[np.int32], wanted: int, rng: Rng) -> tuple[Prompts, NDArray[np.int32]]:
    """One point anywhere in each of some tesserae, and some on mortar, with their true labels (N,)."""
    flat = truth.ravel()
    shuffled = rng.permutation(len(flat))
    _, first = np.unique(flat[shuffled], return_index=True)  # one random pixel of each label
    of_stone = rng.permutation(shuffled[first][flat[shuffled[first]] > 0])[:wanted]
    on_mortar = shuffled[flat[shuffled] == 0][: max(1, int(_MORTAR_SHARE * len(of_stone)))]
    pixels = np.concatenate([of_stone, on_mortar])
    points = np.stack([pixels % truth.shape[1], pixels // truth.shape[1]], 1).astype(np.float32)
    labels = np.where(flat[pixels] > 0, flat[pixels], _MORTAR).astype(np.int32)
    return Prompts(points[:, None], np.ones((len(points), 1), dtype=np.int32), points), labels


def _draw_prompts(crop: DecoderCrop, chosen: NDArray[np.intp], kind: Kind, rng: Rng) -> Prompts:
    seeds = _jittered(crop.seeds.take(chosen), rng)
    if kind == "seed":
        return prompts_of_seeds(seeds, DecodeMode(None, crop.mask_prompts))
    outlined = bool(kind == "negatives" and rng.random() < 0.7) and crop.mask_prompts
    prompts = prompts_of_seeds(seeds, DecodeMode(None, outlined))
    if kind == "negatives" and len(crop.seeds) > 1:
        away = np.abs(seeds.points_xy[:, None] - crop.seeds.points_xy[None]).max(2)
        nearest = np.argsort(away, axis=1)[:, 1:4]
        return with_negatives(prompts, crop.seeds.points_xy, [rng.permutation(row)[:2] for row in nearest])
    kept = slice(0, 3) if kind == "box and point" else slice(0, 2)
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
