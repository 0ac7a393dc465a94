"""Deep zoom: any part of a large photo or label map at any size, from a file of halved levels; knows no files but its own.

A pyramid holds level 0, the photo as it is, and levels of half the size each until the longest side is at most `TOP_PX`. One file holds all
of them, uncompressed: a viewport reads only the rows and columns that it shows, through a memory map that is closed again at once, so that
opening costs nothing and memory is bounded by the viewport. All boxes and points outside are in photo pixels: (0, 0) is the photo's corner,
pixel 0 goes from 0 to 1.
"""

import json
import logging
import math
import os
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tesserae.errors import OutputError, PhotoError, TesseraeError
from tesserae.labelmap import check_label_map
from tesserae.overlay import LIGHT_LINE, Colour, paint_overlay

logger = logging.getLogger(__name__)

Array = NDArray[Any]
BoxXYXY = tuple[float, float, float, float]

TOP_PX = 1024
LARGEST_VIEWPORT_PX = 4096

_FORMAT = "tesserae-pyramid-1"
_HEADER_BYTES = 4096
_STRIP_ROWS = 512  # 45 MB of a photo 30,000 pixels wide
_SHARPNESS = 0.25  # levels; a picture is shrunk to 0.6 of a level or stretched to 1.2 before another level is taken
_MOST_OUTLINE = 0.35  # of a picture; tesserae of some 14 pixels a side reach it
_SMALLEST_NUMBER_PX, _LARGEST_NUMBER_PX = 11, 24


@dataclass(frozen=True)
class Pyramid:
    """A file of levels of one photo or label map; holds no pixels and no open file.

    Attributes:
        path: the file.
        shape: of level 0: (H, W, 3) of a photo, (H, W) of a label map.
        dtype: uint8 of a photo, uint16 or int32 of a label map.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the photo in pixels."""
        return self.shape[1], self.shape[0]

    @property
    def level_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of all levels, the largest first."""
        shapes = [self.shape]
        while max(shapes[-1][:2]) > TOP_PX:
            height, width = shapes[-1][:2]
            shapes.append(((height + 1) // 2, (width + 1) // 2, *self.shape[2:]))
        return shapes


@dataclass(frozen=True, eq=False)
class OverlayStyle:
    """How the tesserae of one label map are painted over a photo.

    Attributes:
        fill, outline, numbers: what is painted; a number only where its tessera is large enough to hold it.
        opacity: of the fills, 0 to 1.
        colours: (N, 4) uint8, the sRGB colour of label k and whether it is shown (last channel, 0 hides it) in row k; labels from N on are
            hidden. None: every tessera is shown, in the colours of `tesserae.overlay`.
        line: sRGB colour of the light side of outlines; None: that of `tesserae.overlay`. Outlines fade where they would cover the photo.
    """

    fill: bool = False
    outline: bool = True
    numbers: bool = False
    opacity: float = 0.45
    colours: NDArray[np.uint8] | None = None
    line: Colour | None = None

    def __post_init__(self) -> None:
        """Raise TesseraeError when the opacity is outside 0 to 1 or the colours are not a table of four columns."""
        if not 0 <= self.opacity <= 1:
            raise TesseraeError(f"Opacity goes from 0 to 1, found {self.opacity}. Give for example 0.45.")
        table = self.colours
        if table is not None and (table.ndim != 2 or table.shape[1] != 4 or len(table) == 0 or table.dtype != np.uint8):
            raise TesseraeError(
                f"Expected one 8-bit colour of four parts per label, found {table.dtype} {table.shape}. Give a row per label."
            )


@dataclass(frozen=True, eq=False)
class Overlay:
    """A label map of the photo's size, as a pyramid, and how to paint it."""

    labels: Pyramid
    style: OverlayStyle


