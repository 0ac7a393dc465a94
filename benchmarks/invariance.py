"""Does the count stay when the photo is scaled, or shifted under the tiles? On synthetic mosaics, and on real photographs if given."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, farthest, figures, mean
from tesserae.finder import WORKING_SIDE_PX
from tesserae.photo import read_photo
from tesserae.scale import model_scale
from tesserae.segment import Segmentation
from tesserae.settings import Settings
from tesserae.synthetic import render_mosaic

Image = NDArray[np.uint8]
Labels = NDArray[np.int32]
Box = tuple[int, int, int, int]

FACTORS = (0.5, 0.75, 1.5, 2.0)
SMALLEST_SIDE_PX = 9.0
LARGEST_SHIFT_SHARE = 0.3  # of the shorter side: more would leave too little to compare
MARGIN_SIDES = 2.0  # tesserae at the edge of the common area are whole in one photo and cut in the other
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff")

COLUMNS = (
    Column("photo", "photo"),
    Column("kind", "change"),
    Column("amount", "by"),
    Column("side_px", "side (px)", ".1f"),
    Column("before", "count before", ".0f"),
    Column("after", "count after", ".0f"),
    Column("change", "change", "+.2%"),
)


def measure_photo(name: str, image: Image, tile_px: int, subject: Subject, *, fast: bool) -> Iterator[Row]:
    """Rows of one photo uint8 (H, W, 3): each factor that can be tried, then the shift; `tile_px` is a tile in model pixels."""
    whole, _ = subject.segment(image, fast=fast)
    for factor in usable_factors(whole.median_side_px):
        scaled, _ = subject.segment(scale_image(image, factor), fast=fast)
        yield {
            "photo": name,
            "kind": "scaled",
            "amount": f"x {factor:g}",
            "side_px": whole.median_side_px * factor,
            **change_of(whole.count, scaled.count),
        }
    yield _measure_shift(name, image, whole, tile_px, subject, fast=fast)


def measure_synthetic(seeds: range, size_px: int, tile_px: int, subject: Subject, *, fast: bool, say: Callable[[str], None]) -> list[Row]:
    """Rows of synthetic mosaics."""
    rows: list[Row] = []
    for seed in seeds:
        say(f"seed {seed}")
        rows += measure_photo(f"seed {seed}", render_mosaic(seed, size_px).image, tile_px, subject, fast=fast)
    return rows


def measure_folder(photos_dir: Path, tile_px: int, subject: Subject, *, fast: bool, say: Callable[[str], None]) -> list[Row]:
    """Rows of every photograph of a folder; raises PhotoError where one cannot be read."""
    rows: list[Row] = []
    for path in sorted(path for path in photos_dir.iterdir() if path.suffix.lower() in PHOTO_ENDINGS):
        say(path.name)
        photo = read_photo(path, max_pixels=Settings().max_pixels)
        rows += measure_photo(path.stem, photo.image, tile_px, subject, fast=fast)
    return rows


def usable_factors(side_px: float) -> list[float]:
    """The factors that keep tesserae of `side_px` at least `SMALLEST_SIDE_PX` a side; none where no tesserae were found (NaN)."""
    return [factor for factor in FACTORS if side_px * factor >= SMALLEST_SIDE_PX]


def scale_image(image: Image, factor: float) -> Image:
    """The image at `factor` times its size, averaged over areas where it shrinks, cubic where it grows."""
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC), dtype=np.uint8)


def shift_px(shape: tuple[int, int], side_px: float, tile_px: int) -> int:
    """Half a tile in photo pixels for tesserae of `side_px`, at most `LARGEST_SHIFT_SHARE` of the shorter side."""
    half_tile_px = 0.5 * tile_px / model_scale(side_px, WORKING_SIDE_PX)
    return round(min(half_tile_px, LARGEST_SHIFT_SHARE * min(shape)))


def common_box_xyxy(shape: tuple[int, int], shift: int, side_px: float) -> Box:
    """The part of a photo (H, W) that stays after `shift` pixels are cut off at the left and the top, without a margin; half open."""
    height, width = shape
    margin = round(MARGIN_SIDES * side_px) if np.isfinite(side_px) else 0
    return shift + margin, shift + margin, width - margin, height - margin


def count_within(labels: Labels, box_xyxy: Box) -> float:
    """Tesserae inside a box; one that the edge cuts counts by the share of its area inside.

    So a tessera at the edge whose outline moves by a pixel moves the count by a little, not by one.
    """
    x0, y0, x1, y1 = box_xyxy
    count = int(labels.max(initial=0)) + 1
    inside = np.bincount(labels[max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)].ravel(), minlength=count)[1:]
    whole = np.bincount(labels.ravel(), minlength=count)[1:]
    return float((inside[whole > 0] / whole[whole > 0]).sum())


def change_of(before: float, after: float) -> Row:
    """Both counts and the relative change; missing where there was nothing before."""
    return {"before": before, "after": after, "change": (after - before) / before if before else None}


def summarise_invariance(rows: list[Row]) -> list[Row]:
    """Number, mean and worst change without sign, and worst with it, of each kind and amount of change."""
    groups = [("scaled", f"x {factor:g}") for factor in FACTORS] + [("shifted", "half a tile")]
    summary: list[Row] = []
    for kind, amount in groups:
        of_group = [row for row in rows if row["kind"] == kind and (kind == "shifted" or row["amount"] == amount)]
        changes = figures(of_group, "change")
        summary.append(
            {
                "kind": kind,
                "amount": amount,
                "n": len(changes),
                "change": mean(changes),
                "abs_change": mean([abs(change) for change in changes]),
                "worst": farthest(changes),
            }
        )
    return summary


def tables_of_invariance(rows: list[Row], of_what: str) -> tuple[Table, ...]:
    """The changes of all photos, then of each; `of_what` names them in the titles."""
    columns = (
        Column("kind", "change"),
        Column("amount", "by"),
        Column("n", "photos"),
        Column("change", "mean", "+.2%"),
        Column("abs_change", "mean without sign", ".2%"),
        Column("worst", "worst", "+.2%"),
    )
    notes = (
        f"Scales that bring tesserae below {SMALLEST_SIDE_PX:g} px a side are left out; the side is that after scaling.",
        (
            "Shifted: left and top are cut off, and the tesserae of the common area are compared; one at the edge of that area counts by "
            f"its share inside. Half a tile, or {100 * LARGEST_SHIFT_SHARE:.0f} % of the photo where that is less."
        ),
    )
    return (
        Table(f"Change of the count, {of_what}, all", columns, summarise_invariance(rows), notes),
        Table(f"Change of the count, {of_what}, one by one", COLUMNS, rows),
    )


def _measure_shift(name: str, image: Image, whole: Segmentation, tile_px: int, subject: Subject, *, fast: bool) -> Row:
    """The row of one photo that loses `shift` columns and rows at its left and top."""
    shape, side_px = (image.shape[0], image.shape[1]), whole.median_side_px
    shift = shift_px(shape, side_px, tile_px)
    shifted, _ = subject.segment(np.ascontiguousarray(image[shift:, shift:]), fast=fast)
    x0, y0, x1, y1 = common_box_xyxy(shape, shift, side_px)
    before = count_within(whole.labels, (x0, y0, x1, y1))
    after = count_within(shifted.labels, (x0 - shift, y0 - shift, x1 - shift, y1 - shift))
    return {"photo": name, "kind": "shifted", "amount": f"{shift} px", "side_px": side_px, **change_of(before, after)}
