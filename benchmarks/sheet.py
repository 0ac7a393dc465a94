"""A sheet of synthetic mosaics, for looking at them beside real photographs."""

from pathlib import Path

from benchmarks.pictures import Cell, write_contact_sheet
from tesserae.synthetic import render_mosaic

PICTURE_NAME = "synthetic_sheet.png"


def write_sheet(pictures_dir: Path, seeds: range, size_px: int, columns: int, cell_px: int) -> Path:
    """Render the mosaics of `seeds` and put them on one PNG; return its path."""
    cells = [_draw_cell(seed, size_px) for seed in seeds]
    lines = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return write_contact_sheet(pictures_dir / PICTURE_NAME, lines, cell_px)


def _draw_cell(seed: int, size_px: int) -> Cell:
    mosaic = render_mosaic(seed, size_px)
    recipe = mosaic.recipe
    return Cell(mosaic.image, f"seed {seed}, {recipe['opus']}, side {float(str(recipe['side_px'])):.0f} px")
