"""What a step of the fine-tune needs of a view, computed once: the frozen encoders' features, first outlines, and the truth.

Two kinds of views: at the checkpoint's own scale for its decoder, at the finder's scale for the finder head. Both are kept in the cache of
tiles, so that an epoch costs decoding only, and a second fine-tune on the same mosaics begins at once.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.decoding import seeds_of_outlines
from tesserae.labelmap import interior_points
from tesserae.models import Models
from tesserae.predictor import Embedding, Predictor, normalise_tile
from tesserae.pretraining.decoder_stage import first_outlines
from tesserae.pretraining.finder_stage import stack_targets
from tesserae.pretraining.prompts import UNKNOWN, DecoderCrop, crop_with_truth
from tesserae.training.views import Picture

Kept = dict[str, torch.Tensor]
"""Named tensors as they lie in the cache, on the CPU."""

_GOOD_OUTLINE_IOU = 0.4  # a first outline that agrees less with the stone under its seed is replaced by one made of the truth
_ERODED_PX = 3  # first outlines run inside the stone


@dataclass(frozen=True)
class DecoderView:
    """A view for the decoder, on the device: its embedding, or its normalised picture (1, 3, S, S) where the encoder learns, and truth."""

    embedding: Embedding | None
    picture: torch.Tensor | None
    crop: DecoderCrop


@dataclass(frozen=True)
class FinderView:
    """A view for the finder head, on the device: picture (1, 3, S, S), neck's levels, targets (1, 5, S, S), known (1, S, S) of 0 and 1."""

    picture: torch.Tensor
    levels: list[torch.Tensor]
    targets: torch.Tensor
    known: torch.Tensor


def decoder_features(picture: Picture, models: Models, *, frozen: bool) -> Kept:
    """Compute what is kept of a view for the decoder; with an encoder that is not `frozen` the image instead of its features."""
    outlines = first_outlines(picture.image, models.finder_predictor, models.finder, models.decode_side_px)
    kept = {"outlines": _small(complete_outlines(outlines, picture.truth)), "truth": _small(picture.truth)}
    if not frozen:
        return kept | {"image": torch.from_numpy(np.ascontiguousarray(picture.image))}
    embedding, _ = models.predictor.embed(picture.image)
    return kept | {name: value.half().cpu() for name, value in vars(embedding).items()}


def decoder_view(kept: Kept, predictor: Predictor, *, mask_prompts: bool) -> DecoderView:
    """Put a kept view on the predictor's device."""
    seeds = seeds_of_outlines(kept["outlines"].numpy().astype(np.int32))
    crop = crop_with_truth(seeds, kept["truth"].numpy().astype(np.int32), mask_prompts=mask_prompts)
    if "image" in kept:
        return DecoderView(None, normalise_tile(kept["image"].numpy(), predictor.device), crop)
    embedding = Embedding(*(kept[name].to(predictor.device).float() for name in ("tokens", "fine", "middle")))
    return DecoderView(embedding, None, crop)


def finder_features(picture: Picture, predictor: Predictor) -> Kept:
    """Compute what is kept of a view for the finder head."""
    _, levels = predictor.embed(picture.image)
    named = {f"level {number}": level.half().cpu() for number, level in enumerate(levels)}
    return named | {"image": torch.from_numpy(np.ascontiguousarray(picture.image)), "truth": _small(picture.truth)}


def finder_view(kept: Kept, device: torch.device) -> FinderView:
    """Put a kept view on a device."""
    truth = kept["truth"].numpy().astype(np.int32)
    known = torch.from_numpy((truth != UNKNOWN).astype(np.float32))[None].to(device)
    targets = torch.from_numpy(stack_targets(np.maximum(truth, 0)))[None].to(device)
    levels = [kept[f"level {number}"].to(device).float() for number in range(3)]
    return FinderView(normalise_tile(kept["image"].numpy(), device), levels, targets, known)


def complete_outlines(outlines: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return first outlines (S, S) with one for every tessera of the truth (S, S).

    Outlines that agree with the tessera under their seed stay; the other tesserae get one that runs as far inside the stone as first
    outlines do. So the decoder learns also of stones that the finder does not see yet.
    """
    good, met = _agreeing(outlines, truth)
    kept = np.where(good[outlines], outlines, 0).astype(np.int32)
    stones = np.where(np.isin(truth, met), 0, np.maximum(truth, 0))
    inner = cv2.erode((stones > 0).astype(np.uint8), np.ones((_ERODED_PX, _ERODED_PX), np.uint8)) > 0
    added = np.where(inner & (kept == 0), stones, 0)
    return np.where(added > 0, added + np.int32(outlines.max(initial=0)), kept)


def _agreeing(outlines: NDArray[np.int32], truth: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Which outlines, by number, agree with a tessera, and with which ones."""
    good = np.zeros(int(outlines.max(initial=0)) + 1, dtype=bool)
    seeds = interior_points(outlines)
    column, row = seeds.points_xy.astype(int).T
    below = truth[row, column]
    area, true_area = np.bincount(outlines.ravel()), np.bincount(np.maximum(truth, 0).ravel())
    on_stone = below > 0
    labels, stones = seeds.labels[on_stone], below[on_stone]
    own = np.zeros(len(good), dtype=np.int32)
    own[labels] = stones
    overlap = np.bincount(outlines[(own[outlines] == truth) & (outlines > 0)].ravel(), minlength=len(good))[labels]
    iou = overlap / (area[labels] + true_area[stones] - overlap)
    agrees = iou >= _GOOD_OUTLINE_IOU
    good[labels[agrees]] = True
    return good, np.unique(stones[agrees])


def _small(labels: NDArray[np.int32]) -> torch.Tensor:
    """A view has far fewer than 32,000 tesserae."""
    return torch.from_numpy(labels.astype(np.int16))
