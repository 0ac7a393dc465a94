"""Annotations made elsewhere: read as label maps in the photo's frame, with notes on what was repaired; stores nothing, knows no model.

`docs/annotations.md` describes the formats.
"""

from tesserae.importing.folders import AnnotatedPhoto, find_annotated_photos
from tesserae.importing.reading import ImportedAnnotation, read_annotation

__all__ = ["AnnotatedPhoto", "ImportedAnnotation", "find_annotated_photos", "read_annotation"]
