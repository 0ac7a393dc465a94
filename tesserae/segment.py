"""Segmentation of one photo: the one path that the page, the command line and jobs share, for every checkpoint.

photo -> tessera scale -> tiles -> embedding -> the finder's seeds and first outlines -> the checkpoint's masks -> label map.
Each tile is finished before the next begins, so that memory is bounded by the tile. With `fast`, the finder's outlines are the result;
with `prompts="grid"`, the paper's automatic mask generator is run instead (`tesserae.grid`).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.canvas import Canvas, tidy_labels
from tesserae.checkpoints import Checkpoint
from tesserae.decoding import AGREEMENT_NEEDED, DecodeMode, Seeds, decode_seeds, seeds_of_outlines, window_agreement
from tesserae.finder import outline_tesserae
from tesserae.grid import GridSettings, segment_grid
from tesserae.masks import best_of_duplicates, paint_masks, paint_outlines
from tesserae.measure import median_side_px
from tesserae.models import Models, load_models
from tesserae.predictor import Embedding
from tesserae.scale import TesseraScale, estimate_scale
from tesserae.tiling import Tile, cut_tile, plan_tiles

Image = NDArray[np.uint8]
Progress = Callable[[float, str], None]

STAGES = ("load", "find", "embed", "decode", "paint")
HALO_PX = 56  # finder pixels around a tile's core, more than two tesserae
SEAM_SLACK_PX = 4.0  # both tiles at a seam may claim a tessera this near to it; the canvas keeps one
TOO_COARSE_PX = 6.0
MIN_COVERAGE = 0.12
MIN_COUNT = 5


@dataclass(frozen=True)
class SegmentOptions:
    """What may be chosen for one run.

    Attributes:
        prompts: "finder" asks once per tessera; "grid" is the paper's automatic mask generator.
        cells: with "grid", (rows, columns) of overlapping cells that the photo is cut into first.
        decode: on windows of the embedding, on all of it, or as the photo's own agreement tells ("auto").
        fast: the finder's outlines are the result, without the checkpoint's decoder.
        tessera_px: tessera side in photo pixels if it is known; None lets the finder estimate it.
    """

    prompts: Literal["finder", "grid"] = "finder"
    cells: tuple[int, int] | None = None
    decode: Literal["auto", "window", "full"] = "auto"
    fast: bool = False
    tessera_px: float | None = None


@dataclass(frozen=True)
class Segmentation:
    """The result of one run.

    Attributes:
        labels: int32 (H, W), 0 = mortar, tesserae numbered from 1 in reading order.
        predicted_iou, stability: of each label, 0..1; empty with `fast`.
        checkpoint: name of the checkpoint that drew the outlines.
        prompts: "finder" or "grid".
        decode: "window", "full", or "none" with `fast`.
        decode_agreement: mean IoU of windowed and full masks on a sample; None where it was not measured.
        device, dtype: where and in what precision it ran.
        median_side_px: square root of the median area; NaN without tesserae.
        stages_s: seconds spent in each of `STAGES`.
        warnings: sentences that belong beside the count.
    """

    labels: NDArray[np.int32]
    predicted_iou: dict[int, float]
    stability: dict[int, float]
    checkpoint: str
    prompts: str
    decode: str
    decode_agreement: float | None
    device: str
    dtype: str
    median_side_px: float
    stages_s: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of tesserae."""
        return len(np.unique(self.labels)) - int((self.labels == 0).any())


@dataclass
class _Run:
    """What is known while one photo is worked on."""

    models: Models
    canvas: Canvas
    options: SegmentOptions
    clock: "_Clock"
    mode: DecodeMode
    agreement: float | None = None
    scores: dict[int, tuple[float, float]] = field(default_factory=dict)


