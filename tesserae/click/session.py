"""Answers clicks with one checkpoint, and keeps the embeddings of the last tiles, so that a further click costs decoding only.

The decoder is prompted as in a run: a box, a point, a first outline. That outline is the drawn box with round corners; without a box,
what the finder sees there; else the checkpoint's answer to the point alone; where that finds nothing, a disc of usual size. Every
further click is drawn into it (docs/decisions.md has the measurements).
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from tesserae.click.clicks import Clicks
from tesserae.click.guess import Mask, disc, draw_clicks, part_at, rounded_box
from tesserae.click.view import View, ask_with_guess, ask_with_points, outline_tiles, outline_under, view_of_clicks
from tesserae.clock import Clock
from tesserae.corrections.operations import MaskRuns
from tesserae.decoding import DecodeMode, Seeds, decode_masks
from tesserae.embeddings import embed_tile
from tesserae.errors import CorrectionError
from tesserae.find import Pieces, recall_outlines
from tesserae.masks import TileMasks, paint_masks
from tesserae.models import Models
from tesserae.predictor import LOGIT_PX, Embedding, Prompts
from tesserae.tilecache import PhotoMemory

Value = TypeVar("Value")
Asked = tuple[Seeds, Prompts, DecodeMode]

KEPT_TILES = 2
TRUSTED_POINT = 0.4  # below this predicted IoU a point alone found nothing (docs/decisions.md)
_PLAUSIBLE_AREAS = (0.2, 6.0)  # of a stone that a point alone found, in squares of the tessera side


@dataclass(frozen=True)
class ClickedMask:
    """A stone as the checkpoint sees it.

    Attributes:
        mask: one 4-connected part without holes, in the photo.
        predicted_iou, stability: of the decoder's mask, 0..1.
        cached: whether the embedding was kept, in memory or on disk.
        elapsed_s: time of the click.
    """

    mask: MaskRuns
    predicted_iou: float
    stability: float
    cached: bool
    elapsed_s: float


class ClickSession:
    """Answers clicks with one checkpoint; threads may share it."""

    def __init__(self, models: Models, kept_tiles: int = KEPT_TILES) -> None:
        self.models = models
        self._embeddings: _Recent[Embedding] = _Recent(kept_tiles)
        self._outlines: _Recent[list[Pieces]] = _Recent(kept_tiles)

    def click(self, image: NDArray[np.uint8], clicks: Clicks, side_px: float, memory: PhotoMemory) -> ClickedMask:
        """Outline the stone that clicks point at.

        Args:
            image: photo uint8 (H, W, 3).
            clicks: all clicks on this stone so far.
            side_px: tessera side in photo pixels; that of the run, for its embeddings to be found. NaN: unknown.
            memory: what is kept of this photo; what it lacks is computed and kept.

        Raises CorrectionError when the clicks lie outside the photo, or when no stone is seen.
        """
        start_s = time.perf_counter()
        shape = (image.shape[0], image.shape[1])
        _expect_inside(clicks, shape)
        view = view_of_clicks(clicks, shape, self.models, side_px)
        embedding, cached = self._embed(image, view, memory)
        outline = None if clicks.box_xyxy else self._recall_outline(image, view, side_px, memory)
        guess = self._guess(view, embedding, outline)
        masks = self._decode(embedding, self._ask(view, guess))
        keeps_outline = outline is not None and masks.predicted_iou[0] < self.models.least_predicted_iou
        mask = guess if keeps_outline and guess is not None else _paint(masks, view)
        runs = _runs_at(mask, view)
        elapsed_s = time.perf_counter() - start_s
        return ClickedMask(runs, float(masks.predicted_iou[0]), float(masks.stability()[0]), cached, elapsed_s)

    def _embed(self, image: NDArray[np.uint8], view: View, memory: PhotoMemory) -> tuple[Embedding, bool]:
        """The tile's embedding, and whether it was kept."""
        cached = True

        def embed() -> Embedding:
            nonlocal cached
            embedding, cached = embed_tile(image, view.tile, self.models, memory)
            return embedding

        return self._embeddings.get((memory.photo_id, view.tile), embed), cached

    def _recall_outline(self, image: NDArray[np.uint8], view: View, side_px: float, memory: PhotoMemory) -> Mask | None:
        """What the finder outlined under the clicks, from the cache of the run if it is there; None where it saw no stone."""
        outline = np.zeros(view.shape, dtype=bool)
        for tile in outline_tiles(view, (image.shape[0], image.shape[1]), self.models, side_px):
            recall = partial(recall_outlines, image, tile, self.models, Clock(), memory)
            outline |= outline_under(view, self._outlines.get((memory.photo_id, tile), recall))
        return outline if part_at(outline, view.anchor_xy) is not None else None

    def _guess(self, view: View, embedding: Embedding, outline: Mask | None) -> Mask | None:
        """The first outline with every click in it; None for a checkpoint that takes none, where there is only a point."""
        if view.drawn_xyxy is not None:
            first = rounded_box(view.shape, view.drawn_xyxy)
        elif outline is not None:
            first = outline
        elif self.models.mask_prompts:
            first = self._see_at_point(view, embedding)
        else:
            return None
        guess = draw_clicks(first, view.points_xy, view.inside, view.side_px)
        return guess if guess.any() else disc(view.shape, view.anchor_xy, view.side_px)

    def _see_at_point(self, view: View, embedding: Embedding) -> Mask:
        """What the checkpoint says of the point alone, if it says anything; else a disc."""
        masks = self._decode(embedding, ask_with_points(view, self.models, all_clicks=False))
        part = part_at(_paint(masks, view), view.anchor_xy)
        area = 0.0 if part is None else part.sum() / view.side_px**2
        if part is None or masks.predicted_iou[0] < TRUSTED_POINT or not _PLAUSIBLE_AREAS[0] <= area <= _PLAUSIBLE_AREAS[1]:
            return disc(view.shape, view.anchor_xy, view.side_px)
        return part

    def _ask(self, view: View, guess: Mask | None) -> Asked:
        return ask_with_points(view, self.models, all_clicks=True) if guess is None else ask_with_guess(view, guess, self.models)

    def _decode(self, embedding: Embedding, asked: Asked) -> TileMasks:
        seeds, prompts, mode = asked
        return decode_masks(self.models.predictor, embedding, seeds, prompts, mode)


