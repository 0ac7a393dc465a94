"""Read what a person says is true of a photo: a label map, a binary mask, or marked points; scores nothing.

Three kinds of truth file are read, all in the frame of the whole photo:

- a label map, TIFF or PNG of integers, 0 = mortar, one number per tessera;
- a binary mask: an image of one bit, or of 8 bits with the values 0 and 1 or 0 and 255 alone, or of more bits with 0
  and the largest value alone. Its tesserae are the connected components, so tesserae that touch count as one: the notes
  say so;
- marked points, a JSON file ``{name: entry}``. An entry holds ``kind`` ("points"), ``x``, ``y`` and ``side`` (the
  square crop of the photo that was marked, pixels), ``tessera_px`` (the usual side of a tessera), ``points`` ([x, y] in
  crop pixels, one inside each tessera) and, where the eye cannot tell pieces apart, ``ignore`` (polygons in crop
  pixels).
"""

import json
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image
from scipy import ndimage

from tesserae.errors import LabelMapError, TruthError
from tesserae.labelmap import check_label_map

LABEL_MAP = "label map"
BINARY_MASK = "binary mask"
POINTS = "points"

Labels: TypeAlias = npt.NDArray[np.int32]
Coordinates: TypeAlias = npt.NDArray[np.float64]

_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    KeyError,
    IndexError,
    TypeError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
)  # what Pillow and tifffile are known to raise on damaged files
_TIFF_SUFFIXES = (".tif", ".tiff")
_NOTE_COMPONENTS = (
    "The truth is a binary mask: its tesserae are the connected components (four neighbours), so tesserae that touch count as one."
)


@dataclass(frozen=True, eq=False)
class LabelTruth:
    """Truth for every pixel of a photo.

    Attributes:
        labels: int32 (H, W), 0 = mortar, other values = tessera numbers.
        kind: "label map", or "binary mask" when the tesserae were made from connected components.
        notes: plain sentences on how the file was understood.
    """

    labels: Labels
    kind: str = LABEL_MAP
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "labels", check_label_map(self.labels))
        except LabelMapError as error:
            raise TruthError(f"The truth is not a label map. {error}") from error


