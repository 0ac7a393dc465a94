"""What several commands take, and how the texts of their options are read."""

import math
import re
from typing import Annotated, Literal

import typer

Device = Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to compute.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Processor threads to use at most.")]


def parse_cells(text: str | None) -> tuple[int, int] | None:
    """Rows and columns of a text such as 2x3."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9]\d?)[xX×]([1-9]\d?)", text.strip())
    if match is None:
        raise typer.BadParameter(f"expected rows x columns such as 2x2, each 1 to 99, found '{text}'.")
    return int(match.group(1)), int(match.group(2))


def positive(value: float | None) -> float | None:
    """Refuse a number that is not above 0."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise typer.BadParameter(f"expected a number above 0, found {value}.")
    return value
