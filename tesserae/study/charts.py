"""Charts as SVG text: means with their ranges, and lines over a number. Draws what it is given; knows no study."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from tesserae.study.axes import Axis, nice_ticks

COLOURS = ("#2166ac", "#b2552b", "#3d7d4c", "#7a4f9a", "#8a6d1f", "#4d4d4d")

_WIDTH_PX, _LINES_HEIGHT_PX, _ROW_PX = 560, 320, 26
_TOP_PX, _BOTTOM_PX, _LEFT_PX, _RIGHT_PX, _NAMES_PX = 34, 46, 56, 18, 150
_LEGEND_PX = 18


@dataclass(frozen=True)
class Spot:
    """A value at a place, with a range where it has one (else NaN)."""

    x: float
    y: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Line:
    """Spots joined from the first to the last."""

    name: str
    spots: tuple[Spot, ...]


def draw_means(title: str, means: Sequence[tuple[str, float, float, float]], *, percent: bool = True) -> str:
    """Draw rows of (name, mean, low, high), one below the other, on a common scale; those without a mean have a name only."""
    values = [value for _, *row in means for value in row if not math.isnan(value)]
    ticks = nice_ticks(min(values, default=0.0), max(values, default=1.0))
    height = _TOP_PX + _ROW_PX * len(means) + _BOTTOM_PX - 16
    x = Axis(ticks[0], ticks[-1], _NAMES_PX, _WIDTH_PX - _RIGHT_PX)
    bottom = height - _BOTTOM_PX + 16
    parts = [_text(_NAMES_PX, 18, title, "title")]
    for tick in ticks:
        parts.append(_rule(x.place(tick), _TOP_PX, x.place(tick), bottom, "grid"))
        parts.append(_text(x.place(tick), bottom + 16, _tick(tick, percent), "tick", "middle"))
    for number, (name, mean, low, high) in enumerate(means):
        y = _TOP_PX + _ROW_PX * (number + 0.5)
        parts.append(_text(_NAMES_PX - 10, y + 4, name, "name", "end"))
        if not math.isnan(low):
            parts.append(_rule(x.place(low), y, x.place(high), y, "range", COLOURS[0]))
        if not math.isnan(mean):
            parts.append(_dot(x.place(mean), y, COLOURS[0]))
    return _picture(title, height, parts)


def draw_lines(title: str, x_name: str, lines: Sequence[Line], *, diagonal: bool = False) -> str:
    """Draw lines of shares (0..1, shown in per cent) over a number; with `diagonal` over another share, with the line of equals."""
    spots = [spot for line in lines for spot in line.spots]
    ys = [value for spot in spots for value in (spot.y, spot.low, spot.high) if not math.isnan(value)]
    xs = sorted({spot.x for spot in spots})
    x_ticks, y_ticks = (nice_ticks(0, 1), nice_ticks(0, 1)) if diagonal else (xs, nice_ticks(min(ys, default=0), max(ys, default=1)))
    height = _LINES_HEIGHT_PX + _LEGEND_PX * len(lines)
    bottom = _LINES_HEIGHT_PX - _BOTTOM_PX
    x = Axis(min(x_ticks, default=0), max(x_ticks, default=1), _LEFT_PX + 8, _WIDTH_PX - _RIGHT_PX - 8)
    y = Axis(y_ticks[0], y_ticks[-1], bottom, _TOP_PX)
    parts = [_text(_LEFT_PX, 18, title, "title"), _text((_LEFT_PX + _WIDTH_PX) / 2, bottom + 36, x_name, "name", "middle")]
    for tick in y_ticks:
        parts.append(_rule(_LEFT_PX, y.place(tick), _WIDTH_PX - _RIGHT_PX, y.place(tick), "grid"))
        parts.append(_text(_LEFT_PX - 6, y.place(tick) + 4, _tick(tick, percent=True), "tick", "end"))
    parts += [_text(x.place(tick), bottom + 18, _tick(tick, percent=diagonal), "tick", "middle") for tick in x_ticks]
    if diagonal:
        parts.append(_rule(x.place(0), y.place(0), x.place(1), y.place(1), "equal"))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        parts += _drawn_line(line, x, y, colour)
        parts += _legend(line.name, _LINES_HEIGHT_PX + _LEGEND_PX * number, colour)
    return _picture(title, height, parts)


def _drawn_line(line: Line, x: Axis, y: Axis, colour: str) -> Iterable[str]:
    for spot in line.spots:
        if not math.isnan(spot.low):
            yield _rule(x.place(spot.x), y.place(spot.low), x.place(spot.x), y.place(spot.high), "range", colour)
    points = " ".join(f"{x.place(spot.x):.1f},{y.place(spot.y):.1f}" for spot in line.spots if not math.isnan(spot.y))
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (_dot(x.place(spot.x), y.place(spot.y), colour) for spot in line.spots if not math.isnan(spot.y))


def _legend(name: str, y_px: float, colour: str) -> list[str]:
    return [_dot(_LEFT_PX + 6, y_px, colour), _text(_LEFT_PX + 18, y_px + 4, name, "name")]


def _tick(value: float, percent: bool) -> str:
    return f"{100 * value:g} %" if percent else f"{value:g}"


def _text(x_px: float, y_px: float, text: str, kind: str, anchor: str = "start") -> str:
    look = {"title": 'font-size="14" fill="#282826"', "tick": 'font-size="11" fill="#787670"', "name": 'font-size="12" fill="#282826"'}[
        kind
    ]
    return f'<text x="{x_px:.1f}" y="{y_px:.1f}" {look} text-anchor="{anchor}">{escape(text)}</text>'


def _rule(x0: float, y0: float, x1: float, y1: float, kind: str, colour: str = "#e4e2dc") -> str:
    look = {
        "grid": 'stroke-width="1"',
        "range": 'stroke-width="5" stroke-opacity="0.3"',
        "equal": 'stroke-width="2" stroke-dasharray="5 4"',
    }
    return f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" stroke="{colour}" {look[kind]}/>'


def _dot(x_px: float, y_px: float, colour: str) -> str:
    return f'<circle cx="{x_px:.1f}" cy="{y_px:.1f}" r="4" fill="{colour}"/>'


def _picture(title: str, height_px: float, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH_PX} {height_px:.0f}" width="{_WIDTH_PX}" role="img" '
    font = 'font-family="system-ui, sans-serif"'
    body = "\n".join(parts)
    return f'{head}{font}>\n<title>{escape(title)}</title>\n<rect width="100%" height="100%" fill="#fcfcfb"/>\n{body}\n</svg>\n'
