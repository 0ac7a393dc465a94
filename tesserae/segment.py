"""Segmentation of one photo: the one path that the page, the command line and jobs share, for every checkpoint.

photo -> tessera scale -> the finder's first outlines (`tesserae.find`) -> the checkpoint's masks (`tesserae.refine`) -> label map.
Both passes finish one tile before the next begins, so that memory is bounded by the tile. With `fast`, the first outlines are the result;
with `prompts="grid"`, the paper's automatic mask generator is run instead (`tesserae.grid`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.checkpoints import Checkpoint
from tesserae.clock import Clock
from tesserae.find import find_side_px, find_tesserae
from tesserae.grid import GridSettings, segment_grid
from tesserae.measure import median_side_px
from tesserae.models import Models, load_models
from tesserae.options import SegmentOptions
from tesserae.refine import refine_tesserae
from tesserae.tilecache import PhotoMemory

Image = NDArray[np.uint8]
Progress = Callable[[float, str], None]

TOO_COARSE_PX = 6.0
MIN_COVERAGE = 0.12
MIN_COUNT = 5
_SHARE_OF_FINDING = 0.3  # of the progress bar, where outlines are refined afterwards


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
        stages_s: seconds spent in each of `tesserae.clock.STAGES`.
        warnings: sentences that belong beside the count.
        embeddings_id: that of `tesserae.models.Models`; "" where the checkpoint's embeddings are not kept, as with `fast` or the grid.
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
    embeddings_id: str = ""

    @property
    def count(self) -> int:
        """Number of tesserae."""
        return len(np.unique(self.labels)) - int((self.labels == 0).any())


@dataclass(frozen=True)
class _Outcome:
    """What a run found, before it is described."""

    labels: NDArray[np.int32]
    scores: dict[int, tuple[float, float]]
    decode: str
    agreement: float | None


def segment_photo(
    image: Image,
    checkpoint: Checkpoint,
    options: SegmentOptions,
    *,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
    memory: PhotoMemory | None = None,
) -> Segmentation:
    """Find every tessera of a photo uint8 (H, W, 3) in the working sRGB.

    `progress` is called with a share 0..1 and a word for the stage; an exception from it cancels the run. What `memory` keeps
    of the photo, from a run that was cut off or from another checkpoint with the same encoder, is not computed again.

    Raises:
        CheckpointError: the checkpoint, or the embedded model that finds the seeds, cannot be loaded.
        DeviceError: the device is not there.
    """
    report = progress or _silent
    if threads is not None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    clock = Clock()
    report(0.0, "load")
    with clock.stage("load"):
        models = load_models(checkpoint, device)
    return segment_image(image, models, options, clock, report, memory)


def segment_image(
    image: Image, models: Models, options: SegmentOptions, clock: Clock, report: Progress, memory: PhotoMemory | None
) -> Segmentation:
    """Find every tessera of a photo uint8 (H, W, 3) with loaded models; as `segment_photo` otherwise."""
    run = _segment_grid if options.prompts == "grid" else _segment_finder
    outcome = run(image, models, options, clock, report, memory)
    return _describe(outcome, models, options, clock)


def _segment_finder(
    image: Image, models: Models, options: SegmentOptions, clock: Clock, report: Progress, memory: PhotoMemory | None
) -> _Outcome:
    report(0.0, "find")
    side_px = find_side_px(image, models, clock, memory) if options.tessera_px is None else options.tessera_px
    share = 1.0 if options.fast else _SHARE_OF_FINDING
    labels = find_tesserae(image, models, side_px, clock, lambda done: report(share * done, "find"), memory)
    if options.fast or not labels.any():
        return _Outcome(labels, {}, "none", None)
    labels, refined = refine_tesserae(
        image, labels, models, side_px, options.decode, clock, lambda done: report(share + (1 - share) * done, "outline"), memory
    )
    decode = "full" if refined.mode.window is None else "window"
    return _Outcome(labels, refined.scores, decode, refined.agreement)


def _segment_grid(
    image: Image, models: Models, options: SegmentOptions, clock: Clock, report: Progress, _memory: PhotoMemory | None
) -> _Outcome:
    with clock.stage("decode"):
        found = segment_grid(image, models.predictor, GridSettings(), cells=options.cells, progress=report)
    scores = {label: (iou, found.stability[label]) for label, iou in found.predicted_iou.items()}
    return _Outcome(found.labels, scores, "full", None)


def _describe(outcome: _Outcome, models: Models, options: SegmentOptions, clock: Clock) -> Segmentation:
    return Segmentation(
        labels=outcome.labels,
        predicted_iou={label: iou for label, (iou, _) in outcome.scores.items()},
        stability={label: stability for label, (_, stability) in outcome.scores.items()},
        checkpoint=models.checkpoint.name,
        prompts=options.prompts,
        decode=outcome.decode,
        decode_agreement=outcome.agreement,
        device=str(models.predictor.device),
        dtype=models.dtype,
        median_side_px=median_side_px(outcome.labels),
        stages_s=clock.stages_s(),
        warnings=tuple(_warnings(outcome.labels)),
        embeddings_id="" if options.fast or options.prompts == "grid" else models.embeddings_id,
    )


def _warnings(labels: NDArray[np.int32]) -> list[str]:
    """Sentences on what makes the count doubtful."""
    count = int(labels.max(initial=0))
    side_px = median_side_px(labels)
    sentences = []
    if count < MIN_COUNT or (labels > 0).mean() < MIN_COVERAGE:
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
