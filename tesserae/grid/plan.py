"""What the grid asks for and where: the settings, the cells of a photo, the crops of a cell, the points of a crop."""

import math
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import PhotoError, TesseraeError

Box = tuple[int, int, int, int]

# name: (lowest value, lowest value that is too high, what to give)
_RANGES = {
    "points_per_batch": (1, math.inf, 64),
    "crop_n_layers": (0, math.inf, 2),
    "crop_n_points_downscale_factor": (1, math.inf, 2),
    "stability_score_offset": (0, math.inf, 1.0),
    "crop_overlap_ratio": (0, 1, 0.3),
    "cell_overlap_ratio": (0, 1, 0.1),
}


@dataclass(frozen=True)
class GridSettings:
    """Settings under the sam2 package's names; the defaults are those of the paper's test.

    Attributes:
        points_per_side: points in a row of the grid over the whole cell; a crop of layer n has fewer, divided by the
            downscale factor to the power n.
        points_per_batch: points decoded at once; bounds memory, changes no mask.
        pred_iou_thresh: masks whose predicted IoU is not above it are dropped; 0 = none.
        stability_score_thresh: masks less stable than this are dropped; 0 = none.
        stability_score_offset: stability is the area above threshold + offset over the area above threshold - offset.
        mask_threshold: a logit, not a probability.
        box_nms_thresh: within a crop, of two masks with a higher box IoU that of the higher predicted IoU stays.
        crop_n_layers: layer n cuts the cell into 2^n x 2^n crops.
        crop_nms_thresh: between crops, of two masks with a higher box IoU that of the smaller crop stays.
        crop_overlap_ratio: overlap of the crops of layer 1 as a share of the shorter side; halved with every layer.
        crop_n_points_downscale_factor: see points_per_side.
        min_mask_region_area: holes and islands of up to this many *logits* go, if clean_regions is set.
        clean_regions: off by default. In the package this step needs a CUDA extension; where that is missing, as in
            the installed package, the step is skipped with a warning. It counts cells of the decoder's logits, four
            model pixels wide: 25 of them are a square of 20 model pixels, so that with the extension smaller
            tesserae vanish. Set it to have what the extension does.
        multimask_output: three alternative masks for each point instead of one.
        max_area_share: masks of this share of the cell or more are dropped (by `segment_grid` only, after all else).
        cell_overlap_ratio: each cell is enlarged on each side by this share of its own side.

    Raises TesseraeError when a value is out of its range.
    """

    points_per_side: int = 32
    points_per_batch: int = 64
    pred_iou_thresh: float = 0.8
    stability_score_thresh: float = 0.8
    stability_score_offset: float = 1.0
    mask_threshold: float = 0.5
    box_nms_thresh: float = 0.7
    crop_n_layers: int = 2
    crop_nms_thresh: float = 0.7
    crop_overlap_ratio: float = 0.3
    crop_n_points_downscale_factor: int = 2
    min_mask_region_area: int = 25
    clean_regions: bool = False
    multimask_output: bool = True
    max_area_share: float = 0.1
    cell_overlap_ratio: float = 0.1

    def __post_init__(self) -> None:
        for name, (lowest, too_high, good) in _RANGES.items():
            value = getattr(self, name)
            if not lowest <= value < too_high:
                limit = "" if math.isinf(too_high) else f" and below {too_high}"
                raise TesseraeError(f"{name} is at least {lowest}{limit}, found {value}. Give for example {good}.")
        if self.points_on_side(self.crop_n_layers) < 1:
            raise TesseraeError(
                f"points_per_side must leave a point for the smallest crops, found {self.points_per_side}. Give at "
                f"least {self.crop_n_points_downscale_factor**self.crop_n_layers}, or fewer layers of crops."
            )

    def points_on_side(self, layer: int) -> int:
        """Return the points in a row of the grid on a crop of `layer` (0 = the whole)."""
        return int(self.points_per_side / self.crop_n_points_downscale_factor**layer)


PUBLISHED = GridSettings()


def count_points(settings: GridSettings) -> int:
    """Return how many points the generator asks for in one cell."""
    return sum((2**layer * settings.points_on_side(layer)) ** 2 for layer in range(settings.crop_n_layers + 1))


def cut_cells(shape: tuple[int, ...], cells: tuple[int, int], overlap_ratio: float) -> list[Box]:
    """Return the boxes of rows x columns cells, row by row, each enlarged on every side by a share of its own side.

    As the paper's authors cut them, except that the last row and column always reach the photo's edge.
    Raises TesseraeError when a number of cells is below 1 or above the photo's pixels.
    """
    if any(not 1 <= count <= length for count, length in zip(cells, shape[:2], strict=True)):
        raise TesseraeError(
            f"Cells are rows x columns, at least 1x1 and no more than the photo has pixels, found {cells[0]}x{cells[1]}."
            " Give for example 2x2."
        )
    spans = []
    for count, length in zip(cells, shape[:2], strict=True):
        side = length // count
        overlap = int(side * overlap_ratio)
        edges = [*range(0, side * count, side), length]
        spans.append([(max(0, start - overlap), min(length, end + overlap)) for start, end in pairwise(edges)])
    return [(x0, y0, x1, y1) for (y0, y1), (x0, x1) in product(*spans)]


def crop_boxes(shape: tuple[int, ...], settings: GridSettings) -> list[tuple[Box, int]]:
    """Return the crops of all layers as (box, layer), in the package's order: the whole, then column by column.

    Raises PhotoError when the cell is so small that rounding up the sides of crops leaves nothing for the last one.
    """
    height, width = shape[:2]
    least = 4**settings.crop_n_layers
    if min(height, width) < least:
        raise PhotoError(
            f"A photo or cell must be at least {least} px on each side for {settings.crop_n_layers} layers of crops, "
            f"found {width} x {height}. Cut it into fewer cells, or take a larger photo."
        )
    crops: list[tuple[Box, int]] = [((0, 0, width, height), 0)]
    for layer in range(1, settings.crop_n_layers + 1):
        count = 2**layer
        overlap = int(settings.crop_overlap_ratio * min(height, width) * (2 / count))
        side_x, side_y = (math.ceil((overlap * (count - 1) + length) / count) for length in (width, height))
        for i, j in product(range(count), repeat=2):
            x0, y0 = (side_x - overlap) * i, (side_y - overlap) * j
            crops.append(((x0, y0, min(x0 + side_x, width), min(y0 + side_y, height)), layer))
    return crops


def points_of_crop(shape: tuple[int, int], layer: int, settings: GridSettings) -> NDArray[np.float32]:
    """Return the grid of points (N, 2) on a crop of `shape`, crop pixels (x, y), row by row."""
    count = settings.points_on_side(layer)
    steps = np.linspace(1 / (2 * count), 1 - 1 / (2 * count), count)
    shares = np.array([(x, y) for y, x in product(steps, repeat=2)])
    return np.asarray(shares * (shape[1], shape[0]), dtype=np.float32)
