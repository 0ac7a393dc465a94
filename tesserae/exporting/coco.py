"""Write label maps as a COCO file of instances (JSON), which reading gives back unchanged; knows nothing of the collection.

A tessera is written as the polygon along the edges of its pixels, in whole numbers; one with holes, which COCO's polygons cannot have, as
the run lengths of its pixels. Each carries its number as `label` beside the file's own ids.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tesserae
from tesserae.importing.coco import LABEL_KEY
from tesserae.importing.rle import counts_of_mask
from tesserae.labelmap import check_label_map, tessera_slices
from tesserae.polygons import signed_area, trace_outlines
from tesserae.results import replace_file

_CATEGORY = {"id": 1, "name": "tessera", "supercategory": "mosaic"}


def write_coco(path: Path, labels: NDArray[np.int32], photo_name: str) -> None:
    """Write the label map (H, W) of one photo as COCO; complete or not at all.

    Raises LabelMapError when `labels` is not a label map, OutputError when the file cannot be written.
    """
    write_coco_set(path, [(photo_name, labels)])


def write_coco_set(path: Path, photos: Iterable[tuple[str, NDArray[np.int32]]]) -> None:
    """Write the label maps of several photos, each with the photo's file name, as one COCO file; errors as `write_coco`."""
    text = json.dumps(coco_of(photos), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    replace_file(path, lambda part: part.write_text(text + "\n", encoding="utf-8"))


def coco_of(photos: Iterable[tuple[str, NDArray[np.int32]]]) -> dict[str, Any]:
    """Return the content of a COCO file of photos, each a file name with its label map (H, W); JSON types. Maps are taken one at a time."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, (photo_name, given) in enumerate(photos, 1):
        labels = check_label_map(given)
        images.append({"id": image_id, "file_name": photo_name, "width": labels.shape[1], "height": labels.shape[0]})
        for described in _describe_tesserae(labels):
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, "category_id": _CATEGORY["id"], **described})
    info = {"description": "Tesserae of mosaics", "version": f"Tesserae {tesserae.__version__}"}
    return {"info": info, "images": images, "categories": [_CATEGORY], "annotations": annotations}


def _describe_tesserae(labels: NDArray[np.int32]) -> Iterator[dict[str, Any]]:
    """What COCO says of each tessera beside ids; area in pixels, box as x, y, width, height."""
    for label, (rows, columns) in zip(*tessera_slices(labels), strict=True):
        mask = labels[rows, columns] == label
        yield {
            LABEL_KEY: int(label),
            "segmentation": _segmentation(mask, (columns.start, rows.start), labels.shape),
            "area": int(np.count_nonzero(mask)),
            "bbox": [columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start],
            "iscrowd": 0,
        }


def _segmentation(mask: NDArray[np.bool_], origin_xy: tuple[int, int], shape: tuple[int, ...]) -> list[list[int]] | dict[str, Any]:
    """Polygons of a mask (h, w), or its runs where it has holes."""
    outlines = trace_outlines(mask, origin_xy)
    if all(signed_area(outline) > 0 for outline in outlines):
        return [outline.astype(np.int64).ravel().tolist() for outline in outlines]
    height, width = shape
    return {"size": [height, width], "counts": counts_of_mask(mask, origin_xy, (height, width))}
