"""Label maps for other programs, one module per format; what is written comes back unchanged when `tesserae.importing` reads it.

A binary mask is the exception, as it holds less: the notes say what it lost. `docs/annotations.md` describes the formats.
"""

from tesserae.exporting.coco import coco_of, write_coco, write_coco_set
from tesserae.exporting.masks import MaskFiles, part_tesserae, picture_name, write_mask, write_masks, write_picture
from tesserae.exporting.writing import write_annotation

__all__ = [
    "MaskFiles",
    "coco_of",
    "part_tesserae",
    "picture_name",
    "write_annotation",
    "write_coco",
    "write_coco_set",
    "write_mask",
    "write_masks",
    "write_picture",
]
