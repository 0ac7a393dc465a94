"""A piece of photo with its truth, and where that truth counts; knows neither files nor splits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tesserae.corrections.boxes import is_empty, window
from tesserae.corrections.operations import BoxXYXY, PointXY
from tesserae.corrections.shapes import polygon_shape
from tesserae.labelmap import relabel_sequential

Labels: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ground:
    """A piece of photo with truth.

    Attributes:
        image: uint8 (H, W, 3), working sRGB.
        labels: int32 (H, W); 0 is mortar where `known`, and nothing elsewhere.
        known: bool (H, W), where the truth counts: approved, readable, and part of no tessera that is left out.
    """

    image: NDArray[np.uint8]
    labels: Labels
    known: Mask


def known_pixels(shape: tuple[int, int], ignored: Mask | None, region_xy: Sequence[tuple[PointXY, ...]] | None) -> Mask:
    """Return the pixels, bool (H, W), of a photo of `shape` that lie in a region and can be read.

    Args:
        shape: height and width of the photo.
        ignored: unreadable pixels (H, W); None without any.
        region_xy: polygons in photo pixels, which may overlap; None for the whole photo.
    """
    known = np.full(shape, region_xy is None, dtype=bool)
    for polygon_xy in region_xy or ():
        drawn = polygon_shape(polygon_xy, shape)
        if not is_empty(drawn.box_xyxy):
            known[window(drawn.box_xyxy)] |= drawn.mask
    return known if ignored is None else known & ~ignored


def limit_truth(labels: Labels, known: Mask) -> tuple[Labels, Mask]:
    """Return label map (H, W) and known pixels (H, W) without what is not known.

    A tessera with more than half of its area in `known` stays whole, and all of it is known then: half a stone would teach a wrong outline.
    Any other one goes, and its pixels are not known any more: they are no mortar.
    """
    if known.all():
        return labels, known
    dense = relabel_sequential(labels)
    area_px = np.bincount(dense.ravel())
    known_px = np.bincount(dense[known], minlength=len(area_px))
    stays = 2 * known_px > area_px
    stays[0] = True
    known = (known | (dense > 0)) & stays[dense]
    return np.where(known, labels, np.int32(0)), known


def crop_ground(ground: Ground, box_xyxy: BoxXYXY) -> Ground:
    """Return what lies in a box, in arrays of its own: the rest of the photo is not in memory any more when the caller drops it.

    Tesserae that the edge of the box cuts are treated as in `limit_truth`.
    """
    height, width = ground.labels.shape
    if box_xyxy == (0, 0, width, height):
        return ground
    inside = np.zeros(ground.labels.shape, dtype=bool)
    inside[window(box_xyxy)] = True
    labels, known = limit_truth(ground.labels, ground.known & inside)
    cut = window(box_xyxy)
    return Ground(ground.image[cut].copy(), labels[cut].copy(), known[cut].copy())
