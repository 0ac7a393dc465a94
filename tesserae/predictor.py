"""The only wrapper of a SAM 2 model: embed a tile, decode prompts on all tokens of the embedding or in windows of it.

Coordinates are tile pixels (x, y), the tile being as large as the model's input. Logits have a stride of 4 tile pixels.
The mask decoder's cost grows with the tokens it attends to, and a tessera needs only its neighbourhood: a window is a square of tokens
around each prompt, with its own slices of the position code and of the high-resolution features; prompt coordinates stay absolute.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tesserae.architecture import SAM2Base
from tesserae.finder import FinderHead, FinderMaps

TOKEN_PX = 16
LOGIT_PX = 4
MASK_PROMPT_LOGIT = 6.0
_PIXEL_MEAN = (0.485, 0.456, 0.406)
_PIXEL_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Embedding:
    """What the encoder says of one tile of S pixels; C is the model's width.

    Attributes:
        tokens: (1, C, S/16, S/16).
        fine: (1, C/8, S/4, S/4), high-resolution features of the mask decoder.
        middle: (1, C/4, S/8, S/8), the same at half the resolution.
    """

    tokens: torch.Tensor
    fine: torch.Tensor
    middle: torch.Tensor


@dataclass(frozen=True)
class Prompts:
    """N prompts on one tile, one for each wanted mask.

    Attributes:
        points_xy: float32 (N, K, 2), tile pixels; a box is its two corners, given as points with labels 2 and 3.
        point_labels: int32 (N, K): 1 = inside, 0 = outside, 2 and 3 = first and last corner of a box.
        centres_xy: float32 (N, 2), where each prompt's window is centred.
        instances: int32 (S, S) map of first outlines that serve as mask prompts, or None.
        ids: int32 (N,), the value in `instances` that belongs to each prompt, or None.
    """

    points_xy: NDArray[np.float32]
    point_labels: NDArray[np.int32]
    centres_xy: NDArray[np.float32]
    instances: NDArray[np.int32] | None = None
    ids: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.points_xy)

    def take(self, index: NDArray[np.intp] | slice) -> "Prompts":
        """Return the prompts of `index`."""
        ids = None if self.ids is None else self.ids[index]
        return Prompts(self.points_xy[index], self.point_labels[index], self.centres_xy[index], self.instances, ids)


@dataclass(frozen=True)
class Decoded:
    """Masks of N prompts as the decoder gives them.

    Attributes:
        logits: float32 (N, M, h, w), stride 4; above 0 is mask. M is 1, or 3 with multimask output, or 4 with all outputs.
        predicted_iou: float32 (N, M).
        origins_xy: int64 (N, 2), tile pixel of the corner of each logit window.
    """

    logits: torch.Tensor
    predicted_iou: torch.Tensor
    origins_xy: torch.Tensor


class Predictor:
    """A SAM 2 model on a device; holds no state of any photo."""

    def __init__(self, model: SAM2Base, device: torch.device, *, bfloat16: bool) -> None:
        self.model = model.to(device)
        self.device = device
        self.bfloat16 = bfloat16
        self.tile_px = int(model.image_size)
        self.grid = self.tile_px // TOKEN_PX

    def embed(self, tile: NDArray[np.uint8]) -> tuple[Embedding, list[torch.Tensor]]:
        """Embed a tile uint8 (S, S, 3); also return the neck's raw levels (strides 4, 8, 16) for a finder head."""
        with self._inference():
            levels: list[torch.Tensor] = self.model.image_encoder(normalise_tile(tile, self.device))["backbone_fpn"]
            return embedding_of_levels(self.model, levels), levels

    def decode(self, embedding: Embedding, prompts: Prompts, *, window: int | None, multimask: bool = False) -> Decoded:
        """Decode prompts on windows of `window` x `window` tokens, or on all tokens if None."""
        with self._inference():
            logits, predicted_iou, origins = decode_prompts(self.model, embedding, prompts, window)
        chosen = slice(1, 4) if multimask else slice(0, 1)
        return Decoded(logits[:, chosen].float(), predicted_iou[:, chosen].float(), origins)

    def find(self, finder: FinderHead, tile: NDArray[np.uint8], levels: list[torch.Tensor]) -> FinderMaps:
        """Run a finder head on a tile and the levels that `embed` gave for it."""
        with self._inference():
            return maps_of_outputs(*finder(normalise_tile(tile, self.device), levels))

    def _inference(self) -> AbstractContextManager[object]:
        return _Inference(self.device.type, self.bfloat16)


