"""Second pass over a photo: the chosen checkpoint draws the mask of every tessera that the finder outlined.

Works at the checkpoint's own scale, on its own tiles. Each tessera belongs to the tile whose core holds its interior point, so that seams
neither lose nor double one. A tessera keeps its first outline where the checkpoint gives no mask, or one that it trusts less than its
record asks (`least_predicted_iou`): refining never loses a count.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tesserae.canvas import Canvas, tidy_labels
from tesserae.clock import Clock
from tesserae.decoding import AGREEMENT_NEEDED, DecodeMode, Seeds, decode_seeds, seeds_of_outlines, window_agreement
from tesserae.embeddings import embed_tile, plan_embeddings
from tesserae.masks import TileMasks, best_of_duplicates, paint_masks
from tesserae.models import Models
from tesserae.predictor import Embedding
from tesserae.tilecache import PhotoMemory
from tesserae.tiling import Tile, labels_to_tile


@dataclass
class Refined:
    """The growing result.

    Attributes:
        canvas: refined masks so far.
        mode: how prompts are decoded; set by the first tile where it depends on the agreement.
        agreement: mean IoU of windowed and full masks on a sample, None where it was not measured.
        scores: predicted IoU and stability of each label of the canvas.
        outlined: scores of the tesserae that keep their first outline, by number.
    """

    canvas: Canvas
    mode: DecodeMode
    agreement: float | None = None
    scores: dict[int, tuple[float, float]] = field(default_factory=dict)
    outlined: dict[int, tuple[float, float]] = field(default_factory=dict)


def refine_tesserae(
    image: NDArray[np.uint8],
    labels: NDArray[np.int32],
    models: Models,
    side_px: float,
    decode: Literal["auto", "window", "full"],
    clock: Clock,
    report: Callable[[float], None],
    memory: PhotoMemory | None = None,
) -> tuple[NDArray[np.int32], Refined]:
    """Return the refined label map int32 (H, W), and how it came about, with scores for the labels of the map.

    Args:
        image: photo uint8 (H, W, 3).
        labels: first outlines int32 (H, W).
        models: the checkpoint to draw with.
        side_px: tessera side in photo pixels.
        decode: windows of the embedding, all of it, or as the photo's own agreement tells.
        clock: stages are added to it.
        report: hears the share of tiles that are done.
        memory: keeps the embeddings of the tiles.
    """
    shape = (image.shape[0], image.shape[1])
    outlined = seeds_of_outlines(labels)
    refined = Refined(Canvas(shape), DecodeMode(None if decode == "full" else models.window(), models.mask_prompts))
    tiles = plan_embeddings(shape, models, side_px)
    for number, tile in enumerate(tiles):
        report(number / len(tiles))
        _refine_tile(image, tile, outlined, models, refined, clock, memory, measure=decode == "auto")
    with clock.stage("paint"):
        _paint_first_outlines(refined, labels)
        tidy, old_numbers = tidy_labels(refined.canvas.labels)
    refined.scores = {new: refined.scores[old] for new, old in old_numbers.items() if old in refined.scores}
    return tidy, refined


def _refine_tile(
    image: NDArray[np.uint8],
    tile: Tile,
    outlined: Seeds,
    models: Models,
    refined: Refined,
    clock: Clock,
    memory: PhotoMemory | None,
    *,
    measure: bool,
) -> None:
    seeds = _seeds_of_tile(outlined, tile, (image.shape[0], image.shape[1]))
    if not len(seeds):
        return
    with clock.stage("embed"):
        embedding, _ = embed_tile(image, tile, models, memory)
    with clock.stage("decode"):
        if measure and refined.agreement is None:
            _choose_mode(models, embedding, seeds, refined)
        masks = decode_seeds(models.predictor, embedding, seeds, refined.mode)
        drawn = (masks.logits > 0).any(axis=(1, 2)) & (masks.predicted_iou >= models.least_predicted_iou)
        keep = best_of_duplicates(masks, tile.side) & drawn
    scores = _scores(masks)
    refined.outlined |= {int(seeds.ids[number]): scores[number] for number in np.flatnonzero(~drawn)}
    with clock.stage("paint"):
        _paint(masks.take(keep), tile, image.shape, refined)


def _seeds_of_tile(outlined: Seeds, tile: Tile, shape: tuple[int, int]) -> Seeds:
    """The tesserae that the tile answers for, in tile pixels, with the first outlines warped into the tile."""
    points = tile.points_to_tile(outlined.points_xy)
    own = tile.holds(points)
    if not own.any():
        return Seeds(np.zeros((0, 0), dtype=np.int32), outlined.ids[own], points[own], outlined.boxes_xyxy[own])
    boxes = outlined.boxes_xyxy[own] * tile.scale - (tile.x, tile.y, tile.x, tile.y)
    x0, y0, x1, y1 = tile.photo_box(shape)
    outlines = labels_to_tile(outlined.outlines[y0:y1, x0:x1], (x0, y0), tile)
    return Seeds(outlines, outlined.ids[own], points[own], boxes)


def _choose_mode(models: Models, embedding: Embedding, seeds: Seeds, refined: Refined) -> None:
    """Measure the agreement on this tile; a checkpoint that was not trained for windows gets them only where they agree."""
    refined.agreement = window_agreement(models.predictor, embedding, seeds, refined.mode)
    if not models.trained_for_windows and refined.agreement < AGREEMENT_NEEDED:
        refined.mode = DecodeMode(None, refined.mode.mask_prompts)


def _paint(masks: TileMasks, tile: Tile, shape: tuple[int, ...], refined: Refined) -> None:
    photo_box = tile.photo_box((shape[0], shape[1]))
    labels = refined.canvas.paint(photo_box, paint_masks(masks, tile, photo_box))
    scores = _scores(masks)
    refined.scores |= {label: scores[number - 1] for number, label in labels.items()}


def _paint_first_outlines(refined: Refined, labels: NDArray[np.int32]) -> None:
    """Paint the tesserae that keep their first outlines, where nothing else was painted."""
    if not refined.outlined:
        return
    height, width = labels.shape
    kept = np.asarray(list(refined.outlined))
    number = np.zeros(int(labels.max()) + 1, dtype=np.int32)
    number[kept] = np.arange(1, len(kept) + 1)
    for position, label in refined.canvas.paint((0, 0, width, height), number[labels]).items():
        refined.scores[label] = refined.outlined[int(kept[position - 1])]


def _scores(masks: TileMasks) -> list[tuple[float, float]]:
    """Predicted IoU and stability of each mask; 0 where it is empty."""
    filled = (masks.logits > 0).any(axis=(1, 2))
    return [(float(iou), float(stable)) for iou, stable in zip(masks.predicted_iou * filled, masks.stability() * filled, strict=True)]
