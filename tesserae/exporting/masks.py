"""Write label maps as binary masks, alone or beside their photos in the layout of the paper's authors (images/NAME.jpg, masks/NAME.png).

A binary mask cannot tell tesserae apart that touch: between them the larger one gives up a line of pixels to the mortar. So each is a
connected component of the mask, by four neighbours as we read it, and by eight as the authors' program does.
"""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tesserae.importing.folders import IMAGES_FOLDER, MASKS_FOLDER
from tesserae.importing.pieces import separate_pieces
from tesserae.importing.wording import count_of_tesserae
from tesserae.labelmap import check_label_map, present_labels, relabel_sequential
from tesserae.photo import Photo
from tesserae.results import encode_png, make_folder, replace_file, result_folder_name

_MASK_VALUE = 255
_JPEG_QUALITY = 95
_NEIGHBOURS = (  # each pixel with the one to its right, below, below right and below left
    (np.s_[:, :-1], np.s_[:, 1:]),
    (np.s_[:-1], np.s_[1:]),
    (np.s_[:-1, :-1], np.s_[1:, 1:]),
    (np.s_[:-1, 1:], np.s_[1:, :-1]),
)


@dataclass(frozen=True)
class MaskFiles:
    """A photo and its mask as they were written, with plain sentences on what the mask cannot show."""

    image_path: Path
    mask_path: Path
    notes: tuple[str, ...] = ()


def write_masks(folder: Path, photo: Photo, labels: NDArray[np.int32], *, source: bytes | None = None) -> MaskFiles:
    """Write a photo to images/ and the mask of its label map (H, W) to masks/ of `folder`, under the photo's name without dots.

    The authors' program reads .jpg only, cuts names at their first dot, and takes pixels as they are stored. So the photo is written as
    JPEG, upright and in sRGB; the bytes of its file, `source`, are taken instead where they are such a JPEG already.

    Raises LabelMapError when `labels` is not a label map, OutputError when a file cannot be written.
    """
    mask_path = make_folder(folder / MASKS_FOLDER) / f"{picture_name(photo.name)}.png"
    notes = write_mask(mask_path, labels)
    return MaskFiles(write_picture(folder, photo, source=source), mask_path, notes)


def write_picture(folder: Path, photo: Photo, *, source: bytes | None = None) -> Path:
    """Write a photo to images/ of `folder` as `write_masks` does; return its path. Raises OutputError."""
    path = make_folder(folder / IMAGES_FOLDER) / f"{picture_name(photo.name)}.jpg"
    content = source if source is not None and _is_plain_jpeg(photo) else _encode_jpeg(photo.image)
    replace_file(path, lambda part: part.write_bytes(content))
    return path


def picture_name(photo_name: str) -> str:
    """Return what a photo is called in the layout of the paper's authors: without ending and dots."""
    return result_folder_name(photo_name).replace(".", "_")


def write_mask(path: Path, labels: NDArray[np.int32]) -> tuple[str, ...]:
    """Write the mask of a label map (H, W) as PNG, tessera 255 and mortar 0; return notes on what it cannot show.

    Errors are those of `write_masks`.
    """
    parted, notes = part_tesserae(labels)
    pixels = np.where(parted > 0, np.uint8(_MASK_VALUE), np.uint8(0))
    replace_file(path, lambda file: file.write_bytes(encode_png(pixels)))
    return notes


def part_tesserae(labels: NDArray[np.int32]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a label map (H, W) in which no two tesserae touch, not even at a corner, and notes on what that cost.

    Of two pixels that touch, that of the larger tessera becomes mortar; of equally large ones, that of the higher number. What comes off
    so becomes mortar or a tessera of its own as in `separate_pieces`.
    """
    labels = check_label_map(labels)
    whole, _ = separate_pieces(labels)
    parted = _draw_joints(whole)
    while not np.array_equal(parted, whole):  # what came off may touch again; every turn takes pixels away
        whole, _ = separate_pieces(parted)
        parted = _draw_joints(whole)
    return parted, _describe_parting(labels, parted)


def _draw_joints(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """A copy of the label map (H, W) with a line of mortar wherever tesserae touch."""
    dense = relabel_sequential(labels)
    area_px = np.bincount(dense.ravel())
    area_px[0] = 0
    rank = np.empty(len(area_px), dtype=np.int32)
    rank[np.argsort(area_px, kind="stable")] = np.arange(len(area_px), dtype=np.int32)
    ranks = rank[dense]  # 0 is mortar; of two tesserae the one with the higher rank gives way
    for one, other in _NEIGHBOURS:
        first, second = ranks[one], ranks[other]
        touching = (first > 0) & (second > 0) & (first != second)
        loses = first > second
        first[touching & loses] = 0
        second[touching & ~loses] = 0
    return np.where(ranks > 0, labels, np.int32(0))


def _describe_parting(labels: NDArray[np.int32], parted: NDArray[np.int32]) -> tuple[str, ...]:
    notes = []
    lost_px = int(np.count_nonzero(labels)) - int(np.count_nonzero(parted))
    if lost_px:
        notes.append(f"Tesserae that touch were parted by mortar, {lost_px:,} px in all: a binary mask cannot tell them apart otherwise.")
    before, after = present_labels(labels), present_labels(parted)
    if not np.array_equal(before, after):
        notes.append(
            f"The mask shows {count_of_tesserae(after.size)}, the label map has {before.size:,}: thin ones vanish or break, pieces count"
            " one by one. Write a label map or COCO to keep all."
        )
    return tuple(notes)


def _is_plain_jpeg(photo: Photo) -> bool:
    """Whether every program sees the same picture in the photo's own file: upright, 8-bit grey or colour, without a profile."""
    return photo.format == "JPEG" and photo.orientation == 1 and photo.mode in ("L", "RGB") and photo.profile is None


def _encode_jpeg(image: NDArray[np.uint8]) -> bytes:
    """An image uint8 (H, W, 3) as a JPEG with full colour resolution: joints are thin."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return stream.getvalue()
