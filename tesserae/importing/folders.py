"""Find photos and their masks in a folder of the paper's authors: images/NAME.jpg with masks/NAME.png; reads no pixels."""

from dataclasses import dataclass
from pathlib import Path

from tesserae.errors import AnnotationError
from tesserae.importing.images import IMAGE_SUFFIXES
from tesserae.importing.wording import counted

IMAGES_FOLDER, MASKS_FOLDER = "images", "masks"
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class AnnotatedPhoto:
    """A photo and the file that annotates it."""

    photo_path: Path
    mask_path: Path


def find_annotated_photos(folder: Path) -> tuple[tuple[AnnotatedPhoto, ...], tuple[str, ...]]:
    """Return the photos of a folder that have a mask of the same name, sorted by name, and notes on files that were left out.

    Raises AnnotationError when the folder has no images/ and masks/, no pair, or two files of one name.
    """
    photos = _by_name(folder / IMAGES_FOLDER, PHOTO_SUFFIXES)
    masks = _by_name(folder / MASKS_FOLDER, IMAGE_SUFFIXES)
    pairs = tuple(AnnotatedPhoto(photos[name], masks[name]) for name in sorted(photos.keys() & masks.keys()))
    if not pairs:
        raise AnnotationError(
            f"No photo in {folder / IMAGES_FOLDER} has a mask of the same name in {folder / MASKS_FOLDER} (wall.jpg goes with wall.png). "
            "Give each mask the name of its photo."
        )
    return pairs, (*_describe_single(photos, masks, "photo", "without a mask"), *_describe_single(masks, photos, "mask", "without a photo"))


def _by_name(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Files of a folder by their name without ending."""
    if not folder.is_dir():
        raise AnnotationError(f"Expected a folder {folder}, found none. Photos belong into images/, their masks into masks/ beside it.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise AnnotationError(f"{found[path.stem]} and {path.name} have the same name. Rename or remove one of them.")
        found[path.stem] = path
    return found


def _describe_single(files: dict[str, Path], others: dict[str, Path], one: str, lacking: str) -> tuple[str, ...]:
    single = sorted(files.keys() - others.keys())
    if not single:
        return ()
    left_out = counted(len(single), f"{one} {lacking} was", f"{one}s {lacking} were")
    return (f"{left_out} left out, the first is {files[single[0]].name}.",)
