"""The paper's automatic mask generator, as the reference: a grid of points on the photo and on crops of it.

The masks are those of the sam2 package's `SAM2AutomaticMaskGenerator` with the same settings and any checkpoint, but no
mask is ever as large as the photo: it stays a window of decoder logits while it is scored, boxed and compared with
others, and becomes pixels, inside its own box, when it has survived. The package enlarges the masks of a whole batch
to the full photo: 9 GB for 64 points with three masks each at 12 megapixels.

Where it differs from the package, no mask does: empty masks (possible only with thresholds of 0) are never returned,
boxes are half open, and small regions are left alone unless asked for, see `GridSettings.clean_regions`. In bfloat16
the masks are as good but not the same: the package computes in float32.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.errors import PhotoError
from tesserae.grid.candidates import Candidate, GridMask, clean_small_regions, score_mask
from tesserae.grid.plan import PUBLISHED, Box, GridSettings, count_points, crop_boxes, cut_cells, points_of_crop
from tesserae.predictor import Decoded, Embedding, Predictor, Prompts, embedding_of_levels

__all__ = ["PUBLISHED", "GridMask", "GridResult", "GridSettings", "count_points", "generate_masks", "segment_grid"]

Progress = Callable[[float, str], None]

_EDGE_PX = 20
_MAX_IOU, _MAX_CONTAINED, _MIN_FREE = 0.5, 0.75, 0.5
# mean and spread of the pixels that every SAM 2 encoder was trained with
_MEAN, _SPREAD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@dataclass(frozen=True)
class GridResult:
    """Tesserae of a photo.

    Attributes:
        labels: int32 (H, W), 0 = mortar, 1 to N without gaps, best tessera first.
        predicted_iou: by label.
        stability: by label.
    """

    labels: NDArray[np.int32]
    predicted_iou: dict[int, float]
    stability: dict[int, float]


class _Meter:
    """Counts decoded points and reports their share of all."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def advance(self, points: int, text: str) -> None:
        self._done += points
        if self._progress is not None:
            self._progress(self._done / self._total, text)


def generate_masks(
    image: NDArray[np.uint8],
    predictor: Predictor,
    settings: GridSettings = PUBLISHED,
    progress: Progress | None = None,
) -> list[GridMask]:
    """Return the masks that the package's generator gives for `image`, uint8 (H, W, 3).

    `progress(fraction, text)` is called before each crop and after each batch of points; what it raises ends the work.
    Raises PhotoError when the image is no uint8 (H, W, 3), or too small for the layers of crops.
    """
    _check_image(image)
    meter = _Meter(progress, count_points(settings))
    return [candidate.to_pixels() for candidate in _find_in_cell(image, predictor, settings, meter, "")]