@dataclass(frozen=True, eq=False)
class PointTruth:
    """One marked point per tessera inside a square crop of a photo.

    Attributes:
        x0, y0: upper left pixel of the crop in the photo.
        side_px: side of the crop.
        tessera_px: usual side of a tessera; half of it at the crop's edge is not judged.
        points_xy: float64 (N, 2), in crop pixels, one inside each tessera.
        ignore_xy: polygons, each float64 (K, 2) in crop pixels, inside which nothing is judged.
        name: the entry's name in its file.
        notes: plain sentences on how the file was understood.
    """

    x0: int
    y0: int
    side_px: int
    tessera_px: float
    points_xy: Coordinates
    ignore_xy: tuple[Coordinates, ...] = ()
    name: str = ""
    kind: str = field(default=POINTS, init=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.x0 < 0 or self.y0 < 0 or self.side_px < 1 or not self.tessera_px > 0:
            raise TruthError(
                f"Marked points need a crop inside the photo (x and y at least 0, side at least 1) and tessera_px above"
                f" 0, but '{self.name}' has x {self.x0}, y {self.y0}, side {self.side_px}, tessera_px {self.tessera_px}"
                f". Correct these figures in the truth file."
            )
        outside = ((self.points_xy < 0) | (self.points_xy > self.side_px)).any(axis=1)
        if outside.any():
            x, y = self.points_xy[outside][0]
            raise TruthError(
                f"Marked points are given in pixels of the crop, 0 to {self.side_px}, but {int(outside.sum())} of "
                f"'{self.name}' lie outside it, the first at ({x:g}, {y:g}). Subtract the crop's corner from them."
            )

    def ignored(self, points_xy: Coordinates) -> npt.NDArray[np.bool_]:
        """Say for each of (N, 2) crop points whether it lies inside an ignore polygon; bool (N,)."""
        hidden = np.zeros(len(points_xy), dtype=bool)
        for polygon_xy in self.ignore_xy:
            hidden |= points_in_polygon(points_xy, polygon_xy)
        return hidden


Truth: TypeAlias = LabelTruth | PointTruth


def read_truth(path: Path | str, entry: str | None = None) -> Truth:
    """Read a truth file of any kind; `entry` names one entry of a JSON file and is needed when it holds several.

    Raises:
        TruthError: the file is missing, of another kind, damaged, or the entry is unknown, not given or not wanted.
    """
    path = Path(path)
    if not path.is_file():
        raise TruthError(f"Expected a truth file at {path}, found none. Check the path.")
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _read_points(path, entry)
    if suffix not in (*_TIFF_SUFFIXES, ".png"):
        raise TruthError(
            f"Truth is read from .tif, .tiff, .png (label map or binary mask) or .json (marked points), but {path.name}"
            f" is none of these. Save it as one of them, without loss."
        )
    if entry is not None:
        raise TruthError(f"An entry is chosen in a .json file only, but {path.name} is an image. Leave the entry '{entry}' out.")
    return _truth_from_pixels(_read_pixels(path), path.name)


def entry_of_photo(path: Path, photo_name: str) -> str | None:
    """Return which entry of a file of marked points is that of a photo: the one that names its file, else the one that is called like it.

    None where there is none, or the file is of another kind or cannot be read; reading it then says what is wrong with it.
    """
    if path.suffix.lower() != ".json":
        return None
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(entries, dict):
        return None
    own = [name for name, entry in entries.items() if isinstance(entry, dict) and entry.get("photo") == photo_name]
    own += [name for name in entries if name == Path(photo_name).stem]
    return own[0] if own else None


def points_in_polygon(points_xy: Coordinates, polygon_xy: Coordinates) -> npt.NDArray[np.bool_]:
    """Even-odd rule: a point is inside when a ray towards larger x crosses an odd number of sides.

    Args:
        points_xy: float (N, 2).
        polygon_xy: float (K, 2), closed by itself (the last corner is joined to the first).

    Returns:
        bool (N,). Each side owns its upper corner only (smaller y), so a corner is never counted twice.
    """
    x, y = points_xy[:, 0], points_xy[:, 1]
    inside = np.zeros(len(points_xy), dtype=bool)
    for (ax, ay), (bx, by) in zip(polygon_xy, np.roll(polygon_xy, 1, axis=0), strict=True):
        if ay == by:
            continue  # a level side is never crossed by a level ray
        spans = (ay > y) != (by > y)
        inside ^= spans & (x < ax + (bx - ax) * (y - ay) / (by - ay))
    return inside


def _read_pixels(path: Path) -> npt.NDArray[Any]:
    """Read an image as one channel of whole numbers (H, W) or bool, or refuse it."""
    try:
        pixels = tifffile.imread(path) if path.suffix.lower() in _TIFF_SUFFIXES else _read_png(path)
    except _UNREADABLE as error:
        raise TruthError(f"{path.name} should be a truth image but cannot be read ({error}). Save it anew, large ones as TIFF.") from error
    pixels = _one_channel(np.squeeze(pixels) if pixels.ndim > 2 else pixels)
    if pixels.ndim != 2 or pixels.dtype.kind not in "bui":
        raise TruthError(
            f"A truth image has one channel of whole numbers (0 = mortar), but {path.name} has shape {pixels.shape} and"
            f" type {pixels.dtype}. Save the label numbers themselves, not a coloured picture of them."
        )
    return pixels


def _read_png(path: Path) -> npt.NDArray[Any]:
    """Read a PNG as stored; a palette that is itself grey is applied, any other keeps its indices as labels."""
    with warnings.catch_warnings():
        # truth of 100 Mpx is usual; Pillow's own refusal at 179 Mpx stands
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode == "P":
                entries = np.asarray(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
                if (entries == entries[:, :1]).all():
                    return np.asarray(image.convert("L"))
            return np.asarray(image)


def _one_channel(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Drop channels that repeat the first, and even alpha, as drawing programs add them; (H, W, C) -> (H, W)."""
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 3, 4):
        return pixels
    has_alpha = pixels.shape[2] != 3
    colours = pixels[..., :-1] if has_alpha else pixels
    if has_alpha and not (pixels[..., -1] == pixels[..., -1].max()).all():
        return pixels  # what is drawn in the alpha channel would be lost
    return colours[..., 0] if (colours == colours[..., :1]).all() else pixels


def _truth_from_pixels(pixels: npt.NDArray[Any], name: str) -> LabelTruth:
    """Decide whether whole numbers (H, W) are labels or a binary mask."""
    tesserae = pixels[pixels != 0]
    if tesserae.size and tesserae.min() == tesserae.max() and _is_mask_value(tesserae[0], pixels.dtype):
        labels, _ = ndimage.label(pixels)
        return LabelTruth(labels.astype(np.int32), BINARY_MASK, (_NOTE_COMPONENTS,))
    if pixels.dtype == np.uint8 and _looks_soft(tesserae):
        raise TruthError(
            f"{name} should hold label numbers or two values, but most of its tessera pixels are 255 and the others are"
            f" greys between: it looks like a mask with soft edges. Cut it at 128 to the values 0 and 255."
        )
    return LabelTruth(pixels)


def _looks_soft(tesserae: npt.NDArray[np.uint8]) -> bool:
    """Say whether 8-bit pixels above 0 are mostly white with several greys, as in a mask with smooth edges."""
    counts = np.bincount(tesserae, minlength=256)
    return bool(np.count_nonzero(counts) > 2 and counts[255] * 2 > counts.sum())


def _is_mask_value(value: Any, dtype: np.dtype[Any]) -> bool:
    """Say whether the only value beside 0 marks a mask: true, full scale, or 1 in 8 bits."""
    if dtype.kind == "b":
        return True
    return bool(value == np.iinfo(dtype).max) or (dtype.itemsize == 1 and int(value) in (1, 255))


def _read_points(path: Path, entry: str | None) -> PointTruth:
    """Read one entry of a JSON file of marked points."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError covers bad JSON and bad UTF-8
        raise TruthError(f"{path.name} should be a JSON file of marked points but cannot be read: {error}.") from error
    if not isinstance(entries, dict) or not entries:
        raise TruthError(f"{path.name} should hold named entries, one for each photo, but holds none. Write it as {{name: entry}}.")
    name = _choose_entry(entries, entry, path.name)
    return _parse_entry(entries[name], name)


def _choose_entry(entries: Mapping[str, Any], entry: str | None, file_name: str) -> str:
    """The name to read: the one asked for, or the only one there is."""
    names = ", ".join(entries)
    if entry is None:
        if len(entries) > 1:
            raise TruthError(f"{file_name} holds several entries ({names}) and none was chosen. Give the entry's name.")
        return next(iter(entries))
    if entry not in entries:
        raise TruthError(f"{file_name} has no entry '{entry}'; it has {names}. Give one of these names.")
    return entry


def _parse_entry(entry: Any, name: str) -> PointTruth:
    """Turn one JSON entry into a record, or say what is wrong with it."""
    if not isinstance(entry, dict) or entry.get("kind", POINTS) != POINTS:
        kind = entry.get("kind") if isinstance(entry, dict) else type(entry).__name__
        raise TruthError(f"Entry '{name}' should be of kind 'points', found {kind!r}. Other truth is read from an image file.")
    missing = [key for key in ("x", "y", "side", "tessera_px", "points") if key not in entry]
    if missing:
        raise TruthError(f"Entry '{name}' lacks {', '.join(missing)}. Marked points need x, y, side, tessera_px and points.")
    return PointTruth(
        x0=_whole(entry["x"], f"x of '{name}'"),
        y0=_whole(entry["y"], f"y of '{name}'"),
        side_px=_whole(entry["side"], f"side of '{name}'"),
        tessera_px=_number(entry["tessera_px"], f"tessera_px of '{name}'"),
        points_xy=_coordinates(entry["points"], f"points of '{name}'"),
        ignore_xy=_polygons(entry.get("ignore", []), name),
        name=name,
    )


def _number(value: Any, what: str) -> float:
    """A finite JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise TruthError(f"The {what} should be a number, found {value!r}. Correct it in the truth file.")
    return float(value)


def _whole(value: Any, what: str) -> int:
    """A whole JSON number (12 or 12.0)."""
    number = _number(value, what)
    if not number.is_integer():
        raise TruthError(f"The {what} should be whole pixels, found {value!r}. Correct it in the truth file.")
    return int(number)


def _coordinates(value: Any, what: str) -> Coordinates:
    """JSON pairs as float64 (N, 2)."""
    if not isinstance(value, list) or not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        raise TruthError(f"The {what} should be a list of [x, y] pairs. Correct it in the truth file.")
    numbers = [[_number(x, what), _number(y, what)] for x, y in value]
    return np.asarray(numbers, dtype=np.float64).reshape(-1, 2)


def _polygons(value: Any, name: str) -> tuple[Coordinates, ...]:
    """The ignore polygons of an entry, each with at least three corners."""
    if not isinstance(value, list):
        raise TruthError(f"The ignore polygons of '{name}' should be a list, found {value!r}. Correct it in the truth file.")
    polygons = tuple(_coordinates(corners, f"ignore polygons of '{name}'") for corners in value)
    if any(len(corners) < 3 for corners in polygons):
        raise TruthError(f"An ignore polygon of '{name}' has fewer than three corners. Add the missing ones or remove it.")
    return polygons
