"""Composition: the areas of one mosaic (ground, borders, figures with halo and outline), each cut by its own layout and row direction."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic import layout
from tesserae.synthetic.noise import FloatField, Rng, chance, log_uniform, smooth_noise

OPERA = ("regulatum", "tessellatum", "vermiculatum", "palladianum", "sectile")
_OPUS_WEIGHTS = (0.14, 0.34, 0.34, 0.13, 0.05)


@dataclass(frozen=True)
class Composition:
    """Cells before joints are cut: `cells` int32 (H, W), unique over the whole; `areas` int16 (H, W), the area each pixel lies in."""

    cells: NDArray[np.int32]
    areas: NDArray[np.int16]
    opus: str


@dataclass
class _Canvas:
    """What is drawn so far; each `paint` gives its cells fresh ids and its pixels a fresh area."""

    cells: NDArray[np.int32]
    areas: NDArray[np.int16]
    next_area: int = 0
    layers: int = 0

    def paint(self, cells: NDArray[np.int32], mask: NDArray[np.bool_] | None, *, area: int | None = None) -> int:
        """Lay `cells` where `mask` is set, as a new area or as part of `area`; return the area's number."""
        number = self.next_area if area is None else area
        if area is None:
            self.next_area += 1
        layer = cells + np.int32((1 << 25) * (self.layers % 60))
        self.layers += 1
        if mask is None:
            self.cells[:], self.areas[:] = layer, number
        else:
            np.copyto(self.cells, layer, where=mask)
            np.copyto(self.areas, np.int16(number), where=mask)
        return number


def compose(shape: tuple[int, int], side_px: float, rng: Rng) -> Composition:
    """Draw the areas of one mosaic of `shape` pixels whose tesserae have sides of about `side_px` pixels."""
    opus = str(rng.choice(OPERA, p=_OPUS_WEIGHTS))
    canvas = _Canvas(np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int16))
    y, x = np.indices(shape, dtype=np.float32)
    x, y = layout.warp_coordinates(x, y, side_px, log_uniform(0.15, 2.0, rng), rng)
    canvas.paint(_cut_area(x, y, side_px, opus, rng), None)
    for _ in range(int(rng.integers(0, 3))):
        _paint_border(canvas, x, y, side_px, rng)
    if opus in ("vermiculatum", "tessellatum") or chance(0.3, rng):
        for _ in range(int(rng.integers(1, 5))):
            _paint_figure(canvas, x, y, side_px, opus, rng)
    return Composition(canvas.cells, canvas.areas, opus)


def _cut_area(x: FloatField, y: FloatField, side_px: float, opus: str, rng: Rng) -> NDArray[np.int32]:
    if opus == "palladianum":
        return layout.irregular_cells(
            x.shape, side_px * 1.1, rng, relaxations=int(rng.integers(0, 3)), stretch=float(rng.uniform(0.8, 1.5))
        )
    angle = float(rng.uniform(0, np.pi)) if chance(0.6, rng) else float(rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.06))
    if opus == "sectile":
        return layout.sectile_cells(x, y, angle, side_px * float(rng.uniform(1.0, 1.6)), rng)
    style = layout.draw_row_style(side_px, rng, regular=opus == "regulatum")
    if opus == "vermiculatum" and chance(0.45, rng):
        centre_xy = tuple(float(rng.uniform(-0.4, 1.4) * n) for n in (x.shape[1], x.shape[0]))
        return layout.arc_rows(x, y, (centre_xy[0], centre_xy[1]), style, rng)
    return layout.straight_rows(x, y, angle, style, rng)


def _paint_border(canvas: _Canvas, x: FloatField, y: FloatField, side_px: float, rng: Rng) -> None:
    """A band of one to six rows across the picture, its rows along it; rows alternate between areas (stripes)."""
    angle = float(rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.1)) if chance(0.5, rng) else float(rng.uniform(0, np.pi))
    height, width = x.shape
    anchor = rng.uniform(0.05, 0.95, 2) * (width, height)
    offset = (y - anchor[1]) * np.float32(np.cos(angle)) - (x - anchor[0]) * np.float32(np.sin(angle))
    rows = int(rng.integers(1, 7))
    side_px *= float(rng.uniform(0.65, 1.1))
    style = layout.draw_row_style(side_px, rng, regular=chance(0.3, rng))
    cells = layout.straight_rows(x - np.float32(anchor[0]), y - np.float32(anchor[1]), angle, style, rng)
    row = np.floor(offset / side_px)
    stripes = max(1, int(rng.integers(1, rows + 1)))
    for stripe in range(stripes):
        canvas.paint(cells, (row >= 0) & (row < rows) & (row % stripes == stripe))


