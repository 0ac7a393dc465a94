"""Does an annotation have the size of its photo?"""

from tesserae.errors import AnnotationError


def check_size(found: tuple[int, int], shape: tuple[int, int], file_name: str, photo_name: str) -> None:
    """Raise AnnotationError when an annotation of `found` (height, width) does not fit a photo of `shape` (height, width)."""
    if found == shape:
        return
    said = f"{photo_name} is {shape[1]} x {shape[0]} pixels when upright, but {file_name} is {found[1]} x {found[0]}."
    if found == shape[::-1]:
        raise AnnotationError(
            f"{said} Width and height are exchanged: it was made on the photo as the file stores it, before the turn that the file asks for"
            " (EXIF rotation). Turn the annotation by 90 degrees to match the upright photo, then import it again."
        )
    raise AnnotationError(f"{said} It belongs to another photo or to a copy of another size. Export it again at the size of this photo.")
