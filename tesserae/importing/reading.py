"""Read an annotation of a photo that was made elsewhere, of whatever kind, as a label map; stores nothing."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tesserae.errors import AnnotationError
from tesserae.importing.coco import read_coco
from tesserae.importing.images import BINARY_MASK, IMAGE_SUFFIXES, read_label_image
from tesserae.importing.pieces import separate_pieces
from tesserae.importing.sizes import check_size
from tesserae.labelmap import count_tesserae

COCO = "COCO"


@dataclass(frozen=True, eq=False)
class ImportedAnnotation:
    """An annotation as a label map in the frame of the upright photo.

    Attributes:
        labels: int32 (H, W), 0 = mortar; every tessera is one piece.
        kind: "label map", "binary mask" or "COCO".
        notes: plain sentences on how the file was understood, and what was repaired or left out.
    """

    labels: NDArray[np.int32]
    kind: str
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of tesserae."""
        return count_tesserae(self.labels)


def read_annotation(path: Path, shape: tuple[int, int], photo_name: str) -> ImportedAnnotation:
    """Read an annotation of the photo `photo_name`: a label map or a binary mask (TIFF, PNG), or COCO instances (JSON).

    Args:
        path: the file; its ending says of which kind it is.
        shape: height and width of the upright photo (`Photo.shape`).
        photo_name: the photo's file name, by which a COCO file tells its photos apart.

    Raises AnnotationError when the file is missing, of another kind, damaged, of another size, or holds values that are no annotation.
    """
    if not path.is_file():
        raise AnnotationError(f"Expected an annotation at {path}, found none. Check the path.")
    suffix = path.suffix.lower()
    if suffix == ".json":
        labels, notes = read_coco(path, shape, photo_name)
        kind = COCO
    elif suffix in IMAGE_SUFFIXES:
        image = read_label_image(path)
        check_size(image.labels.shape, shape, path.name, photo_name)
        labels, notes, kind = image.labels, image.notes, image.kind
    else:
        raise AnnotationError(
            f"Annotations are read from .tif, .tiff, .png (label map or binary mask) or .json (COCO), but {path.name} is none of these."
            " Save it as one of them, without loss: JPEG changes the numbers of tesserae."
        )
    labels, piece_notes = (labels, ()) if kind == BINARY_MASK else separate_pieces(labels)
    return ImportedAnnotation(labels, kind, (*notes, *piece_notes))