def _paint_figure(canvas: _Canvas, x: FloatField, y: FloatField, side_px: float, opus: str, rng: Rng) -> None:
    """A closed shape with its own rows, perhaps an outline of dark rows and a halo of ground-coloured rows around it."""
    inside = _closed_shape(x.shape, side_px, rng)
    if not inside.any() or inside.all():
        return
    outlines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = _within_frame(np.asarray(max(outlines, key=len)[:, 0, :], dtype=np.int32), x.shape)
    if len(outline) < 8 * side_px:
        return
    distance_px, turn = _outline_coordinates(x.shape, outline)
    style = layout.draw_row_style(side_px * float(rng.uniform(0.55, 1.05)), rng, regular=False)
    lengths = [_row_length_px(distance_px, mask, style.side_px) for mask in (inside, ~inside)]
    inner = layout.contour_rows(distance_px, turn, lengths[0], style, rng)
    outer = layout.contour_rows(distance_px, turn, lengths[1], style, rng)
    halo_rows, line_rows = int(rng.integers(0, 4)), int(rng.integers(0, 3))
    ground = int(canvas.areas[outline[0][1], outline[0][0]])
    canvas.paint(outer, ~inside & (distance_px < halo_rows * style.side_px), area=ground)
    filled_by_rows = opus == "vermiculatum" or chance(0.3, rng)
    body = inner if filled_by_rows else _cut_area(x, y, side_px * float(rng.uniform(0.6, 1.15)), opus, rng)
    canvas.paint(body, inside)
    if line_rows:
        canvas.paint(inner, inside & (distance_px < line_rows * style.side_px))
    if filled_by_rows and chance(0.5, rng):
        canvas.paint(inner, inside & (distance_px >= (line_rows + int(rng.integers(1, 4))) * style.side_px))


def _within_frame(outline: NDArray[np.int32], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Drop outline points on the picture's edge: rows follow the figure, not the frame that cuts it."""
    height, width = shape
    inner = (outline > 1).all(axis=1) & (outline[:, 0] < width - 2) & (outline[:, 1] < height - 2)
    return outline[inner]


def _closed_shape(shape: tuple[int, int], side_px: float, rng: Rng) -> NDArray[np.bool_]:
    """A smooth blob 4 to 14 tesserae across."""
    height, width = shape
    radius = float(rng.uniform(4, 14)) * side_px
    centre = rng.uniform(0, 1, 2) * (width, height)
    squeeze = float(np.exp(rng.normal(0, 0.35)))
    y, x = np.indices(shape, dtype=np.float32)
    away = np.hypot((x - np.float32(centre[0])) * squeeze, (y - np.float32(centre[1])) / squeeze)
    wobble = np.float32(0.35 * radius) * smooth_noise(shape, radius * 0.6, rng)
    return np.asarray(away + wobble < radius)


def _outline_coordinates(shape: tuple[int, int], outline: NDArray[np.int32]) -> tuple[FloatField, FloatField]:
    """Distance to the outline (pixels), and the position along it, in [0, 1), of the nearest outline point."""
    free = np.ones(shape, dtype=np.uint8)
    free[outline[:, 1], outline[:, 0]] = 0
    distance, nearest = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    turn_of_label = np.zeros(int(nearest.max()) + 1, dtype=np.float32)
    turn_of_label[nearest[outline[:, 1], outline[:, 0]]] = np.arange(len(outline), dtype=np.float32) / len(outline)
    return np.asarray(distance, dtype=np.float32), turn_of_label[np.asarray(nearest)]


def _row_length_px(distance_px: FloatField, mask: NDArray[np.bool_], row_px: float) -> FloatField:
    """Length of each row = its area divided by its height."""
    rows = (distance_px[mask] / row_px).astype(np.int32)
    return (np.bincount(rows, minlength=1) / row_px).astype(np.float32)