class _Inference:
    """inference_mode and autocast as one context."""

    def __init__(self, device_type: str, bfloat16: bool) -> None:
        self._contexts = (torch.inference_mode(), torch.autocast(device_type, torch.bfloat16, enabled=bfloat16))

    def __enter__(self) -> None:
        for context in self._contexts:
            context.__enter__()

    def __exit__(self, *exception: object) -> None:
        for context in reversed(self._contexts):
            context.__exit__(*exception)


def maps_of_outputs(full: torch.Tensor, log_side: torch.Tensor) -> FinderMaps:
    """Return the maps of the first tile in a finder head's outputs, logits (B, 2, H, W) and log_side (B, 1, H/16, W/16)."""
    side = functional.interpolate(log_side.float(), size=full.shape[-2:], mode="bilinear", align_corners=False)
    maps = (full[0, 0].float().sigmoid(), full[0, 1].float(), side[0, 0])
    interior, distance, log_side_px = (value.cpu().numpy() for value in maps)
    return FinderMaps(interior, distance, log_side_px)


def normalise_tile(tile: NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """Return (1, 3, H, W) float32 as every SAM 2 encoder expects it, from uint8 (H, W, 3)."""
    return normalise(torch.from_numpy(np.ascontiguousarray(tile)).to(device).permute(2, 0, 1)[None])


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """Return (B, 3, H, W) float32 as every SAM 2 encoder expects it, from uint8 (B, 3, H, W)."""
    mean = torch.tensor(_PIXEL_MEAN, device=pictures.device).view(1, 3, 1, 1)
    std = torch.tensor(_PIXEL_STD, device=pictures.device).view(1, 3, 1, 1)
    return (pictures.float() / 255 - mean) / std


def embedding_of_levels(model: SAM2Base, levels: list[torch.Tensor]) -> Embedding:
    """Turn the neck's three levels into what the mask decoder takes (a still image: no memory of earlier frames)."""
    decoder = model.sam_mask_decoder
    tokens = levels[2]
    if model.directly_add_no_mem_embed:
        tokens = tokens + model.no_mem_embed.view(1, -1, 1, 1)
    return Embedding(tokens, decoder.conv_s0(levels[0]), decoder.conv_s1(levels[1]))


def decode_prompts(
    model: SAM2Base, embedding: Embedding, prompts: Prompts, window: int | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return logits (N, 4, h, w), predicted IoU (N, 4) and window origins (N, 2) of all four outputs of the decoder.

    Output 0 is the single mask, outputs 1 to 3 are the alternatives of multimask output. Differentiable.
    """
    device, grid = embedding.tokens.device, embedding.tokens.shape[-1]
    side = grid if window is None else min(window, grid)
    first_token = window_corners(prompts.centres_xy, side, grid).to(device)
    encoder = model.sam_prompt_encoder
    points = (torch.from_numpy(prompts.points_xy).to(device), torch.from_numpy(prompts.point_labels).to(device))
    masks = _mask_prompts(prompts, first_token, side)
    sparse, dense = encoder(points=points, boxes=None, masks=masks)
    if masks is None:
        dense = dense[:, :, :side, :side]  # one learned vector everywhere
    cut = [_windows(level, first_token, side, factor) for level, factor in _decoder_inputs(model, embedding)]
    logits, predicted_iou = _run_decoder(model, sparse, dense, *cut)
    return logits, predicted_iou, first_token * TOKEN_PX


def window_corners(centres_xy: NDArray[np.float32], side: int, grid: int) -> torch.Tensor:
    """Return the first token (x, y) int64 (N, 2) of the window of `side` tokens around each centre, kept inside the grid."""
    corner = np.round(centres_xy / TOKEN_PX - side / 2).astype(np.int64)
    return torch.from_numpy(np.clip(corner, 0, grid - side))


def batches(prompts: Prompts, size: int) -> Iterator[Prompts]:
    """Yield the prompts in batches of at most `size`."""
    for start in range(0, len(prompts), size):
        yield prompts.take(slice(start, start + size))


def _decoder_inputs(model: SAM2Base, embedding: Embedding) -> list[tuple[torch.Tensor, int]]:
    """The four maps that windows are cut from, with their resolution in cells per token."""
    position = model.sam_prompt_encoder.get_dense_pe()
    return [(embedding.tokens, 1), (position, 1), (embedding.fine, 4), (embedding.middle, 2)]


def _windows(level: torch.Tensor, first_token: torch.Tensor, side: int, factor: int) -> torch.Tensor:
    """Cut (N, C, side * factor, side * factor) windows from level (1, C, H, W); no copy if the window is the whole."""
    size = side * factor
    if size == level.shape[-1]:
        return level.expand(len(first_token), -1, -1, -1)
    steps = torch.arange(size, device=level.device)
    columns = first_token[:, :1] * factor + steps
    rows = first_token[:, 1:] * factor + steps
    return level[0][:, rows[:, :, None], columns[:, None, :]].transpose(0, 1)


def _mask_prompts(prompts: Prompts, first_token: torch.Tensor, side: int) -> torch.Tensor | None:
    """Coverage of each first outline in its window, as logits (N, 1, 4 * side, 4 * side) between plus and minus the constant."""
    if prompts.instances is None or prompts.ids is None:
        return None
    instances = torch.from_numpy(prompts.instances).to(first_token.device)[None, None]
    ids = torch.from_numpy(prompts.ids).to(first_token.device).view(-1, 1, 1, 1)
    own = (_windows(instances, first_token, side, TOKEN_PX) == ids).float()
    return (functional.avg_pool2d(own, LOGIT_PX) - 0.5) * (2 * MASK_PROMPT_LOGIT)


def _run_decoder(
    model: SAM2Base,
    sparse: torch.Tensor,
    dense: torch.Tensor,
    tokens: torch.Tensor,
    position: torch.Tensor,
    fine: torch.Tensor,
    middle: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run SAM 2's mask decoder on windows that differ from prompt to prompt.

    The package's own `predict_masks` wants one position code for all prompts, therefore its parts are called here one by one.
    """
    decoder = model.sam_mask_decoder
    learned = [decoder.obj_score_token.weight] if decoder.pred_obj_scores else []
    learned += [decoder.iou_token.weight, decoder.mask_tokens.weight]
    queries = torch.cat(learned)[None].expand(len(sparse), -1, -1)
    answers, attended = decoder.transformer(tokens + dense, position, torch.cat([queries, sparse], 1))
    first_mask = len(learned) - 1  # every entry but the last is one row
    masks_said = answers[:, first_mask : first_mask + decoder.num_mask_tokens]
    attended = attended.transpose(1, 2).reshape(tokens.shape)
    enlarge_once, normalise, activate, enlarge_twice, activate_last = decoder.output_upscaling
    enlarged = activate(normalise(enlarge_once(attended) + middle))
    enlarged = activate_last(enlarge_twice(enlarged) + fine)
    networks = decoder.output_hypernetworks_mlps
    weights = torch.stack([network(masks_said[:, k]) for k, network in enumerate(networks)], 1)
    logits = torch.einsum("nmc,nchw->nmhw", weights, enlarged)
    return logits, decoder.iou_prediction_head(answers[:, first_mask - 1])