def segment_grid(
    image: NDArray[np.uint8],
    predictor: Predictor,
    settings: GridSettings = PUBLISHED,
    *,
    cells: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> GridResult:
    """Run the generator on `image`, uint8 (H, W, 3), or on `cells` = (rows, columns) of it, and paint a label map.

    Masks of `max_area_share` of their cell or more are dropped. The others are ranked: first those that are whole in
    their cell (one that touches an inner edge of its cell may be half a tessera, which the neighbour holds whole), then
    by predicted IoU x stability. In this order each takes the pixels that are still free. A mask is dropped if it is
    nearly the same as a better one (IoU above 0.5, or more than 0.75 of the smaller of both shared), or if less than
    half of it is free.

    `progress` is as in `generate_masks`. Raises PhotoError when the image is no uint8 (H, W, 3) or a cell is too small
    for the layers of crops; TesseraeError when there is no cell.
    """
    _check_image(image)
    boxes = cut_cells(image.shape, cells or (1, 1), settings.cell_overlap_ratio)
    meter = _Meter(progress, count_points(settings) * len(boxes))
    found: list[Candidate] = []
    for number, (x0, y0, x1, y1) in enumerate(boxes, 1):
        where = f"cell {number} of {len(boxes)}, " if len(boxes) > 1 else ""
        in_cell = _find_in_cell(image[y0:y1, x0:x1], predictor, settings, meter, where)
        below = settings.max_area_share * (x1 - x0) * (y1 - y0)
        moved = (candidate.moved(x0, y0) for candidate in in_cell if candidate.area_px < below)
        found += [_marked_if_cut(candidate, (x0, y0, x1, y1), image.shape) for candidate in moved]
    found.sort(key=lambda candidate: (candidate.is_cut, -candidate.predicted_iou * candidate.stability))
    if len(boxes) > 1:
        found = _suppress(found, [-float(rank) for rank in range(len(found))], settings.crop_nms_thresh)
    return _paint(found, image.shape)


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PhotoError(f"An image is uint8, height by width by 3, found {image.dtype} {image.shape}. Read photos with read_photo.")


def _find_in_cell(image: NDArray[np.uint8], predictor: Predictor, settings: GridSettings, meter: _Meter, where: str) -> list[Candidate]:
    """Find the masks of one cell, in its frame, without duplicates within and between its crops."""
    crops = crop_boxes(image.shape, settings)
    found: list[Candidate] = []
    scores: list[float] = []
    for number, (crop, layer) in enumerate(crops, 1):
        x0, y0, x1, y1 = crop
        text = f"{where}crop {number} of {len(crops)}"
        meter.advance(0, text)
        in_crop: list[Candidate] = []
        embedding = _embed(image[y0:y1, x0:x1], predictor)
        points = points_of_crop((y1 - y0, x1 - x0), layer, settings)
        for start in range(0, len(points), settings.points_per_batch):
            batch = points[start : start + settings.points_per_batch]
            decoded = _decode(embedding, predictor, batch, (y1 - y0, x1 - x0), settings)
            in_crop += _good_masks(decoded, batch, (y1 - y0, x1 - x0), settings)
            meter.advance(len(batch), text)
        moved = [candidate.moved(x0, y0) for candidate in in_crop]
        whole = [candidate for candidate in moved if not _is_near_crop_edge(candidate.box_xyxy, crop, image.shape)]
        kept = _suppress(whole, [candidate.predicted_iou for candidate in whole], settings.box_nms_thresh)
        found += kept
        scores += [1 / ((x1 - x0) * (y1 - y0))] * len(kept)
    return _suppress(found, scores, settings.crop_nms_thresh) if len(crops) > 1 else found


def _embed(crop: NDArray[np.uint8], predictor: Predictor) -> Embedding:
    """Embed a crop, uint8 (h, w, 3), stretched to the model's square as the package does: never rounded to uint8 again.

    One channel after the other, because the float copy of a large photo is the largest array of all here.
    """
    from torchvision.transforms.functional import InterpolationMode, normalize, resize  # two seconds that only the grid is worth

    side = [predictor.tile_px, predictor.tile_px]
    channels = (torch.from_numpy(np.ascontiguousarray(crop[None, :, :, k])).float().div(255) for k in range(3))
    stretched = [resize(channel, side, InterpolationMode.BILINEAR, antialias=True) for channel in channels]
    tile = normalize(torch.cat(stretched), _MEAN, _SPREAD)[None].to(predictor.device)
    with torch.inference_mode(), torch.autocast(predictor.device.type, torch.bfloat16, enabled=predictor.bfloat16):
        return embedding_of_levels(predictor.model, predictor.model.image_encoder(tile)["backbone_fpn"])


def _decode(
    embedding: Embedding,
    predictor: Predictor,
    points_xy: NDArray[np.float32],
    shape: tuple[int, int],
    settings: GridSettings,
) -> Decoded:
    """Ask for the masks of points (N, 2), crop pixels, on all tokens: the reference knows no windows."""
    size = np.array([shape[1], shape[0]], dtype=np.float32)
    on_tile = points_xy / size * np.float32(predictor.tile_px)
    prompts = Prompts(on_tile[:, None], np.ones((len(on_tile), 1), dtype=np.int32), on_tile)
    return predictor.decode(embedding, prompts, window=None, multimask=settings.multimask_output)


def _good_masks(decoded: Decoded, points_xy: NDArray[np.float32], shape: tuple[int, int], settings: GridSettings) -> Iterator[Candidate]:
    """Yield the masks of a batch, crop frame, that pass; the predicted IoU decides before anything is enlarged."""
    predicted_iou = decoded.predicted_iou.flatten()
    good = torch.ones_like(predicted_iou, dtype=torch.bool)
    if settings.pred_iou_thresh > 0:
        good = predicted_iou > settings.pred_iou_thresh
    logits = decoded.logits.flatten(0, 1)[good].cpu().numpy()
    sources = points_xy[np.flatnonzero(good.cpu().numpy()) // decoded.logits.shape[1]].tolist()
    for mask, iou, (x, y) in zip(logits, predicted_iou[good].tolist(), sources, strict=True):
        cleaned = clean_small_regions(mask, settings.min_mask_region_area) if settings.clean_regions else mask
        candidate = score_mask(cleaned, shape, settings, iou, (x, y))
        if candidate is not None:
            yield candidate


def _is_near_crop_edge(box_xyxy: Box, crop: Box, shape: tuple[int, ...]) -> bool:
    """Tell whether a box lies within 20 px of an edge of its crop that is no edge of the cell: it may be cut there."""
    inclusive = np.array(box_xyxy) - (0, 0, 1, 1)  # the package measures to the last pixel inside
    near_crop = np.abs(inclusive - crop) <= _EDGE_PX
    near_cell = np.abs(inclusive - (0, 0, shape[1], shape[0])) <= _EDGE_PX
    return bool((near_crop & ~near_cell).any())


def _marked_if_cut(candidate: Candidate, cell: Box, shape: tuple[int, ...]) -> Candidate:
    """Mark a candidate, photo frame, whose box touches an edge of its cell that is no edge of the photo."""
    at_cell = np.array(candidate.box_xyxy) == cell
    inner = np.array(cell) != (0, 0, shape[1], shape[0])
    return replace(candidate, is_cut=bool((at_cell & inner).any()))


def _suppress(candidates: list[Candidate], scores: list[float], max_iou: float) -> list[Candidate]:
    """Return the candidates, best score first, of which none has a box IoU above `max_iou` with a better one."""
    if not candidates:
        return []
    from torchvision.ops import batched_nms  # see `_embed`

    inclusive = torch.tensor([candidate.box_xyxy for candidate in candidates]) - torch.tensor([0, 0, 1, 1])
    one_kind = torch.zeros(len(candidates), dtype=torch.int64)
    keep = batched_nms(inclusive.float(), torch.tensor(scores, dtype=torch.float32), one_kind, max_iou)
    return [candidates[index] for index in keep.tolist()]


def _paint(ranked: list[Candidate], shape: tuple[int, ...]) -> GridResult:
    """Paint masks, best first, each on what is free, without those that nearly are a better one or have little left."""
    labels = np.zeros(shape[:2], dtype=np.int32)
    painted: list[Candidate] = []
    for candidate in ranked:
        mask = candidate.to_pixels()
        x0, y0, x1, y1 = mask.box_xyxy
        under = labels[y0:y1, x0:x1]  # a view
        values, pixels = np.unique(under[mask.crop], return_counts=True)
        free = pixels[values == 0].sum()
        areas = np.array([painted[label - 1].area_px for label in values[values > 0]], dtype=np.int64)
        if free < _MIN_FREE * candidate.area_px or _is_nearly_one(candidate.area_px, areas, pixels[values > 0]):
            continue
        painted.append(candidate)
        under[mask.crop & (under == 0)] = len(painted)
    predicted_iou = {label: candidate.predicted_iou for label, candidate in enumerate(painted, 1)}
    stability = {label: candidate.stability for label, candidate in enumerate(painted, 1)}
    return GridResult(labels, predicted_iou, stability)


def _is_nearly_one(area: int, others: NDArray[np.int64], shared: NDArray[np.int64]) -> bool:
    """Tell whether a mask is the same thing as one of the `others` (areas), given the pixels shared with each."""
    union = area + others - shared
    return bool(((shared > _MAX_IOU * union) | (shared > _MAX_CONTAINED * np.minimum(area, others))).any())
