"""First pass over a photo: the finder outlines every tessera, tile by tile, on the embedded model's features."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tesserae.canvas import Canvas, tidy_labels
from tesserae.clock import Clock
from tesserae.finder import WORKING_SIDE_PX, FinderMaps, outline_tesserae
from tesserae.labelmap import interior_points
from tesserae.masks import paint_outlines
from tesserae.models import Models
from tesserae.scale import estimate_side_px, model_scale
from tesserae.tiling import Tile, cut_tile, plan_tiles

HALO_PX = 48  # finder pixels around a tile's core: three tesserae
SEAM_SLACK_PX = 3.0  # both tiles at a seam may claim a tessera this near to it; the canvas keeps one


def find_side_px(image: NDArray[np.uint8], models: Models, clock: Clock) -> float:
    """Return the tessera side of a photo uint8 (H, W, 3) in its pixels, as the finder estimates it; NaN if it sees none."""
    return estimate_side_px(image, lambda picture: _see(picture, models, clock))


def find_tesserae(
    image: NDArray[np.uint8], models: Models, side_px: float, clock: Clock, report: Callable[[float], None]
) -> NDArray[np.int32]:
    """Return the label map int32 (H, W) of first outlines, for tesserae of about `side_px`.

    `report` hears the share of tiles that are done.
    """
    shape = (image.shape[0], image.shape[1])
    canvas = Canvas(shape)
    tiles = plan_tiles(shape, model_scale(side_px, WORKING_SIDE_PX), models.finder_predictor.tile_px, HALO_PX)
    for number, tile in enumerate(tiles):
        report(number / len(tiles))
        _outline_tile(image, tile, models, canvas, clock)
    with clock.stage("paint"):
        return tidy_labels(canvas.labels)[0]


def _outline_tile(image: NDArray[np.uint8], tile: Tile, models: Models, canvas: Canvas, clock: Clock) -> None:
    maps = _see(cut_tile(image, tile), models, clock)
    with clock.stage("find"):
        outlines = outline_tesserae(maps)
        found = interior_points(outlines)
        own = np.zeros(int(outlines.max()) + 1, dtype=np.int32)
        claimed = found.labels[tile.holds(found.points_xy, SEAM_SLACK_PX)]
        own[claimed] = claimed
    with clock.stage("paint"):
        photo_box = tile.photo_box((image.shape[0], image.shape[1]))
        canvas.paint(photo_box, own[paint_outlines(outlines, maps.interior, tile, photo_box)])


def _see(picture: NDArray[np.uint8], models: Models, clock: Clock) -> FinderMaps:
    predictor = models.finder_predictor
    with clock.stage("embed"):
        _, levels = predictor.embed(picture)
    with clock.stage("find"):
        return predictor.find(models.finder, picture, levels)
