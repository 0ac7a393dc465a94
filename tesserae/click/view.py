"""The photo pixels around some clicks, the tile of the second pass that answers for them, and what the decoder is asked there."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tesserae.click.clicks import Clicks
from tesserae.click.guess import Mask, Points
from tesserae.decoding import DecodeMode, Seeds, prompts_of_seeds, with_points
from tesserae.embeddings import plan_embeddings
from tesserae.find import Pieces, plan_outlines
from tesserae.finder import WORKING_SIDE_PX
from tesserae.models import Models
from tesserae.predictor import TOKEN_PX, Prompts
from tesserae.tiling import Tile, labels_to_tile

_REACH_SIDES = 3.0  # how far around the clicks pixels are looked at


@dataclass(frozen=True)
class View:
    """What is looked at for some clicks.

    Attributes:
        tile: the one that answers for the place, as in a run.
        side_px: tessera side in photo pixels that the tile was planned for.
        box_xyxy: photo pixels around the clicks, within the tile; masks bool (h, w) show this box.
        anchor_xy: float64 (2,), where the stone is, in pixels of the box with pixel centres at whole numbers, as are
        points_xy: float64 (N, 2), the clicks.
        inside: bool (N,), whether a click is inside the stone.
        drawn_xyxy: float64 (4,), the box that was drawn, in pixels of the box; or None.
    """

    tile: Tile
    side_px: float
    box_xyxy: tuple[int, int, int, int]
    anchor_xy: Points
    points_xy: Points
    inside: Mask
    drawn_xyxy: NDArray[np.float64] | None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the box."""
        x0, y0, x1, y1 = self.box_xyxy
        return y1 - y0, x1 - x0

    @property
    def origin_xy(self) -> tuple[int, int]:
        """First pixel of the box."""
        return self.box_xyxy[0], self.box_xyxy[1]

    def to_tile(self, points_xy: Points) -> Points:
        """Tile positions of points (N, 2)."""
        return self.tile.points_to_tile(points_xy + self.origin_xy)


def view_of_clicks(clicks: Clicks, shape: tuple[int, int], models: Models, side_px: float) -> View:
    """Return what to look at in a photo of `shape` with tesserae of `side_px` photo pixels (NaN: unknown)."""
    anchor = np.asarray(clicks.anchor_xy) - 0.5
    tile = next(_tiles_at(anchor, plan_embeddings(shape, models, _planned_side_px(clicks, side_px))))
    tile_side_px = models.decode_side_px / tile.scale
    points = np.asarray(clicks.points_xy, dtype=np.float64).reshape(-1, 2) - 0.5
    drawn = None if clicks.box_xyxy is None else np.asarray(clicks.box_xyxy)
    box = _box_around(np.concatenate([[anchor], points, np.reshape([] if drawn is None else drawn, (-1, 2))]), tile, shape, tile_side_px)
    origin = np.asarray(box[:2])
    drawn = None if drawn is None else drawn - np.tile(origin, 2)
    return View(tile, tile_side_px, box, anchor - origin, points - origin, np.asarray(clicks.point_labels, dtype=bool), drawn)


def outline_tiles(view: View, shape: tuple[int, int], models: Models, side_px: float) -> Iterator[Tile]:
    """Yield the finder's tiles, as a run plans them, that may have outlined the stone: its point may lie somewhat beyond the core."""
    return _tiles_at(view.anchor_xy + view.origin_xy, plan_outlines(shape, models, side_px), WORKING_SIDE_PX)


def outline_under(view: View, found: Iterable[Pieces]) -> Mask:
    """Return those of the finder's pieces that hold a click inside."""
    outline = np.zeros(view.shape, dtype=bool)
    clicked = np.floor(view.points_xy[view.inside] + 0.5).astype(int) + view.origin_xy
    for (x0, y0, x1, y1), pieces in found:
        here = clicked[((clicked >= (x0, y0)) & (clicked < (x1, y1))).all(1)] - (x0, y0)
        numbers = pieces[here[:, 1], here[:, 0]]
        left, top = max(x0, view.box_xyxy[0]), max(y0, view.box_xyxy[1])
        right, bottom = min(x1, view.box_xyxy[2]), min(y1, view.box_xyxy[3])
        if not numbers.any() or left >= right or top >= bottom:
            continue
        common = np.isin(pieces[top - y0 : bottom - y0, left - x0 : right - x0], numbers[numbers > 0])
        outline[top - view.box_xyxy[1] :, left - view.box_xyxy[0] :][: bottom - top, : right - left] |= common
    return outline


