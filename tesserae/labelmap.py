"""Label maps: the one type in which tesserae are held, counted, stored and exchanged.

A label map is a numpy int32 array (H, W) in the photo's frame: 0 is mortar, any other value the number of a tessera.
Numbers need not be contiguous. On disk it is a TIFF of one channel, uint32, deflate. This module knows nothing of
photos, models or measurements.
"""

import os
import struct
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage

from tesserae.errors import LabelMapError, OutputError

MAX_LABEL = int(np.iinfo(np.int32).max)
TABLE_LIMIT = 1 << 25
"""Up to this label a look-up table is used (128 MB of int32 at most); above it, sorting, which is slower."""

_BOX_TABLE_LIMIT = 1 << 20  # boxes of all numbers up to this are looked for at once, 32 bytes each; above it, the map is renumbered first
_STRIP_ROWS = 512
_UNREADABLE = (OSError, ValueError, RuntimeError, KeyError, IndexError, TypeError, ArithmeticError, struct.error)


@dataclass(frozen=True, eq=False)
class InteriorPoints:
    """One point per tessera, the pixel farthest from its outline; rows in ascending order of label.

    Attributes:
        labels: (N,) int32.
        points_xy: (N, 2) float64, column and row of the pixel; whole numbers name pixel centres.
        radius_px: (N,) float64, distance from that pixel's centre to the nearest pixel centre outside the tessera;
            outside the photo counts as outside the tessera.
    """

    labels: NDArray[np.int32]
    points_xy: NDArray[np.float64]
    radius_px: NDArray[np.float64]


def check_label_map(array: NDArray[Any]) -> NDArray[np.int32]:
    """Return `array` as an int32 label map, the same object if it is one already.

    Raises LabelMapError when it is not two-dimensional, is empty, is not of an integer type, or holds a value outside
    0 to 2^31 - 1.
    """
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.size == 0:
        found = f"shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise LabelMapError(f"A label map is an array of height by width, found {found}. Give one channel only.")
    if array.dtype.kind not in "iu":
        raise LabelMapError(f"A label map holds whole numbers, found {array.dtype}. Number the tesserae 1, 2, 3 and leave mortar 0.")
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest > MAX_LABEL:
        raise LabelMapError(f"Labels go from 0 (mortar) to {MAX_LABEL}, found {lowest} to {highest}. Number the tesserae again.")
    return array.astype(np.int32, copy=False)


def read_label_map(path: Path) -> NDArray[np.int32]:
    """Read a label map from a TIFF of one integer channel; int32 (H, W).

    Raises LabelMapError when the file is missing, is not a TIFF, cannot be decoded, or does not hold a label map.
    """
    path = Path(path)
    if not path.is_file():
        raise LabelMapError(f"There is no label map at {path}. Check the path.")
    try:
        with tifffile.TiffFile(path) as tif:
            array = tif.pages[0].asarray()
    except _UNREADABLE as error:
        raise LabelMapError(
            f"{path} cannot be read as a label map: expected a TIFF of one channel, found a file that is damaged or"
            f" of another kind ({error}). Export the label map again."
        ) from error
    return check_label_map(array)


def write_label_map(path: Path, labels: NDArray[Any]) -> None:
    """Write `labels` (H, W) as a TIFF of one channel, uint32, deflate; complete or not at all.

    Raises LabelMapError when `labels` is not a label map, OutputError when the file cannot be written.
    """
    path = Path(path)
    stored = check_label_map(labels).view(np.uint32)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        tifffile.imwrite(part, stored, compression="adobe_deflate", rowsperstrip=64, metadata=None)
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"The label map could not be written to {path} ({error}). Check that the folder exists and has room.") from error
    finally:
        part.unlink(missing_ok=True)


def present_labels(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Labels that occur in the label map (H, W) without mortar, ascending; int32 (N,)."""
    labels = check_label_map(labels)
    highest = int(labels.max())
    if highest > TABLE_LIMIT:
        found = np.unique(np.concatenate([np.unique(strip) for strip in _strips(labels)]))
        return found[found > 0]
    seen = np.zeros(highest + 1, dtype=bool)
    for strip in _strips(labels):
        seen[strip] = True
    seen[0] = False
    return np.flatnonzero(seen).astype(np.int32)


def count_tesserae(labels: NDArray[np.int32]) -> int:
    """How many tesserae the label map (H, W) holds; a tessera in several pieces counts once."""
    return int(present_labels(labels).size)


def relabel_sequential(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber the tesserae 1, 2, ... N in the order of their present numbers; a new int32 array (H, W)."""
    labels = check_label_map(labels)
    values = present_labels(labels)
    out = np.empty(labels.shape, dtype=np.int32)
    highest = int(values[-1]) if values.size else 0
    steps = np.concatenate([np.zeros(1, dtype=np.int32), values])
    table = np.zeros(highest + 1 if highest <= TABLE_LIMIT else 0, dtype=np.int32)
    if table.size:
        table[steps] = np.arange(steps.size, dtype=np.int32)
    for before, after in zip(_strips(labels), _strips(out), strict=True):
        after[...] = table[before] if table.size else np.searchsorted(steps, before)
    return out


def fill_mortar_from_nearest(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the label map (H, W) with every pixel of mortar given to the nearest tessera; a map without any stays as it is."""
    mortar = labels == 0
    if not mortar.any() or mortar.all():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(mortar.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    label_of_site = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    label_of_site[nearest[~mortar]] = labels[~mortar]
    return np.asarray(label_of_site[nearest], dtype=np.int32)


def tessera_slices(labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], list[tuple[slice, slice]]]:
    """Labels of the map (H, W), ascending, int32 (N,), and for each the rows and columns of the smallest box around it."""
    labels = check_label_map(labels)
    if int(labels.max()) > _BOX_TABLE_LIMIT:
        values = present_labels(labels)
        return values, ndimage.find_objects(relabel_sequential(labels), max_label=int(values.size))
    found = {label: box for label, box in enumerate(ndimage.find_objects(labels), 1) if box is not None}
    return np.array(list(found), dtype=np.int32), list(found.values())


def interior_points(labels: NDArray[np.int32]) -> InteriorPoints:
    """The pixel of each tessera that is farthest from its outline.

    Of equally far pixels the one nearest to their mean is taken, so that the point of a bar lies at its middle. Work
    goes box by box: time follows the area of the tesserae's boxes, not the number of tesserae times the photo.

    Args:
        labels: label map (H, W).
    """
    labels = check_label_map(labels)
    values, boxes = tessera_slices(labels)
    points_xy = np.empty((values.size, 2), dtype=np.float64)
    radius_px = np.empty(values.size, dtype=np.float64)
    for index, (value, (rows, columns)) in enumerate(zip(values, boxes, strict=True)):
        row, column, radius_px[index] = _deepest_pixel(labels[rows, columns] == value)
        points_xy[index] = columns.start + column, rows.start + row
    return InteriorPoints(values, points_xy, radius_px)


def _deepest_pixel(mask: NDArray[np.bool_]) -> tuple[int, int, float]:
    """Row, column and distance of the pixel of `mask` (h, w) farthest from its outline."""
    distance = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    radius = float(distance.max())
    rows, columns = np.nonzero(distance == radius)
    if rows.size > 1:
        nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
        return int(rows[nearest]), int(columns[nearest]), radius
    return int(rows[0]), int(columns[0]), radius


def _strips(array: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """Views of at most `_STRIP_ROWS` rows: index arrays made from them stay small."""
    for top in range(0, array.shape[0], _STRIP_ROWS):
        yield array[top : top + _STRIP_ROWS]
