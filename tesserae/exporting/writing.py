"""Write a label map in the format that a file's ending names."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import OutputError
from tesserae.exporting.coco import write_coco
from tesserae.exporting.masks import write_mask
from tesserae.importing.images import TIFF_SUFFIXES
from tesserae.labelmap import write_label_map

ANNOTATION_SUFFIXES = (*TIFF_SUFFIXES, ".json", ".png")


def write_annotation(path: Path, labels: NDArray[np.int32], photo_name: str) -> tuple[str, ...]:
    """Write the label map (H, W) of a photo as label map (.tif), COCO (.json) or binary mask (.png).

    Returns notes on what the file cannot show.

    Raises LabelMapError when `labels` is not a label map, OutputError when the ending is another or the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in ANNOTATION_SUFFIXES:
        raise OutputError(
            f"An annotation is written as .tif (label map), .json (COCO) or .png (binary mask), but {path.name} has none of these endings."
            " Choose one."
        )
    if suffix == ".png":
        return write_mask(path, labels)
    if suffix == ".json":
        write_coco(path, labels, photo_name)
    else:
        write_label_map(path, labels)
    return ()
