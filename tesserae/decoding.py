"""From the finder's first outlines to the chosen checkpoint's masks, on one tile: prompt, decode, ask again, drop duplicates.

Every tessera gives one prompt: its box, its interior point and, where the checkpoint was trained for it, the first outline as mask prompt.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.labelmap import interior_points
from tesserae.masks import TileMasks, held_points
from tesserae.predictor import LOGIT_PX, TOKEN_PX, Embedding, Predictor, Prompts, batches

AGREEMENT_NEEDED = 0.9  # mean IoU of windowed and full masks above which windows are used
AGREEMENT_SAMPLE = 12
_BATCH = 64
_NEGATIVES = 2  # other seeds given as negative points when a mask holds them
_BOX_SLACK = 0.06  # boxes are widened by this share of their sides: first outlines run inside the stone


@dataclass(frozen=True)
class Seeds:
    """The tesserae that the finder saw in one tile, or in a whole photo, in its pixels.

    Attributes:
        outlines: int32 (H, W), first outlines.
        ids: int32 (N,), numbers in `outlines`.
        points_xy: float64 (N, 2), interior points.
        boxes_xyxy: float64 (N, 4).
    """

    outlines: NDArray[np.int32]
    ids: NDArray[np.int32]
    points_xy: NDArray[np.float64]
    boxes_xyxy: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> "Seeds":
        """Return the seeds of `index`; the outlines stay whole."""
        return Seeds(self.outlines, self.ids[index], self.points_xy[index], self.boxes_xyxy[index])


@dataclass(frozen=True)
class DecodeMode:
    """How prompts are decoded.

    Attributes:
        window: tokens a side of the window, None = all tokens.
        mask_prompts: give the first outline as mask prompt.
    """

    window: int | None
    mask_prompts: bool


def seeds_of_outlines(outlines: NDArray[np.int32]) -> Seeds:
    """Return one seed for each outline of a tile or a photo."""
    found = interior_points(outlines)
    slices = ndimage.find_objects(outlines)
    boxes = [(c.start, r.start, c.stop, r.stop) for r, c in (slices[label - 1] for label in found.labels)]
    return Seeds(outlines, found.labels, found.points_xy, np.asarray(boxes, dtype=np.float64).reshape(-1, 4))


def decode_seeds(predictor: Predictor, embedding: Embedding, seeds: Seeds, mode: DecodeMode) -> TileMasks:
    """Return the masks of a tile's seeds, in the order of the seeds; empty masks are left in.

    A mask that holds the point of another seed is asked again with that point as a negative.
    """
    masks = decode_masks(predictor, embedding, seeds, prompts_of_seeds(seeds, mode), mode)
    others = [held[held != own][:_NEGATIVES] for own, held in enumerate(held_points(masks, seeds.points_xy))]
    greedy = np.flatnonzero([len(held) > 0 for held in others])
    if not len(greedy):
        return masks
    again = with_negatives(prompts_of_seeds(seeds.take(greedy), mode), seeds.points_xy, [others[k] for k in greedy])
    return masks.replace(greedy, decode_masks(predictor, embedding, seeds.take(greedy), again, mode))


def decode_masks(predictor: Predictor, embedding: Embedding, seeds: Seeds, prompts: Prompts, mode: DecodeMode) -> TileMasks:
    """Return the mask of each seed as its prompt asks for it."""
    decoded = [predictor.decode(embedding, batch, window=mode.window) for batch in batches(prompts, _BATCH)]
    logits, origins, scores = (
        np.concatenate(parts) for parts in zip(*(_to_numpy(d.logits, d.origins_xy, d.predicted_iou) for d in decoded), strict=True)
    )
    return TileMasks(logits[:, 0], origins, LOGIT_PX, seeds.points_xy, scores[:, 0])


def prompts_of_seeds(seeds: Seeds, mode: DecodeMode) -> Prompts:
    """Return one prompt for each seed: the two corners of its widened box, its point, and its outline if the mode has mask prompts."""
    boxes = seeds.boxes_xyxy
    slack = _BOX_SLACK * np.tile(boxes[:, 2:] - boxes[:, :2], (1, 2)) * (-1, -1, 1, 1)
    corners = (boxes + slack - (0, 0, 1, 1)).reshape(-1, 2, 2)
    points = np.concatenate([corners, seeds.points_xy[:, None]], 1).astype(np.float32)
    labels = np.tile(np.array([[2, 3, 1]], dtype=np.int32), (len(seeds), 1))
    centres = (0.5 * (boxes[:, :2] + boxes[:, 2:])).astype(np.float32)
    if not mode.mask_prompts:
        return Prompts(points, labels, centres)
    return Prompts(points, labels, centres, seeds.outlines, seeds.ids)


def with_negatives(prompts: Prompts, points_xy: NDArray[np.float64], others: list[NDArray[np.intp]]) -> Prompts:
    """Add two negative points to each prompt; where there is only one other, it is given twice."""
    twice = np.stack([np.resize(held, _NEGATIVES) for held in others])
    return with_points(prompts, points_xy[twice], np.zeros(twice.shape, dtype=np.int32))


def with_points(prompts: Prompts, points_xy: NDArray[np.float64], point_labels: NDArray[np.int32]) -> Prompts:
    """Add points (N, K, 2) with labels (N, K) to N prompts."""
    points = np.concatenate([prompts.points_xy, points_xy.astype(np.float32)], 1)
    labels = np.concatenate([prompts.point_labels, point_labels], 1)
    return Prompts(points, labels, prompts.centres_xy, prompts.instances, prompts.ids)


def window_agreement(predictor: Predictor, embedding: Embedding, seeds: Seeds, mode: DecodeMode) -> float:
    """Return the mean IoU of windowed and full masks on a sample of the tile's seeds; NaN without seeds."""
    sample = seeds.take(np.linspace(0, len(seeds) - 1, min(AGREEMENT_SAMPLE, len(seeds))).round().astype(np.intp))
    if not len(sample):
        return float("nan")
    prompts = prompts_of_seeds(sample, mode)
    windowed = predictor.decode(embedding, prompts, window=mode.window)
    full = predictor.decode(embedding, prompts, window=None)
    scores = []
    for small, whole, origin in zip(windowed.logits[:, 0], full.logits[:, 0], windowed.origins_xy.tolist(), strict=True):
        column, row = (corner // LOGIT_PX for corner in origin)
        placed = torch.zeros_like(whole, dtype=torch.bool)
        placed[row : row + small.shape[0], column : column + small.shape[1]] = small > 0
        union = (placed | (whole > 0)).sum()
        scores.append(float((placed & (whole > 0)).sum() / union) if union else 1.0)
    return float(np.mean(scores))


def window_for(side_px: float, grid: int) -> int:
    """Return the window in tokens for tesserae of `side_px` tile pixels: five sides, an even number, at least eight."""
    return min(grid, max(8, 2 * round(5.3 * side_px / TOKEN_PX / 2)))


def _to_numpy(*tensors: torch.Tensor) -> Iterator[NDArray[np.float32]]:
    return (tensor.cpu().numpy() for tensor in tensors)
