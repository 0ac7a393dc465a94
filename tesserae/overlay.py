"""Overlays: a photo with its tesserae filled and outlined; takes an image and a label map, gives an image.

An outline is two pixels wide, one light and one dark, so that it shows on light and on dark stone: the tessera's own
edge pixels are light, the mortar next to them dark. Where two tesserae touch, the one with the higher number takes
the dark pixel. The photo's frame is no outline.
"""

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import PhotoError, TesseraeError
from tesserae.labelmap import check_label_map

Colour = tuple[int, int, int]

LIGHT_LINE: Colour = (110, 250, 255)
DARK_LINE: Colour = (20, 16, 40)
PALETTE_SIZE = 1 << 16

_STRIP_PIXELS = 1 << 21  # bounds the temporary arrays to some tens of MB
_HUE_STEP, _BRIGHTNESS_STEP, _SATURATION_STEP = 0.6180339887498949, 0.2225, 0.5577  # the first is 1/phi


def paint_overlay(
    image: NDArray[np.uint8],
    labels: NDArray[np.int32],
    *,
    fill: bool = True,
    outline: bool = True,
    opacity: float = 0.45,
    light_line: Colour = LIGHT_LINE,
    dark_line: Colour = DARK_LINE,
) -> NDArray[np.uint8]:
    """Paint the tesserae of `labels` (H, W) over `image` (H, W, 3) uint8 sRGB; a new image of the same shape.

    Args:
        fill: colour every tessera by its number, see `label_colours`.
        outline: draw the outlines.
        opacity: of the fills, 0 (not seen) to 1 (the photo is not seen); outlines are always opaque.
        light_line, dark_line: sRGB colours of the two sides of an outline.

    Raises PhotoError when `image` is of another kind or shape, LabelMapError when `labels` is not a label map,
    TesseraeError when `opacity` is outside 0 to 1.
    """
    labels = check_label_map(labels)
    if image.dtype != np.uint8 or image.shape != (*labels.shape, 3):
        raise PhotoError(
            f"Expected an 8-bit image of {(*labels.shape, 3)} to fit the label map, found {image.dtype} {image.shape}."
            " Use the label map that was made from this photo."
        )
    if not 0 <= opacity <= 1:
        raise TesseraeError(f"Opacity goes from 0 to 1, found {opacity}. Give for example 0.45.")
    out = image.copy()
    palette = label_colours(np.arange(PALETTE_SIZE)) if fill else None
    step = max(1, _STRIP_PIXELS // labels.shape[1])
    for top in range(0, labels.shape[0], step):
        bottom = min(top + step, labels.shape[0])
        if palette is not None:
            _fill(out[top:bottom], labels[top:bottom], palette, opacity)
        if outline:
            light, dark = _outlines(labels, top, bottom)
            out[top:bottom][light] = light_line
            out[top:bottom][dark] = dark_line
    return out


def label_colours(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Fill colours (N, 3) uint8 sRGB of labels (N,), the same in every photo.

    Hue steps by the golden ratio, which keeps consecutive numbers far apart but brings numbers a Fibonacci number
    apart close together, and those may be neighbours from row to row. Brightness and saturation therefore step too, by
    amounts found by search: no two numbers less than 300 apart come closer than 15 of 255 in RGB.
    """
    number = labels.astype(np.float64)
    hue = number * _HUE_STEP % 1.0
    brightness = 0.45 + 0.55 * (number * _BRIGHTNESS_STEP % 1.0)
    saturation = 0.5 + 0.5 * (number * _SATURATION_STEP % 1.0)
    # HSV to RGB: A. R. Smith's hexcone (1978), solved for each channel.
    offset = np.array([5.0, 3.0, 1.0])
    sector = (offset + hue[:, None] * 6.0) % 6.0
    drop = np.clip(np.minimum(sector, 4.0 - sector), 0.0, 1.0)
    value = 255.0 * brightness[:, None] * (1.0 - saturation[:, None] * drop)
    colours: NDArray[np.uint8] = np.rint(value).astype(np.uint8)
    return colours


def _fill(out: NDArray[np.uint8], labels: NDArray[np.int32], palette: NDArray[np.uint8], opacity: float) -> None:
    """Blend the labels' colours into `out` (h, W, 3) in place, in 8-bit fixed point."""
    inside = labels > 0
    weight = np.uint16(round(opacity * 256))
    colour = palette[labels[inside] % PALETTE_SIZE].astype(np.uint16)
    photo = out[inside].astype(np.uint16)
    out[inside] = ((photo * (256 - weight) + colour * weight + 128) >> 8).astype(np.uint8)


def _outlines(labels: NDArray[np.int32], top: int, bottom: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Light and dark pixels of rows top to bottom, each (bottom - top, W); a pixel is never both.

    One row above and below is read too, so that strips leave no trace.
    """
    above, below = min(top, 1), min(labels.shape[0] - bottom, 1)
    part = labels[top - above : bottom + below]
    light, dark = np.zeros(part.shape, dtype=bool), np.zeros(part.shape, dtype=bool)
    for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        a, b = part[first], part[second]
        differs = a != b
        light[first] |= differs & (a > 0)
        light[second] |= differs & (b > 0)
        dark[first] |= differs & ((a == 0) | ((b > 0) & (a > b)))
        dark[second] |= differs & ((b == 0) | ((a > 0) & (b > a)))
    inner = np.s_[above : part.shape[0] - below]
    return (light & ~dark)[inner], dark[inner]
