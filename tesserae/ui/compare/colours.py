"""Colours and words of A, B and the kinds of differences: the same in pictures, legend and chart; knows no Streamlit.

The colours are those of Okabe and Ito (2008), which people with any colour vision tell apart.
"""

import html
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from tesserae.comparison import KINDS, Found, Kind
from tesserae.overlay import Colour

A_COLOUR: Colour = (230, 159, 0)
B_COLOUR: Colour = (86, 180, 233)
KIND_COLOURS: dict[Kind, Colour] = {
    "same": (200, 200, 200),
    "only_a": A_COLOUR,
    "only_b": B_COLOUR,
    "split": (0, 158, 115),
    "merged": (204, 121, 167),
    "moved": (240, 228, 66),
}


def colour_table(found: Found, shown: Collection[Kind]) -> NDArray[np.uint8]:
    """Row k: colour and visibility of label k, as `OverlayStyle.colours` wants them; (largest label + 1, 4) uint8."""
    by_kind = np.array([(*KIND_COLOURS[kind], 255 if kind in shown else 0) for kind in KINDS], dtype=np.uint8)
    table = np.zeros((int(found.labels.max(initial=0)) + 1, 4), dtype=np.uint8)
    table[found.labels] = by_kind[found.kinds]
    return table


def words_of(names: tuple[str, str]) -> dict[Kind, str]:
    """What each kind is called, as text for HTML."""
    a, b = (html.escape(name) for name in names)
    return {
        "same": "Same in both",
        "only_a": f"Found only by A, {a}",
        "only_b": f"Found only by B, {b}",
        "split": "Divided: one of A is several of B",
        "merged": "Joined: several of A are one of B",
        "moved": "Outline differs",
    }


def swatch(kind: Kind) -> str:
    """A small square in the kind's colour, as HTML; nothing to a screen reader, which has the words beside it."""
    size = "display:inline-block;width:.8em;height:.8em;border-radius:.15em;border:1px solid #0004"
    return f"<span aria-hidden='true' style='{size};background:{css(KIND_COLOURS[kind])}'></span>"


def css(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