def segment_photo(
    image: Image,
    checkpoint: Checkpoint,
    options: SegmentOptions,
    *,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Segmentation:
    """Find every tessera of a photo uint8 (H, W, 3) in the working sRGB.

    `progress` is called with a share 0..1 and a word for the stage; an exception from it cancels the run.

    Raises:
        CheckpointError: the checkpoint, or the embedded model that finds the seeds, cannot be loaded.
        DeviceError: the device is not there.
    """
    report = progress or _silent
    if threads is not None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    clock = _Clock()
    report(0.0, "load")
    with clock.stage("load"):
        models = load_models(checkpoint, device)
    if options.prompts == "grid":
        return _segment_grid(image, models, options, clock, report)
    return _segment_finder(image, models, options, clock, report)


def _segment_finder(image: Image, models: Models, options: SegmentOptions, clock: "_Clock", report: Progress) -> Segmentation:
    report(0.0, "find")
    with clock.stage("find"):
        scale = _known_or_estimated(image, models, options)
    shape = (image.shape[0], image.shape[1])
    mode = DecodeMode(None if options.decode == "full" else models.window(), models.mask_prompts)
    run = _Run(models, Canvas(shape), options, clock, mode)
    tiles = plan_tiles(shape, scale.model_scale(), models.finder_predictor.tile_px, HALO_PX)
    for number, tile in enumerate(tiles):
        report(number / len(tiles), "segment")
        _work_on_tile(image, tile, run)
    with clock.stage("paint"):
        labels, old_numbers = tidy_labels(run.canvas.labels)
    scores = {new: run.scores[old] for new, old in old_numbers.items() if old in run.scores}
    return _finish(labels, scores, run, _warnings(scale, labels))


def _work_on_tile(image: Image, tile: Tile, run: _Run) -> None:
    models, clock = run.models, run.clock
    photo_box = tile.photo_box((image.shape[0], image.shape[1]))
    with clock.stage("embed"):
        picture = cut_tile(image, tile)
        embedding, levels = models.finder_predictor.embed(picture)
    with clock.stage("find"):
        maps = models.finder_predictor.find(models.finder, picture, levels)
        outlines = outline_tesserae(maps)
        seeds = seeds_of_outlines(outlines)
        seeds = seeds.take(tile.holds(seeds.points_xy, SEAM_SLACK_PX))
    if not len(seeds):
        return
    if run.options.fast:
        with clock.stage("paint"):
            own = np.zeros(int(outlines.max()) + 1, dtype=np.int32)
            own[seeds.ids] = seeds.ids
            run.canvas.paint(photo_box, own[paint_outlines(outlines, maps.interior, tile, photo_box)])
        return
    fine_tile, fine_seeds = tile.enlarged(models.tile_factor), seeds.enlarged(models.tile_factor)
    if not models.shares_encoder:
        with clock.stage("embed"):
            embedding, _ = models.predictor.embed(cut_tile(image, fine_tile))
    _decode_tile(embedding, fine_tile, fine_seeds, photo_box, run)


def _decode_tile(embedding: Embedding, tile: Tile, seeds: Seeds, photo_box: tuple[int, int, int, int], run: _Run) -> None:
    predictor = run.models.predictor
    with run.clock.stage("decode"):
        if run.agreement is None and run.options.decode == "auto":
            run.agreement = window_agreement(predictor, embedding, seeds, run.mode)
            if not run.models.trained_for_windows and run.agreement < AGREEMENT_NEEDED:
                run.mode = DecodeMode(None, run.mode.mask_prompts)
        masks = decode_seeds(predictor, embedding, seeds, run.mode)
        masks = masks.take(best_of_duplicates(masks, tile.side))
    with run.clock.stage("paint"):
        labels = run.canvas.paint(photo_box, paint_masks(masks, tile, photo_box))
    stability = masks.stability()
    for number, label in labels.items():
        run.scores[label] = (float(masks.predicted_iou[number - 1]), float(stability[number - 1]))


def _segment_grid(image: Image, models: Models, options: SegmentOptions, clock: "_Clock", report: Progress) -> Segmentation:
    with clock.stage("decode"):
        found = segment_grid(image, models.predictor, GridSettings(), cells=options.cells, progress=report)
    shape = (image.shape[0], image.shape[1])
    run = _Run(models, Canvas(shape), options, clock, DecodeMode(None, mask_prompts=False))
    scores = {label: (iou, found.stability[label]) for label, iou in found.predicted_iou.items()}
    return _finish(found.labels, scores, run, _warnings(None, found.labels))


def _finish(labels: NDArray[np.int32], scores: dict[int, tuple[float, float]], run: _Run, warnings: list[str]) -> Segmentation:
    models, options = run.models, run.options
    windowed = "window" if run.mode.window is not None else "full"
    return Segmentation(
        labels=labels,
        predicted_iou={label: iou for label, (iou, _) in scores.items()},
        stability={label: stability for label, (_, stability) in scores.items()},
        checkpoint=models.checkpoint.name,
        prompts=options.prompts,
        decode="none" if options.fast and options.prompts == "finder" else windowed,
        decode_agreement=run.agreement,
        device=str(models.predictor.device),
        dtype=models.dtype,
        median_side_px=median_side_px(labels),
        stages_s=run.clock.stages_s(),
        warnings=tuple(warnings),
    )


def _known_or_estimated(image: Image, models: Models, options: SegmentOptions) -> TesseraScale:
    if options.tessera_px is not None:
        return TesseraScale(options.tessera_px, 1.0)
    predictor = models.finder_predictor
    return estimate_scale(image, lambda picture: predictor.find(models.finder, picture, predictor.embed(picture)[1]))


def _warnings(scale: TesseraScale | None, labels: NDArray[np.int32]) -> list[str]:
    """Sentences on what makes the count doubtful; `scale` is None where it was not estimated."""
    count = int(labels.max(initial=0))
    side_px = median_side_px(labels)
    sentences = []
    if count < MIN_COUNT or (labels > 0).mean() < MIN_COVERAGE or (scale is not None and scale.coverage < MIN_COVERAGE):
        sentences.append(
            f"This may not be a photograph of a mosaic: {count} tesserae were found on {(labels > 0).mean():.0%} of it. "
            "Check the picture, or crop it to the mosaic."
        )
    if count >= MIN_COUNT and side_px < TOO_COARSE_PX:
        sentences.append(
            f"The tesserae are only about {side_px:.1f} pixels a side in this photo, too coarse to be counted reliably. "
            "Use a photo with at least 10 pixels a tessera."
        )
    return sentences


def _silent(_share: float, _stage: str) -> None:
    """Progress that nobody watches."""


class _Clock:
    """Seconds spent in each stage."""

    def __init__(self) -> None:
        self._spent_s = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of the block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._spent_s[name] += time.perf_counter() - start

    def stages_s(self) -> dict[str, float]:
        """Return the seconds so far, rounded to milliseconds."""
        return {name: round(spent, 3) for name, spent in self._spent_s.items()}
