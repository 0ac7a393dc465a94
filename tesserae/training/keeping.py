"""Judges each epoch and writes it down: the journal's line, a picture of masks, and event files for TensorBoard."""

import time
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from tensorboardX import SummaryWriter

from tesserae.corrections.boxes import mask_box
from tesserae.dataset import Part
from tesserae.models import Models
from tesserae.overlay import paint_overlay
from tesserae.results import encode_png, peak_rss_mb
from tesserae.tilecache import TileCache
from tesserae.training.journal import Epoch, Journal
from tesserae.training.validate import JUDGED_WITH, Judged, as_they_are, judge_models

_SAMPLE_PX = 480


class EpochKeeper:
    """Called by the loop after each epoch with its number and mean losses; returns the goodness on the validation parts.

    Args:
        live: the models that learn, as they are at each moment.
        parts: of the validation.
        cache: of the installation.
    """

    def __init__(self, journal: Journal, live: Models, parts: tuple[Part, ...], cache: TileCache) -> None:
        self._journal, self._live, self._parts, self._cache = journal, live, parts, cache
        self._board = SummaryWriter(str(journal.folder))
        earlier = journal.epochs()
        self._before_s = earlier[-1].elapsed_s if earlier else 0.0
        self._started = time.monotonic()

    def __call__(self, number: int, losses: Mapping[str, float]) -> float:
        """Judge, and write down."""
        judged = judge_models(as_they_are(self._live), self._parts, self._cache, JUDGED_WITH)
        epoch = Epoch(
            epoch=number,
            elapsed_s=round(self._before_s + time.monotonic() - self._started, 1),
            loss={name: round(value, 6) for name, value in losses.items()},
            validation=judged.mean.as_dict(),
            per_mosaic={name: figures.as_dict() for name, figures in judged.figures.items()},
            memory_mb=_memory_mb(self._live.predictor.device),
            device=str(self._live.predictor.device),
        )
        self._journal.keep_epochs([*(each for each in self._journal.epochs() if each.epoch < number), epoch])
        self._journal.keep_sample(number, encode_png(_draw_sample(judged)))
        self._tell_board(epoch)
        return judged.mean.goodness

    def _tell_board(self, epoch: Epoch) -> None:
        for group, values in (("loss", epoch.loss), ("validation", epoch.validation)):
            for name, value in values.items():
                if value is not None:
                    self._board.add_scalar(f"{group}/{name}", value, epoch.epoch)
        self._board.flush()


def _draw_sample(judged: Judged) -> NDArray[np.uint8]:
    """What the models find in the middle of the known ground of the first part, uint8 (h, w, 3)."""
    x0, y0, x1, y1 = mask_box(judged.ground.known)
    height, width = judged.labels.shape
    window = _middle(y0, y1, height), _middle(x0, x1, width)
    return paint_overlay(judged.ground.image[window], judged.labels[window])


def _middle(start: int, end: int, length: int) -> slice:
    """The middle of a stretch of an axis, moved so that the picture is as wide as the axis allows."""
    first = min(max((start + end) // 2 - _SAMPLE_PX // 2, 0), max(0, length - _SAMPLE_PX))
    return slice(first, first + _SAMPLE_PX)


def _memory_mb(device: torch.device) -> float:
    """The greatest memory so far: of the graphics card, else of this process."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    return round(peak_rss_mb() or 0.0, 1)
