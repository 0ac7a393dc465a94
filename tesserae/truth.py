"""Read what a person says is true of a photo: a label map, a binary mask, or marked points; scores nothing.

Three kinds of truth file are read, all in the frame of the whole photo:

- a label map or a binary mask, TIFF or PNG, as `tesserae.importing.images` reads them;
- marked points, a JSON file ``{name: entry}``. An entry holds ``kind`` ("points"), ``x``, ``y`` and ``side`` (the
  square crop of the photo that was marked, pixels), ``tessera_px`` (the usual side of a tessera), ``points`` ([x, y] in
  crop pixels, one inside each tessera) and, where the eye cannot tell pieces apart, ``ignore`` (polygons in crop
  pixels).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tesserae.errors import AnnotationError, LabelMapError, TruthError
from tesserae.importing.images import IMAGE_SUFFIXES, LABEL_MAP, read_label_image
from tesserae.labelmap import check_label_map
from tesserae.polygons import Coordinates, points_in_polygon

POINTS = "points"

Labels: TypeAlias = npt.NDArray[np.int32]


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
    if suffix not in IMAGE_SUFFIXES:
        raise TruthError(
            f"Truth is read from .tif, .tiff, .png (label map or binary mask) or .json (marked points), but {path.name}"
            f" is none of these. Save it as one of them, without loss."
        )
    if entry is not None:
        raise TruthError(f"An entry is chosen in a .json file only, but {path.name} is an image. Leave the entry '{entry}' out.")
    try:
        image = read_label_image(path)
    except AnnotationError as error:
        raise TruthError(str(error)) from error
    return LabelTruth(image.labels, image.kind, image.notes)


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
