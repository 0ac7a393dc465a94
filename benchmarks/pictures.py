"""Contact sheets: rows of captioned pictures on one PNG."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import replace_file

PAPER, INK = (252, 252, 251), (40, 40, 38)
GAP_PX, CAPTION_PX, FONT_PX = 10, 24, 14


@dataclass(frozen=True, eq=False)
class Cell:
    """One picture uint8 (H, W, 3) and the line below it."""

    picture: NDArray[np.uint8]
    caption: str


def write_contact_sheet(path: Path, lines: Sequence[Sequence[Cell]], cell_px: int) -> Path:
    """Write a PNG with one row per line of cells, each picture scaled to fit a square of `cell_px`; return its path."""
    columns = max((len(line) for line in lines), default=0)
    if columns == 0:
        raise ValueError("A sheet needs at least one picture.")
    pitch_x, pitch_y = cell_px + GAP_PX, cell_px + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * pitch_x + GAP_PX, len(lines) * pitch_y + GAP_PX), PAPER)
    for row, line in enumerate(lines):
        for column, cell in enumerate(line):
            _paste(sheet, cell, (GAP_PX + column * pitch_x, GAP_PX + row * pitch_y), cell_px)
    return replace_file(path, lambda part: sheet.save(part, format="PNG", optimize=True))


def cut_window(shape: tuple[int, int], wanted_px: float) -> tuple[slice, slice]:
    """The middle square (rows, columns) of an image of `shape` (H, W), about `wanted_px` wide, at least 64 px where there are so many."""
    height, width = shape
    side = min(height, width, max(64, round(wanted_px)))
    top, left = (height - side) // 2, (width - side) // 2
    return slice(top, top + side), slice(left, left + side)


def _paste(sheet: Image.Image, cell: Cell, corner_xy: tuple[int, int], cell_px: int) -> None:
    picture = Image.fromarray(cell.picture)
    factor = cell_px / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(picture, corner_xy)
    below = (corner_xy[0], corner_xy[1] + size[1] + 4)
    ImageDraw.Draw(sheet).text(below, cell.caption, fill=INK, font=ImageFont.load_default(FONT_PX))
