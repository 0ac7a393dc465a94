"""Contact sheets: rows of captioned pictures on one PNG."""

import math
from collections.abc import Callable, Sequence
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


def enlarge(
    image: NDArray[np.uint8], truth: NDArray[np.int32], found: NDArray[np.int32], wanted_px: int
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32]]:
    """An image (H, W, 3) and two label maps (H, W), a whole number of times larger, to `wanted_px` or just beyond if they are smaller.

    Outlines have a fixed width: on small tesserae that are enlarged only afterwards they would hide the stone.
    """
    times = max(1, math.ceil(wanted_px / max(truth.shape)))
    height, width = truth.shape
    larger = Image.fromarray(image).resize((width * times, height * times), Image.Resampling.BICUBIC)
    return np.asarray(larger), truth.repeat(times, 0).repeat(times, 1), found.repeat(times, 0).repeat(times, 1)


def _paste(sheet: Image.Image, cell: Cell, corner_xy: tuple[int, int], cell_px: int) -> None:
    picture = Image.fromarray(cell.picture)
    factor = cell_px / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    picture = picture.resize(size, Image.Resampling.LANCZOS)
    sheet.paste(picture, corner_xy)
    below = (corner_xy[0], corner_xy[1] + size[1] + 4)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(FONT_PX)
    draw.text(below, _shortened(cell.caption, lambda text: draw.textlength(text, font) <= cell_px), fill=INK, font=font)


def _shortened(caption: str, fits: Callable[[str], bool]) -> str:
    """The caption, with its end left out where it would run into the next one."""
    if fits(caption):
        return caption
    return next((f"{caption[:end]}..." for end in range(len(caption) - 1, 0, -1) if fits(f"{caption[:end]}...")), "")
