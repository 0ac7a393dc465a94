"""Layouts: how one area is cut into tesserae. Every function returns an int32 map of cell ids, unique within the area, without joints.

A layout that runs in rows is drawn in two coordinates: `across` counts rows, `along` counts stones within a row. Straight, curved,
closed and contour-following rows differ only in how these two are computed (opus regulatum, tessellatum, vermiculatum).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tesserae.synthetic.noise import FloatField, HashTable, Rng, chance, smooth_noise

CellIds = NDArray[np.int32]
ROW_STRIDE = 1 << 12
_BIAS = 1 << 11


@dataclass(frozen=True)
class RowStyle:
    """How a mosaicist of this area cuts and lays: lengths in units of the tessera side, jitters as deviations.

    Attributes:
        side_px: height of a row in pixels.
        aspect: length of a stone along the row divided by the row's height.
        cut_jitter: deviation of the cut positions.
        tilt: deviation of the cuts' slant.
        bond: 0 = cuts aligned from row to row, 1 = random offset for each row.
        row_jitter: deviation of the row heights.
        length_jitter: deviation of the mean stone length between rows.
        double: share of stones that are two cells long.
    """

    side_px: float
    aspect: float
    cut_jitter: float
    tilt: float
    bond: float
    row_jitter: float
    length_jitter: float
    double: float


def draw_row_style(side_px: float, rng: Rng, *, regular: bool) -> RowStyle:
    """Draw a style; `regular` gives opus regulatum (rows aligned both ways), otherwise tessellatum or vermiculatum."""
    care = rng.uniform(0.3, 1.0) if regular or chance(0.7, rng) else rng.uniform(1.0, 1.9)
    return RowStyle(
        side_px=side_px,
        aspect=float(np.exp(rng.normal(0.05, 0.2))),
        cut_jitter=float((0.04 if regular else 0.14) * care),
        tilt=float((0.06 if regular else 0.22) * care),
        bond=0.0 if regular else 1.0,
        row_jitter=float((0.04 if regular else 0.12) * care),
        length_jitter=0.0 if regular else float(rng.uniform(0.0, 0.2)),
        double=0.0 if chance(0.6, rng) else float(rng.uniform(0.0, 0.25)),
    )


def straight_rows(x: FloatField, y: FloatField, angle: float, style: RowStyle, rng: Rng) -> CellIds:
    """Cut into straight rows at `angle` radians; x and y are pixel coordinates (already warped, if rows should wave)."""
    across = (y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))) / np.float32(style.side_px)
    along = (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) / np.float32(style.side_px * style.aspect)
    return _cut_rows(np.asarray(across), lambda _: np.asarray(along), style, rng)


def arc_rows(x: FloatField, y: FloatField, centre_xy: tuple[float, float], style: RowStyle, rng: Rng) -> CellIds:
    """Cut into concentric rings around `centre_xy` (pixels)."""
    dx, dy = x - np.float32(centre_xy[0]), y - np.float32(centre_xy[1])
    across = np.hypot(dx, dy) / np.float32(style.side_px)
    turn = np.arctan2(dy, dx) / np.float32(2 * np.pi) + np.float32(0.5)
    return _cut_rows(across, lambda rows: turn * _stones_of_ring(rows, style), style, rng)


def contour_rows(distance_px: FloatField, turn: FloatField, length_px: FloatField, style: RowStyle, rng: Rng) -> CellIds:
    """Cut into rows that follow an outline.

    Args:
        distance_px: distance of each pixel from the outline, positive on both sides.
        turn: position along the outline in [0, 1) of the outline's point nearest to each pixel.
        length_px: for each row, counted from the outline, its length in pixels.
    """
    stones = np.maximum(3, np.round(length_px / (style.side_px * style.aspect))).astype(np.float32)
    across = distance_px / np.float32(style.side_px)
    return _cut_rows(across, lambda rows: turn * stones[np.clip(rows, 0, len(stones) - 1)], style, rng)


def irregular_cells(shape: tuple[int, int], side_px: float, rng: Rng, *, relaxations: int, stretch: float = 1.0) -> CellIds:
    """Cut into irregular polygons (opus palladianum): Voronoi cells of jittered sites, `stretch` times longer than high."""
    height, width = shape[0], max(8, int(shape[1] / stretch))
    rows, columns = np.mgrid[0 : height + side_px : side_px, 0 : width + side_px : side_px]
    spread = side_px * 0.5
    sites = np.stack([rows.ravel(), columns.ravel()], 1) + rng.uniform(-spread, spread, (rows.size, 2))
    sites = sites[rng.random(len(sites)) > 0.08]
    cells = _nearest_site(sites, (height, width))
    for _ in range(relaxations):
        sites = _centroids(cells)
        cells = _nearest_site(sites, (height, width))
    return np.asarray(cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST), dtype=np.int32)


def sectile_cells(x: FloatField, y: FloatField, angle: float, side_px: float, rng: Rng) -> CellIds:
    """Cut into a geometric pattern (opus sectile): squares, triangles of halved or quartered squares, or rhombs."""
    u = (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) / np.float32(side_px)
    v = (y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle))) / np.float32(side_px)
    pattern = rng.choice(["squares", "halves", "quarters", "rhombs"])
    if pattern == "rhombs":
        u = u + np.float32(0.5) * v
    column, row = np.floor(u).astype(np.int32), np.floor(v).astype(np.int32)
    fu, fv = u - column, v - row
    part = np.zeros(x.shape, dtype=np.int32)
    if pattern in ("halves", "quarters"):
        part += fu > fv
    if pattern == "quarters":
        part += 2 * (fu + fv > 1)
    return _cell_id(row, column) * 4 + part


def warp_coordinates(x: FloatField, y: FloatField, side_px: float, strength: float, rng: Rng) -> tuple[FloatField, FloatField]:
    """Return x and y (pixels) displaced by slow and fast noise, so that rows wave and edges are not ruled.

    `strength` 1 displaces by about half a tessera side over a dozen sides and a twentieth over half a side.
    """
    slow, fast = np.float32(0.5 * strength * side_px), np.float32(0.05 * strength * side_px)
    moved = []
    for coordinate in (x, y):
        shift = slow * smooth_noise(x.shape, 10 * side_px, rng) + fast * smooth_noise(x.shape, 0.5 * side_px, rng)
        moved.append(coordinate + shift)
    return moved[0], moved[1]


def _cut_rows(across: FloatField, along_of_rows: Callable[[NDArray[np.int32]], FloatField], style: RowStyle, rng: Rng) -> CellIds:
    table = HashTable(rng)
    rows = _jittered_floor(across, np.zeros_like(across, dtype=np.int32), style.row_jitter, 0.0, None, table)
    in_row = across - rows - np.float32(0.5)
    row_slot = HashTable.slot(rows, np.full_like(rows, 31))
    stretch = np.exp(np.float32(style.length_jitter) * table.normal[row_slot])
    along = along_of_rows(rows) * stretch + np.float32(style.bond) * table.uniform[row_slot]
    columns = _jittered_floor(along, rows, style.cut_jitter, style.tilt, in_row, table)
    if style.double > 0:
        pair = columns >> 1
        joined = table.uniform[HashTable.slot(rows, pair + np.int32(77))] < style.double
        columns = np.where(joined, pair * 2, columns)
    return _cell_id(rows, columns)


def _jittered_floor(
    position: FloatField,
    key: NDArray[np.int32],
    jitter: float,
    tilt: float,
    in_row: FloatField | None,
    table: HashTable,
) -> NDArray[np.int32]:
    """Floor of `position` where each whole number k is moved by its own jitter, and slanted by its own tilt within the row."""
    whole = np.floor(position).astype(np.int32)
    fraction = position - whole

    def moved(k: NDArray[np.int32]) -> FloatField:
        slot = HashTable.slot(key, k)
        shift = np.float32(jitter) * table.normal[slot]
        if in_row is not None:
            shift = shift + np.float32(tilt) * table.normal[(slot + 1) & (len(table.normal) - 1)] * in_row
        return np.asarray(np.clip(shift, -0.42, 0.42))

    below = fraction < moved(whole)
    above = fraction >= 1 + moved(whole + 1)
    return whole - below.astype(np.int32) + above.astype(np.int32)


def _stones_of_ring(rows: NDArray[np.int32], style: RowStyle) -> FloatField:
    around = 2 * np.pi * (np.maximum(rows, 0) + 0.5) / style.aspect
    return np.maximum(3, np.round(around)).astype(np.float32)


def _cell_id(rows: NDArray[np.int32], columns: NDArray[np.int32]) -> CellIds:
    return ((rows & (ROW_STRIDE - 1)) * ROW_STRIDE + ((columns + _BIAS) & (ROW_STRIDE - 1))).astype(np.int32)


def _nearest_site(sites: NDArray[np.float64], shape: tuple[int, int]) -> CellIds:
    """Label each pixel of `shape` with its nearest site (rows, columns in pixels); a pixel-exact Voronoi diagram."""
    row = np.clip(np.round(sites[:, 0]), 0, shape[0] - 1).astype(int)
    column = np.clip(np.round(sites[:, 1]), 0, shape[1] - 1).astype(int)
    free = np.ones(shape, dtype=np.uint8)
    free[row, column] = 0
    _, cells = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    return np.asarray(cells, dtype=np.int32)


def _centroids(cells: CellIds) -> NDArray[np.float64]:
    flat = cells.ravel()
    count = np.bincount(flat)
    rows, columns = np.indices(cells.shape)
    used = count > 0
    row = np.bincount(flat, rows.ravel())[used] / count[used]
    column = np.bincount(flat, columns.ravel())[used] / count[used]
    return np.stack([row, column], 1)