def build_pyramid(array: Array, path: Path) -> Pyramid:
    """Write the levels of a photo (H, W, 3) uint8 or of a label map (H, W) to `path`, complete or not at all.

    A pixel of a photo's level is the mean of the 2 x 2 pixels below it, of a label map's level one of them, so that no label is invented;
    where the size is odd, the last row or column stands alone. Works strip by strip: beside `array`, memory holds one strip.

    Raises PhotoError or LabelMapError when `array` is neither, OutputError when the file cannot be written.
    """
    pyramid = Pyramid(Path(path), array.shape, _stored_dtype(array))
    part = pyramid.path.with_name(f".{pyramid.path.name}.{uuid.uuid4().hex}.part")
    try:
        pyramid.path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            _write_levels(array, pyramid, stream)
        os.replace(part, pyramid.path)
    except OSError as error:
        raise OutputError(
            f"The zoom levels could not be written to {path} ({error}). Check that the folder may be written to and has room for"
            f" {(_total_bytes(pyramid) >> 20) + 1} MB."
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return pyramid


def open_pyramid(path: Path) -> Pyramid | None:
    """Return the pyramid in `path`; None when there is none, or the file is damaged or of another kind."""
    try:
        with path.open("rb") as stream:
            header = json.loads(stream.read(_HEADER_BYTES))
        pyramid = Pyramid(path, tuple(int(side) for side in header["shape"]), str(header["dtype"]))
        whole = header["format"] == _FORMAT and path.stat().st_size == _total_bytes(pyramid)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return pyramid if whole else None


def cached_pyramid(path: Path, load: Callable[[], Array]) -> Pyramid:
    """Return the pyramid in `path`, built from `load()` when it is missing or damaged; `path` must be named after the content."""
    pyramid = open_pyramid(path)
    if pyramid is None:
        logger.info("Building the zoom levels in %s.", path)
        pyramid = build_pyramid(load(), path)
    return pyramid


def read_level(pyramid: Pyramid, level: int, rows: slice = slice(None), columns: slice = slice(None)) -> Array:
    """Return a copy of a part of one level; uint8 (h, w, 3) of a photo, int32 (h, w) of a label map.

    Raises PhotoError when the file has gone or was cut short since it was opened.
    """
    stored = _map_level(pyramid, level)
    return np.array(stored[rows, columns], dtype=np.uint8 if stored.ndim == 3 else np.int32)


def map_photo(pyramid: Pyramid) -> Array:
    """Return level 0 as a read-only array that lies in the file: only what is looked at is read.

    Raises PhotoError when the file has gone or was cut short since it was opened.
    """
    return _map_level(pyramid, 0)


def render_viewport(photo: Pyramid, overlays: Sequence[Overlay], box_xyxy: BoxXYXY, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the part `box_xyxy` (photo pixels) of a photo at `size` (width, height) with `overlays` painted on it; uint8 (h, w, 3).

    Beyond its edge the photo is continued by its last pixels, and there are no tesserae. Overlays are painted at the size shown: an outline
    is two pixels wide at every zoom.

    Raises TesseraeError when the box or the size is empty or too large, or a label map is not of the photo's size.
    """
    _check_viewport(box_xyxy, size)
    picture = _sample_photo(photo, box_xyxy, size)
    for overlay in overlays:
        if overlay.labels.size != photo.size:
            raise TesseraeError(
                f"Expected a label map of {photo.size} pixels to fit the photo, found {overlay.labels.size}."
                " Use the result that was made from this photo."
            )
        picture = paint_tesserae(picture, sample_labels(overlay.labels, box_xyxy, size), overlay.style)
    return picture


def sample_labels(labels: Pyramid, box_xyxy: BoxXYXY, size: tuple[int, int]) -> NDArray[np.int32]:
    """Return the part `box_xyxy` (photo pixels) of a label map at `size` (width, height), each pixel that of the nearest label; (h, w)."""
    level = _level_for(labels, box_xyxy, size, 0.0)
    read = lambda rows, columns: read_level(labels, level, rows, columns)  # noqa: E731
    return np.asarray(_sample_nearest(read, labels.size, 2**level, box_xyxy, size, np.int32), dtype=np.int32)


def sample_array(array: Array, box_xyxy: BoxXYXY, size: tuple[int, int]) -> Array:
    """Return the part `box_xyxy` (photo pixels) of an array (H, W) in memory at `size` (width, height), each pixel the nearest; (h, w).

    Outside the array it is 0.
    """
    return _sample_nearest(lambda rows, columns: array[rows, columns], (array.shape[1], array.shape[0]), 1, box_xyxy, size, array.dtype)


def paint_tesserae(picture: NDArray[np.uint8], labels: NDArray[np.int32], style: OverlayStyle) -> NDArray[np.uint8]:
    """Paint the tesserae of `labels` (h, w) over `picture` (h, w, 3) uint8 as `style` says; a new picture, or itself if nothing is."""
    if style.colours is not None:
        table = style.colours
        known = np.where(labels < len(table), labels, 0)
        labels = np.where(table[known, 3] > 0, known, 0).astype(np.int32)
    if style.fill and style.colours is not None:
        picture = _tint(picture, labels, style.colours[:, :3], style.opacity)
    elif style.fill:
        picture = paint_overlay(picture, labels, outline=False, opacity=style.opacity)
    if style.outline:
        picture = _outline(picture, labels, style.line or LIGHT_LINE)
    return _write_numbers(picture, labels) if style.numbers else picture


def tessera_at(labels: Pyramid, x: float, y: float) -> int:
    """Return the label at a point in photo pixels; 0 on mortar and outside the photo."""
    width, height = labels.size
    if not (0 <= x < width and 0 <= y < height):
        return 0
    column, row = int(x), int(y)
    return int(read_level(labels, 0, slice(row, row + 1), slice(column, column + 1))[0, 0])


def _map_level(pyramid: Pyramid, level: int) -> Array:
    try:
        return np.memmap(pyramid.path, pyramid.dtype, "r", _level_offset(pyramid, level), pyramid.level_shapes[level])
    except (OSError, ValueError) as error:
        raise PhotoError(
            f"The zoom levels in {pyramid.path} can no longer be read ({error}). Open the photo again: they are then made anew."
        ) from error


def _stored_dtype(array: Array) -> str:
    if array.ndim == 2:
        # two bytes suffice for nearly every mosaic, and halve the file
        return "uint16" if int(check_label_map(array).max()) <= np.iinfo(np.uint16).max else "int32"
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or array.size == 0:
        raise PhotoError(f"Expected an 8-bit photo of three channels, found {array.dtype} {array.shape}. Read it with read_photo.")
    return "uint8"


def _level_bytes(pyramid: Pyramid) -> list[int]:
    return [math.prod(shape) * np.dtype(pyramid.dtype).itemsize for shape in pyramid.level_shapes]


def _level_offset(pyramid: Pyramid, level: int) -> int:
    return _HEADER_BYTES + sum(_level_bytes(pyramid)[:level])


def _total_bytes(pyramid: Pyramid) -> int:
    return _HEADER_BYTES + sum(_level_bytes(pyramid))


def _write_levels(array: Array, pyramid: Pyramid, stream: IO[bytes]) -> None:
    """Write header and levels; the strips of one level follow each other in the file, those of all levels are made in one go."""
    header = json.dumps({"format": _FORMAT, "shape": pyramid.shape, "dtype": pyramid.dtype})
    stream.write(header.encode().ljust(_HEADER_BYTES))
    offsets = [_level_offset(pyramid, level) for level in range(len(pyramid.level_shapes))]
    step = max(_STRIP_ROWS, 1 << (len(offsets) - 1))  # a power of two, so that strips halve without remainder on every level
    for top in range(0, pyramid.shape[0], step):
        strip = np.ascontiguousarray(array[top : top + step], dtype=pyramid.dtype)
        for level in range(len(offsets)):
            if level:
                strip = _halved(strip, level)
            stream.seek(offsets[level])
            offsets[level] += stream.write(strip.data)


def _halved(strip: Array, level: int) -> Array:
    """Halve a strip to the one of `level`, rounding its sides up."""
    height, width = strip.shape[:2]
    odd = ((0, height % 2), (0, width % 2), (0, 0))[: strip.ndim]
    even = np.pad(strip, odd, mode="edge") if height % 2 or width % 2 else strip
    if strip.ndim == 3:
        return np.asarray(cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA))
    # the lower right and the upper left of four in turn: always the same one would drift away from the middle of what it stands for
    start = level % 2
    return np.ascontiguousarray(even[start::2, start::2])


def _sample_nearest(
    read: Callable[[slice, slice], Array], photo_size: tuple[int, int], step_px: int, box_xyxy: BoxXYXY, size: tuple[int, int], dtype: Any
) -> Array:
    """Nearest pixels of a level whose pixels are `step_px` photo pixels wide; `read` gives a part of it by rows and columns."""
    width, height = (-(-length // step_px) for length in photo_size)
    x, y = _centres(box_xyxy, size)
    columns, rows = (np.floor(centres / step_px).astype(np.int64) for centres in (x, y))
    inside = (columns >= 0) & (columns < width) & (x < photo_size[0]), (rows >= 0) & (rows < height) & (y < photo_size[1])
    out = np.zeros((size[1], size[0]), dtype=dtype)
    if inside[0].any() and inside[1].any():
        columns, rows = columns[inside[0]], rows[inside[1]]
        part = read(slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        out[np.ix_(inside[1], inside[0])] = part[np.ix_(rows - rows[0], columns - columns[0])]
    return out


def _check_viewport(box_xyxy: BoxXYXY, size: tuple[int, int]) -> None:
    x0, y0, x1, y1 = box_xyxy
    if not (all(map(math.isfinite, box_xyxy)) and x0 < x1 and y0 < y1):
        raise TesseraeError(f"Expected a part of the photo as left, top, right, bottom, found {box_xyxy}. Fit the view to the photo.")
    if not all(1 <= side <= LARGEST_VIEWPORT_PX for side in size):
        raise TesseraeError(f"A viewport has 1 to {LARGEST_VIEWPORT_PX} pixels a side, found {size}. Make the window smaller.")


def _level_for(pyramid: Pyramid, box_xyxy: BoxXYXY, size: tuple[int, int], slack: float) -> int:
    """The coarsest level that still has a pixel for each pixel shown; `slack`, in levels, lets it be somewhat coarser."""
    x0, y0, x1, y1 = box_xyxy
    shrink = min((x1 - x0) / size[0], (y1 - y0) / size[1])
    return min(max(0, math.floor(math.log2(shrink) + slack)), len(pyramid.level_shapes) - 1)


def _centres(box_xyxy: BoxXYXY, size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Photo x of the columns and photo y of the rows of a viewport, at their pixels' centres."""
    x0, y0, x1, y1 = box_xyxy
    x = x0 + (np.arange(size[0]) + 0.5) * (x1 - x0) / size[0]
    y = y0 + (np.arange(size[1]) + 0.5) * (y1 - y0) / size[1]
    return x, y


def _sample_photo(photo: Pyramid, box_xyxy: BoxXYXY, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part `box_xyxy` of a photo at `size`; bilinear between the pixels of the level nearest in size."""
    level = _level_for(photo, box_xyxy, size, _SHARPNESS)
    height, width = photo.level_shapes[level][:2]
    edges = np.asarray(box_xyxy) / 2**level
    # two pixels more on each side, for the interpolation; one at least, where the box lies outside
    left, right = _span(edges[0], edges[2], width)
    top, bottom = _span(edges[1], edges[3], height)
    part = read_level(photo, level, slice(top, bottom), slice(left, right))
    step_x, step_y = (edges[2] - edges[0]) / size[0], (edges[3] - edges[1]) / size[1]
    # inverse map: level position of each pixel shown, pixel centres at whole numbers
    matrix = np.array([[step_x, 0, edges[0] + 0.5 * step_x - 0.5 - left], [0, step_y, edges[1] + 0.5 * step_y - 0.5 - top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(part, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _span(low: float, high: float, length: int) -> tuple[int, int]:
    start = min(max(0, math.floor(low) - 2), length - 1)
    return start, max(start + 1, min(length, math.ceil(high) + 2))


def _tint(picture: NDArray[np.uint8], labels: NDArray[np.int32], colours: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Blend the colour of each label (rows of `colours`, (N, 3)) into a copy of `picture`, in 8-bit fixed point."""
    inside = labels > 0
    weight = np.uint16(round(opacity * 256))
    colour = colours[labels[inside]].astype(np.uint16)
    tinted = picture.copy()
    tinted[inside] = ((picture[inside].astype(np.uint16) * (256 - weight) + colour * weight + 128) >> 8).astype(np.uint8)
    return tinted


def _outline(picture: NDArray[np.uint8], labels: NDArray[np.int32], line: Colour) -> NDArray[np.uint8]:
    """Outline the tesserae; where outlines would cover most of a picture of many small ones, they are let through so that it stays seen."""
    outlined = paint_overlay(picture, labels, fill=False, light_line=line)
    share = np.count_nonzero(outlined[:, :, 0] != picture[:, :, 0]) / labels.size
    weight = min(1.0, _MOST_OUTLINE / share) if share else 1.0
    return outlined if weight == 1.0 else np.asarray(cv2.addWeighted(outlined, weight, picture, 1 - weight, 0), dtype=np.uint8)


def _write_numbers(picture: NDArray[np.uint8], labels: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Write each label at the pixel of its visible part that is farthest from the outline, if it fits in there."""
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    for label, x, y, radius_px in _deepest_pixels(labels, _SMALLEST_NUMBER_PX):
        text = str(label)
        font_px = min(_LARGEST_NUMBER_PX, int(min(radius_px, 3 * radius_px / len(text))))
        if font_px >= _SMALLEST_NUMBER_PX:
            draw.text((x, y), text, (255, 255, 255), _font(font_px), anchor="mm", stroke_width=2, stroke_fill=(20, 16, 40))
    return np.asarray(canvas)


def _deepest_pixels(labels: NDArray[np.int32], least_px: float) -> list[tuple[int, int, int, float]]:
    """Label, x, y and distance to the outline of the deepest pixel of each label of (h, w) that is at least `least_px` deep."""
    framed = np.pad(labels, 1)
    inner = framed > 0
    inner[:-1] &= framed[:-1] == framed[1:]
    inner[:, :-1] &= framed[:, :-1] == framed[:, 1:]
    distance = cv2.distanceTransform(inner.astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    rows, columns = np.nonzero(distance >= least_px)
    depth, found = distance[rows, columns], labels[rows, columns]
    order = np.lexsort((depth, found))
    last = order[np.flatnonzero(np.diff(found[order], append=-1))]
    return [(int(found[k]), int(columns[k]), int(rows[k]), float(depth[k])) for k in last]


@lru_cache(maxsize=_LARGEST_NUMBER_PX)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)
