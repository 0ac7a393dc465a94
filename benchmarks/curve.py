"""Training curves from the JSON lines of `python -m tesserae pretrain`, as a PNG: one small chart for each figure of each stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import replace_file
from tesserae.errors import TesseraeError
from tesserae.study.axes import Axis, nice_ticks

PICTURE_NAME = "curve.png"
LOGS = ("finder.jsonl", "joint.jsonl", "decoder.jsonl")
_NO_FIGURES = ("step", "elapsed_s")

PAPER, INK, FAINT_INK, GRID = (252, 252, 251), (40, 40, 38), (120, 118, 112), (228, 226, 220)
LINE, RAW_LINE = (33, 102, 172), (188, 208, 230)
PANEL_W_PX, PANEL_H_PX = 300, 210
FINER = 3  # drawn so many times larger, then reduced: Pillow's lines are not smooth
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 14, 34, 30
_FONT_PX, _SMALL_FONT_PX = 13, 11
_SMOOTHING_REACH = 6

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """One figure over the steps of a stage."""

    stage: str
    figure: str
    steps: tuple[float, ...]
    values: tuple[float, ...]


def read_log(path: Path) -> list[Series]:
    """The figures of one stage, in the order of the file's first line; of a step logged twice (a resumed run) the later counts.

    Raises TesseraeError when the file cannot be read or holds no lines of figures.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        by_step = {float(line["step"]): line for line in lines}
        names = [key for key in lines[0] if key not in _NO_FIGURES]
        steps = tuple(sorted(by_step))
        return [Series(path.stem, name, steps, tuple(float(by_step[step][name]) for step in steps)) for name in names]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise TesseraeError(
            f"Expected a training log in {path}, one JSON line with a step and figures for each entry, but it cannot be used ({error!r}). "
            "Give the work folder of a pretraining that has begun."
        ) from error


def write_curve(paths: Sequence[Path], pictures_dir: Path) -> Path:
    """Draw the logs, one row of charts each, into curve.png; return its path. Raises TesseraeError as `read_log`."""
    rows = [read_log(path) for path in paths]
    columns = max(len(row) for row in rows)
    picture = Image.new("RGB", (columns * PANEL_W_PX * FINER, len(rows) * PANEL_H_PX * FINER), PAPER)
    draw = ImageDraw.Draw(picture)
    for row, series_of_row in enumerate(rows):
        for column, series in enumerate(series_of_row):
            _draw_panel(draw, series, (column * PANEL_W_PX, row * PANEL_H_PX))
    small = picture.resize((picture.width // FINER, picture.height // FINER), Image.Resampling.LANCZOS)
    return replace_file(pictures_dir / PICTURE_NAME, lambda part: small.save(part, format="PNG", optimize=True))


def smooth(values: Sequence[float], reach: int = _SMOOTHING_REACH) -> list[float]:
    """Mean of each value and up to `reach` on either side, as many on the one as on the other, so that the curve does not lag."""
    result = []
    for middle in range(len(values)):
        here = min(reach, middle, len(values) - 1 - middle)
        near = values[middle - here : middle + here + 1]
        result.append(sum(near) / len(near))
    return result


def _draw_panel(draw: ImageDraw.ImageDraw, series: Series, corner_xy: tuple[int, int]) -> None:
    left, top = corner_xy
    y_ticks = nice_ticks(min(series.values), max(series.values))
    x_ticks = nice_ticks(0, max(series.steps), 3)
    x = Axis(x_ticks[0], x_ticks[-1], left + _LEFT, left + PANEL_W_PX - _RIGHT)
    y = Axis(y_ticks[0], y_ticks[-1], top + PANEL_H_PX - _BOTTOM, top + _TOP)
    for tick in y_ticks:
        _line(draw, [(x.start_px, y.place(tick)), (x.end_px, y.place(tick))], GRID, 1)
        _text(draw, (x.start_px - 6, y.place(tick)), f"{tick:g}", FAINT_INK, _SMALL_FONT_PX, "rm")
    for tick in x_ticks:
        _text(draw, (x.place(tick), y.start_px + 8), f"{tick:g}", FAINT_INK, _SMALL_FONT_PX, "mt")
    _text(draw, (left + _LEFT, top + 10), f"{series.stage}: {series.figure}, by step", INK, _FONT_PX, "lt")
    for values, colour, width in ((series.values, RAW_LINE, 1), (smooth(series.values), LINE, 2)):
        points = [(x.place(step), y.place(value)) for step, value in zip(series.steps, values, strict=True)]
        _line(draw, points, colour, width)


def _line(draw: ImageDraw.ImageDraw, points: Sequence[Point], colour: tuple[int, int, int], width_px: int) -> None:
    draw.line([(px * FINER, py * FINER) for px, py in points], fill=colour, width=width_px * FINER, joint="curve")


def _text(draw: ImageDraw.ImageDraw, at: Point, text: str, colour: tuple[int, int, int], size_px: int, anchor: str) -> None:
    font = ImageFont.load_default(size_px * FINER)
    draw.text((at[0] * FINER, at[1] * FINER), text, fill=colour, font=font, anchor=anchor)