class _Recent(Generic[Value]):
    """The last few values that were asked for. Two threads that lack the same one may both make it; none waits for the other."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        """Return the value of a key, made if it is not kept."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        value = make()
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            while len(self._values) > self._size:
                self._values.popitem(last=False)
        return value


def _expect_inside(clicks: Clicks, shape: tuple[int, int]) -> None:
    x, y = clicks.anchor_xy
    if not (0 <= x < shape[1] and 0 <= y < shape[0]):
        raise CorrectionError(
            f"The click at {x:.0f}, {y:.0f} lies outside the photo of {shape[1]} x {shape[0]} pixels. Click on the photo."
        )


def _paint(masks: TileMasks, view: View) -> Mask:
    """The mask in the view's box."""
    return np.asarray(paint_masks(masks, view.tile, view.box_xyxy) > 0)


def _runs_at(mask: Mask, view: View) -> MaskRuns:
    """The part of the mask at the anchor, in the photo; raises CorrectionError where there is none."""
    part = part_at(mask, view.anchor_xy, LOGIT_PX / view.tile.scale)
    if part is None:
        raise CorrectionError("The model sees no stone at this place. Draw it instead.")
    rows, columns = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
    cropped = part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return MaskRuns.of_array(cropped, (view.origin_xy[0] + int(columns[0]), view.origin_xy[1] + int(rows[0])))
