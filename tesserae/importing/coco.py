"""Read the outlines of one photo from a COCO file of instances (JSON): polygons and run-length codes.

Coordinates of polygons are photo pixels with the corner of the first pixel at (0, 0) and its centre at (0.5, 0.5); a pixel belongs to a
tessera when its centre lies inside. Several polygons of one annotation are parts of one tessera. What is left out or repaired stands in
the notes; what cannot be understood is refused.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import AnnotationError
from tesserae.importing.painting import CroppedMask, paint_masks
from tesserae.importing.rle import mask_of_counts, unpack_counts
from tesserae.importing.sizes import check_size
from tesserae.importing.wording import counted
from tesserae.labelmap import MAX_LABEL
from tesserae.polygons import Coordinates, fill_polygon, pixel_box

LABEL_KEY = "label"
"""Our own key of an annotation: the number of its tessera, which other programs pass over."""

_TESSERA_NAMES = ("tessera", "tesserae")

_Entry = Mapping[str, Any]


def read_coco(path: Path, shape: tuple[int, int], photo_name: str) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Read the tesserae of the photo `photo_name`, whose upright size is `shape`; return their label map (H, W), and notes.

    Tesserae have the numbers that we wrote with them, or else 1, 2, 3 in the order of the file.

    Raises AnnotationError when the file is damaged, is no COCO file, does not name the photo, gives it another size, or holds an outline
    that cannot be understood.
    """
    content = _load(path)
    image = _choose_image(content["images"], photo_name, path.name)
    if image.get("width") and image.get("height"):
        check_size((image["height"], image["width"]), shape, f"its entry in {path.name}", photo_name)
    annotations = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
    wanted, notes = _choose_annotations(annotations, content.get("categories"), path.name)
    masks = [_read_mask(entry, shape) for entry in wanted]
    labels, overlap_notes = paint_masks(masks, _numbers(wanted), shape)
    return labels, (*notes, *_describe_edges(masks), *overlap_notes)


def _load(path: Path) -> dict[str, Any]:
    """The file's content with its lists of images and annotations checked as far as they are used."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:  # ValueError covers bad JSON and bad UTF-8
        raise AnnotationError(f"{path.name} should be a COCO file (JSON) but cannot be read: {error}. Export it again.") from error
    parts = (("images", ("id", "file_name")), ("annotations", ("image_id",)))
    for part, keys in parts:
        entries = content.get(part) if isinstance(content, dict) else None
        if not isinstance(entries, list) or not all(isinstance(each, dict) and all(key in each for key in keys) for each in entries):
            raise AnnotationError(
                f"A COCO file has a list '{part}' of entries with {' and '.join(keys)}, but {path.name} has none. Export the annotation as"
                " COCO instances; points marked in tesserae are no outlines, and serve to judge results only."
            )
    return dict(content)


def _choose_image(images: Sequence[_Entry], photo_name: str, file_name: str) -> _Entry:
    """The entry that names the photo: in full, else without folders, else without ending."""
    paths = [PurePosixPath(str(image["file_name"]).replace("\\", "/")) for image in images]
    rules: tuple[Callable[[PurePosixPath], bool], ...] = (
        lambda path: str(path) == photo_name,
        lambda path: path.name == photo_name,
        lambda path: path.stem.casefold() == PurePosixPath(photo_name).stem.casefold(),
    )
    for is_own in rules:
        own = [image for image, path in zip(images, paths, strict=True) if is_own(path)]
        if len(own) == 1:
            return own[0]
        if own:
            names = ", ".join(str(image["file_name"]) for image in own)
            raise AnnotationError(f"{file_name} has several entries that may be {photo_name} ({names}). Keep the one that is meant.")
    names = ", ".join(str(path) for path in paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")
    raise AnnotationError(
        f"{file_name} has no entry for {photo_name}; it has {names or 'none at all'}. Give the photo the name that it had when it was"
        " annotated."
    )


def _choose_annotations(annotations: Sequence[_Entry], categories: Any, file_name: str) -> tuple[list[_Entry], tuple[str, ...]]:
    """The annotations that are tesserae with an outline, and what is said of the others."""
    outlined = [entry for entry in annotations if not entry.get("iscrowd") and entry.get("segmentation")]
    crowds = sum(bool(entry.get("iscrowd")) for entry in annotations)
    bare = len(annotations) - crowds - len(outlined)
    if bare and not outlined:
        raise AnnotationError(
            f"The annotations of this photo in {file_name} have boxes but no outlines. Export them with polygons or masks."
        )
    wanted, notes = _choose_category(outlined, categories)
    if crowds:
        notes.append(f"{counted(crowds, 'crowd annotation was', 'crowd annotations were')} left out: each is a region, not one tessera.")
    if bare:
        notes.append(f"{counted(bare, 'annotation was', 'annotations were')} left out for want of an outline.")
    if not annotations:
        notes.append(f"{file_name} knows this photo but has no annotations of it.")
    return wanted, tuple(notes)


def _choose_category(annotations: list[_Entry], categories: Any) -> tuple[list[_Entry], list[str]]:
    """Where a category is called tessera its annotations alone, else all."""
    known = categories if isinstance(categories, list) else []
    name_of_id = {entry.get("id"): str(entry.get("name")) for entry in known if isinstance(entry, dict)}
    names = [name_of_id.get(entry.get("category_id"), "without a name") for entry in annotations]
    used = Counter(names)
    if len(used) < 2:
        return annotations, []
    tesserae = [entry for entry, name in zip(annotations, names, strict=True) if name.casefold() in _TESSERA_NAMES]
    if not tesserae:
        return annotations, [f"All {len(used)} categories were taken as tesserae ({', '.join(used)}), as none of them is called tessera."]
    others = [name for name in used if name.casefold() not in _TESSERA_NAMES]
    left_out = len(annotations) - len(tesserae)
    said = f"{counted(left_out, 'outline was', 'outlines were')} left out as of other categories ({', '.join(others)})."
    return tesserae, [said] if left_out else []


def _numbers(annotations: Sequence[_Entry]) -> list[int]:
    """The tesserae's own numbers where all have one, no two the same; else 1, 2, 3."""
    own = [entry.get(LABEL_KEY) for entry in annotations]
    valid = [number for number in own if type(number) is int and 1 <= number <= MAX_LABEL]
    return valid if len(set(valid)) == len(own) else list(range(1, len(own) + 1))