def ask_with_guess(view: View, guess: Mask, models: Models) -> tuple[Seeds, Prompts, DecodeMode]:
    """Return what the decoder is asked with a first outline, as in a run, and with every click."""
    rows, columns = np.flatnonzero(guess.any(1)), np.flatnonzero(guess.any(0))
    corners = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64) + np.tile(view.origin_xy, 2)
    box = corners * view.tile.scale - np.tile((view.tile.x, view.tile.y), 2)
    outlines = labels_to_tile(guess.astype(np.int32), view.origin_xy, view.tile)
    seeds = Seeds(outlines, np.ones(1, dtype=np.int32), view.to_tile(view.anchor_xy[None]), box[None])
    prompts = prompts_of_seeds(seeds, DecodeMode(None, models.mask_prompts))
    further = np.ones(len(view.inside), dtype=bool)
    further[np.flatnonzero(view.inside)[:1]] = False
    prompts = with_points(prompts, view.to_tile(view.points_xy[further])[None], view.inside[further][None].astype(np.int32))
    return seeds, prompts, _mode(prompts, models)


def ask_with_points(view: View, models: Models, *, all_clicks: bool) -> tuple[Seeds, Prompts, DecodeMode]:
    """Return what the decoder is asked with every click, or with the anchor alone, and nothing else."""
    points, labels = (view.points_xy, view.inside) if all_clicks else (view.anchor_xy[None], np.ones(1, dtype=bool))
    anchor = view.to_tile(view.anchor_xy[None])
    nothing = np.zeros((view.tile.side, view.tile.side), dtype=np.int32)
    seeds = Seeds(nothing, np.ones(1, dtype=np.int32), anchor, np.tile(anchor, 2))
    prompts = Prompts(view.to_tile(points)[None].astype(np.float32), labels[None].astype(np.int32), anchor.astype(np.float32))
    return seeds, prompts, _mode(prompts, models)


def _planned_side_px(clicks: Clicks, side_px: float) -> float:
    """The tessera side, unless a box was drawn that is twice or half as large: whole octaves, so that such clicks share tiles."""
    if not np.isfinite(clicks.box_side_px):
        return side_px
    if not np.isfinite(side_px):
        return clicks.box_side_px
    return float(side_px * 2.0 ** int(np.log2(clicks.box_side_px / side_px)))


def _tiles_at(point_xy: Points, tiles: Iterable[Tile], slack_px: float = 0.0) -> Iterator[Tile]:
    """The tiles whose core, widened by `slack_px`, holds a photo position; plain numbers, as a large photo has thousands of tiles."""
    place = (float(point_xy[0]), float(point_xy[1]))
    for tile in tiles:
        x, y = (value + 0.5 for value in tile.to_tile(place))
        x0, y0, x1, y1 = tile.core_xyxy
        if x0 - slack_px <= x < x1 + slack_px and y0 - slack_px <= y < y1 + slack_px:
            yield tile


def _box_around(points_xy: Points, tile: Tile, shape: tuple[int, int], side_px: float) -> tuple[int, int, int, int]:
    """Photo pixels around points, some sides wide, within the tile."""
    x0, y0, x1, y1 = tile.photo_box(shape)
    low = np.floor(points_xy.min(0) - _REACH_SIDES * side_px).astype(int)
    high = np.ceil(points_xy.max(0) + _REACH_SIDES * side_px).astype(int)
    return max(x0, int(low[0])), max(y0, int(low[1])), min(x1, int(high[0])), min(y1, int(high[1]))


def _mode(prompts: Prompts, models: Models) -> DecodeMode:
    """Windows where the checkpoint learned on them, and where one holds the whole prompt."""
    window = models.window()
    reach = float(np.abs(prompts.points_xy - prompts.centres_xy[:, None]).max())
    fits = models.trained_for_windows and reach <= window * TOKEN_PX / 2
    return DecodeMode(window if fits else None, models.mask_prompts)
