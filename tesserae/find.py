"""First pass over a photo: the finder outlines every tessera, tile by tile, on the embedded model's features.

A mosaic often has tesserae of several sizes (a face of small ones on a ground of large ones), and a photo from the side has them too.
A tile whose tesserae are not of the size that the finder sees best is therefore looked at again, at a scale of its own.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tesserae.canvas import Canvas, tidy_labels
from tesserae.clock import Clock
from tesserae.finder import INTERIOR_ABOVE, SIDE_UNIT_PX, WORKING_SIDE_PX, FinderMaps, outline_tesserae, typical_log_side
from tesserae.labelmap import interior_points
from tesserae.masks import paint_outlines
from tesserae.models import Models
from tesserae.scale import MAX_SCALE, estimate_side_px, model_scale
from tesserae.tiling import Tile, cut_tile, plan_tiles, tiles_within

HALO_PX = 48  # finder pixels around a tile's core: three tesserae
OTHER_SIZE_OCTAVES = 0.2  # a tile whose tesserae differ by more from the working side is looked at again
_LEAST_INTERIOR = 0.1  # of a tile's core; with less there are too few tesserae to tell their size
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
        maps = _see(cut_tile(image, tile), models, clock)
        octaves = octaves_off(maps, tile)
        if abs(octaves) <= OTHER_SIZE_OCTAVES:
            _paint_tile(image, tile, maps, canvas, clock)
            continue
        for closer in tiles_within(tile, min(tile.scale / 2**octaves, MAX_SCALE), HALO_PX):
            _paint_tile(image, closer, _see(cut_tile(image, closer), models, clock), canvas, clock)
    with clock.stage("paint"):
        return tidy_labels(canvas.labels)[0]


def octaves_off(maps: FinderMaps, tile: Tile) -> float:
    """Return log2 of the tessera side in the tile's core over the working side: 1 = twice as large. 0 where too little is seen."""
    x0, y0, x1, y1 = tile.core_xyxy
    core = np.zeros(maps.interior.shape, dtype=bool)
    core[y0:y1, x0:x1] = True
    seen = core & (maps.interior > INTERIOR_ABOVE)
    if seen.sum() < _LEAST_INTERIOR * core.sum():
        return 0.0
    return typical_log_side(maps, seen) + float(np.log2(SIDE_UNIT_PX / WORKING_SIDE_PX))


def _paint_tile(image: NDArray[np.uint8], tile: Tile, maps: FinderMaps, canvas: Canvas, clock: Clock) -> None:
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