def _read_mask(annotation: _Entry, shape: tuple[int, int]) -> CroppedMask:
    """The pixels of one annotation, or an AnnotationError that names it."""
    segmentation = annotation["segmentation"]
    try:
        if isinstance(segmentation, dict):
            return _mask_of_runs(segmentation, shape)
        return _mask_of_polygons([_corners(part) for part in segmentation], shape)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise AnnotationError(
            f"The outline of annotation {annotation.get('id', 'without id')} should be polygons of x and y by turns, or runs of the whole"
            f" photo, but it cannot be understood ({error}). Correct it or remove it in the program that it comes from."
        ) from error


def _mask_of_runs(segmentation: _Entry, shape: tuple[int, int]) -> CroppedMask:
    counts = segmentation["counts"]
    if list(segmentation["size"]) != list(shape):
        raise ValueError(f"its size should be {list(shape)} (height, width), found {segmentation['size']}")
    if not isinstance(counts, str) and not all(type(count) is int for count in counts):
        raise ValueError("its counts are no whole numbers")
    return mask_of_counts(unpack_counts(counts) if isinstance(counts, str) else counts, shape)


def _corners(part: Any) -> Coordinates:
    """A flat list x, y, x, y ... as float64 (K, 2)."""
    numbers = np.asarray(part, dtype=np.float64)
    if numbers.ndim != 1 or len(numbers) % 2 or not np.isfinite(numbers).all():
        raise ValueError(f"found {str(part)[:60]}")
    return numbers.reshape(-1, 2)


def _mask_of_polygons(polygons: Sequence[Coordinates], shape: tuple[int, int]) -> CroppedMask:
    """The pixels of all polygons together; without any where they are lines or lie outside the photo."""
    areas = [polygon for polygon in polygons if len(polygon) >= 3]
    height, width = shape
    boxes = np.array([pixel_box(polygon) for polygon in areas], dtype=np.float64).reshape(-1, 4)
    if not len(boxes):
        return CroppedMask(np.zeros((0, 0), dtype=bool), (0, 0))
    x0, y0, x1, y1 = (int(edge) for edge in (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)))
    was_cut = x0 < 0 or y0 < 0 or x1 > width or y1 > height
    x0, x1 = (min(max(edge, 0), width) for edge in (x0, x1))
    y0, y1 = (min(max(edge, 0), height) for edge in (y0, y1))
    pixels = np.zeros((y1 - y0, x1 - x0), dtype=bool)
    for polygon in areas:
        pixels |= fill_polygon(polygon, (x0, y0, x1, y1))
    return CroppedMask(pixels, (x0, y0), was_cut)


def _describe_edges(masks: Sequence[CroppedMask]) -> tuple[str, ...]:
    cut = sum(mask.was_cut and mask.area_px > 0 for mask in masks)
    empty = sum(mask.area_px == 0 for mask in masks)
    notes = []
    if cut:
        notes.append(f"{counted(cut, 'outline was', 'outlines were')} cut at the edge of the photo.")
    if empty:
        notes.append(f"{counted(empty, 'outline was', 'outlines were')} left out as outside the photo, or thinner than a pixel.")
    return tuple(notes)
