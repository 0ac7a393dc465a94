"""First pass over a photo: the finder outlines every tessera, tile by tile, on the embedded model's features.

A mosaic often has tesserae of several sizes (a face of small ones on a ground of large ones), and a photo from the side has them too.
A tile whose tesserae are not of the size that the finder sees best is therefore looked at again, at a scale of its own.
"""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from tesserae.canvas import Canvas, tidy_labels
from tesserae.clock import Clock
from tesserae.finder import INTERIOR_ABOVE, SIDE_UNIT_PX, WORKING_SIDE_PX, FinderMaps, outline_tesserae, typical_log_side
from tesserae.labelmap import interior_points
from tesserae.masks import paint_outlines
from tesserae.models import Models
from tesserae.scale import MAX_SCALE, estimate_side_px, model_scale
from tesserae.tilecache import PhotoMemory, recall
from tesserae.tiling import Tile, cut_tile, plan_tiles, tiles_within

Pieces = tuple[tuple[int, int, int, int], NDArray[np.int32]]
"""A box (x0, y0, x1, y1) of the photo, half open, and the numbered tesserae in it."""

HALO_PX = 48  # finder pixels around a tile's core: more than two and a half tesserae
OTHER_SIZE_OCTAVES = 0.2  # a tile whose tesserae differ by more from the working side is looked at again
_LEAST_INTERIOR = 0.1  # of a tile's core; with less there are too few tesserae to tell their size
SEAM_SLACK_PX = 3.0  # both tiles at a seam may claim a tessera this near to it; the canvas keeps one


def find_side_px(image: NDArray[np.uint8], models: Models, clock: Clock, memory: PhotoMemory | None = None) -> float:
    """Return the tessera side of a photo uint8 (H, W, 3) in its pixels, as the finder estimates it; NaN if it sees none."""

    def estimate() -> dict[str, torch.Tensor]:
        side_px = estimate_side_px(image, lambda picture: _see(picture, models, clock))
        return {"side_px": torch.tensor(side_px, dtype=torch.float64)}

    return float(recall(memory, f"side {models.finder_id} {models.dtype}", estimate)["side_px"])


def find_tesserae(
    image: NDArray[np.uint8],
    models: Models,
    side_px: float,
    clock: Clock,
    report: Callable[[float], None],
    memory: PhotoMemory | None = None,
) -> NDArray[np.int32]:
    """Return the label map int32 (H, W) of first outlines, for tesserae of about `side_px`.

    `report` hears the share of tiles that are done; what `memory` keeps of the photo is not computed again.
    """
    shape = (image.shape[0], image.shape[1])
    canvas = Canvas(shape)
    tiles = plan_outlines(shape, models, side_px)
    for number, tile in enumerate(tiles):
        report(number / len(tiles))
        found = recall_outlines(image, tile, models, clock, memory)
        with clock.stage("paint"):
            for photo_box, pieces in found:
                canvas.paint(photo_box, pieces)
    with clock.stage("paint"):
        return tidy_labels(canvas.labels)[0]


def plan_outlines(shape: tuple[int, int], models: Models, side_px: float) -> list[Tile]:
    """Cover a photo of `shape` with tiles on which the finder sees tesserae of `side_px` photo pixels (NaN: unknown) best."""
    return plan_tiles(shape, model_scale(side_px, WORKING_SIDE_PX), models.finder_predictor.tile_px, HALO_PX)


def recall_outlines(image: NDArray[np.uint8], tile: Tile, models: Models, clock: Clock, memory: PhotoMemory | None) -> list[Pieces]:
    """Return the pieces of a tile, kept in the memory in their order as "box 0", "pieces 0", "box 1", ..."""

    def outline() -> dict[str, torch.Tensor]:
        named: dict[str, torch.Tensor] = {}
        for number, (photo_box, pieces) in enumerate(_outline_tile(image, tile, models, clock)):
            named |= {f"box {number}": torch.tensor(photo_box), f"pieces {number}": torch.from_numpy(pieces)}
        return named

    kept = recall(memory, f"outlines {models.finder_id} {models.peak_above:g} {models.dtype} {tile}", outline, pack=True)
    numbers = range(len(kept) // 2)
    return [((*kept[f"box {number}"].tolist(),), kept[f"pieces {number}"].numpy()) for number in numbers]


def octaves_off(maps: FinderMaps, tile: Tile) -> float:
    """Return log2 of the tessera side in the tile's core over the working side: 1 = twice as large. 0 where too little is seen."""
    x0, y0, x1, y1 = tile.core_xyxy
    core = np.zeros(maps.interior.shape, dtype=bool)
    core[y0:y1, x0:x1] = True
    seen = core & (maps.interior > INTERIOR_ABOVE)
    if seen.sum() < _LEAST_INTERIOR * core.sum():
        return 0.0
    return typical_log_side(maps, seen) + float(np.log2(SIDE_UNIT_PX / WORKING_SIDE_PX))


def _outline_tile(image: NDArray[np.uint8], tile: Tile, models: Models, clock: Clock) -> list[Pieces]:
    """The tesserae of a tile, in one piece, or in several where it had to be looked at again."""
    maps = _see(cut_tile(image, tile), models, clock)
    octaves = octaves_off(maps, tile)
    if abs(octaves) <= OTHER_SIZE_OCTAVES:
        return [_outline(image, tile, maps, models.peak_above, clock)]
    closer = tiles_within(tile, min(tile.scale / 2**octaves, MAX_SCALE), HALO_PX)
    return [_outline(image, part, _see(cut_tile(image, part), models, clock), models.peak_above, clock) for part in closer]


def _outline(image: NDArray[np.uint8], tile: Tile, maps: FinderMaps, peak_above: float, clock: Clock) -> Pieces:
    """The tesserae that the tile answers for, in its photo box.

    A stone that the photo's edge cuts is whole in a mirrored tile: its interior point is that of the part in the photo.
    """
    shape = (image.shape[0], image.shape[1])
    with clock.stage("find"):
        outlines = np.zeros(maps.interior.shape, dtype=np.int32)
        shown = tile.of_photo(shape)
        outlines[shown] = outline_tesserae(maps, peak_above)[shown]
        found = interior_points(outlines)
        own = np.zeros(int(outlines.max()) + 1, dtype=np.int32)
        claimed = found.labels[tile.holds(found.points_xy, SEAM_SLACK_PX)]
        own[claimed] = claimed
    with clock.stage("paint"):
        photo_box = tile.photo_box(shape)
        return photo_box, own[paint_outlines(outlines, maps.interior, tile, photo_box)]


def _see(picture: NDArray[np.uint8], models: Models, clock: Clock) -> FinderMaps:
    predictor = models.finder_predictor
    with clock.stage("embed"):
        _, levels = predictor.embed(picture)
    with clock.stage("find"):
        return predictor.find(models.finder, picture, levels)
