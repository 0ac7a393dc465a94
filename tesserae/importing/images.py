"""Read an image whose pixels say which tessera they belong to: a label map or a binary mask made with any program; fits it to no photo.

- A label map is a TIFF or PNG of whole numbers (8, 16 or 32 bits, or a palette's indices): 0 = mortar, one number per tessera.
- A binary mask is an image of one bit, or of 8 bits with the values 0 and 1 or 0 and 255 alone, or of more bits with 0 and the largest
  value alone: white (the larger value) = tessera, black = mortar. Its tesserae are the connected components, pixels that share a side;
  tesserae that touch count as one. A mask whose white is one network around many dark pieces has white joints, and is read the other way.

The notes say which of this was done.
"""

import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from tesserae.errors import AnnotationError, LabelMapError
from tesserae.labelmap import check_label_map

LABEL_MAP, BINARY_MASK = "label map", "binary mask"
TIFF_SUFFIXES = (".tif", ".tiff")
IMAGE_SUFFIXES = (*TIFF_SUFFIXES, ".png")

_UNREADABLE = (
    OSError,
    ValueError,
    SyntaxError,
    RuntimeError,
    KeyError,
    IndexError,
    TypeError,
    ArithmeticError,
    struct.error,
    Image.DecompressionBombError,
)  # what Pillow and tifffile are known to raise on damaged files
_WHITE_IS_ZERO = 0  # PhotometricInterpretation, TIFF 6.0
_MOST_JOINTS = 2 / 3  # of a mosaic's area; in a mask of tesserae that have all run together white is more
_NETWORK_SHARE = 0.8  # of the joints hang together: in 12 synthetic mosaics nearly all did, and of the tesserae 0.08 at most
_FEWEST_DARK_PIECES = 10  # below this a white network with dark pieces may as well be a few tesserae with holes
_ANY_NEIGHBOUR = np.ones((3, 3), dtype=bool)  # a joint drawn one pixel wide hangs together by corners
_NOTE_COMPONENTS = (
    "The annotation is a binary mask: its tesserae are its connected components (4 neighbours), so tesserae that touch count as one."
)


@dataclass(frozen=True, eq=False)
class LabelImage:
    """What an image says of tesserae.

    Attributes:
        labels: int32 (H, W), 0 = mortar, other values = tessera numbers.
        kind: "label map", or "binary mask" when the tesserae were made from connected components.
        notes: plain sentences on how the image was understood.
    """

    labels: NDArray[np.int32]
    kind: str = LABEL_MAP
    notes: tuple[str, ...] = ()


def read_label_image(path: Path) -> LabelImage:
    """Read a label map or a binary mask from a TIFF or PNG file.

    Raises AnnotationError when the file is damaged, or holds colours, fractions, soft edges or numbers that are no labels.
    """
    pixels = _read_pixels(path)
    tesserae = pixels[pixels != 0]
    if tesserae.size and tesserae.min() == tesserae.max() and _is_mask_value(tesserae[0], pixels.dtype):
        return _label_mask(pixels != 0)
    if pixels.dtype in (np.uint8, np.uint16) and _looks_soft(tesserae):
        highest = np.iinfo(pixels.dtype).max
        raise AnnotationError(
            f"{path.name} should hold label numbers or two values, but most of its tessera pixels are {highest} and the others are greys "
            f"between: it looks like a mask with soft edges. Cut it at {highest // 2 + 1} to the values 0 and {highest}."
        )
    try:
        return LabelImage(check_label_map(pixels))
    except LabelMapError as error:
        raise AnnotationError(f"{path.name} is not a label map. {error}") from error


def _read_pixels(path: Path) -> NDArray[Any]:
    """Read an image as one channel of whole numbers (H, W) or bool, or refuse it."""
    try:
        pixels = _read_tiff(path) if path.suffix.lower() in TIFF_SUFFIXES else _read_png(path)
    except _UNREADABLE as error:
        raise AnnotationError(
            f"{path.name} should be an image of tesserae but cannot be read ({error}). Save it anew, large ones as TIFF."
        ) from error
    pixels = _one_channel(np.squeeze(pixels) if pixels.ndim > 2 else pixels)
    if pixels.ndim != 2 or pixels.dtype.kind not in "bui":
        raise AnnotationError(
            f"An image of tesserae has one channel of whole numbers (0 = mortar), but {path.name} has shape {pixels.shape} and"
            f" type {pixels.dtype}. Save the label numbers themselves, not a coloured picture of them."
        )
    return pixels


def _read_tiff(path: Path) -> NDArray[Any]:
    """Read a TIFF as stored, or inverted where it says that 0 is white; not so one of single bits, for which writers disagree."""
    with tifffile.TiffFile(path) as tif:
        pixels: NDArray[Any] = tif.asarray()
        is_inverted = tif.pages[0].aspage().photometric == _WHITE_IS_ZERO
    return np.invert(pixels) if is_inverted and pixels.dtype.kind == "u" else pixels


def _read_png(path: Path) -> NDArray[Any]:
    """Read a PNG as stored; a palette that is itself grey is applied, any other keeps its indices as labels."""
    with warnings.catch_warnings():
        # annotations of 100 Mpx are usual; Pillow's own refusal at 179 Mpx stands
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with Image.open(path, formats=["PNG"]) as image:
            if image.mode == "P":
                entries = np.asarray(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
                if (entries == entries[:, :1]).all():
                    return np.asarray(image.convert("L"))
            return np.asarray(image)


def _one_channel(pixels: NDArray[Any]) -> NDArray[Any]:
    """Drop channels that repeat the first, and even alpha, as drawing programs add them; (H, W, C) -> (H, W)."""
    if pixels.ndim != 3 or pixels.shape[2] not in (2, 3, 4):
        return pixels
    has_alpha = pixels.shape[2] != 3
    colours = pixels[..., :-1] if has_alpha else pixels
    if has_alpha and not (pixels[..., -1] == pixels[..., -1].max()).all():
        return pixels  # what is drawn in the alpha channel would be lost
    return colours[..., 0] if (colours == colours[..., :1]).all() else pixels


def _is_mask_value(value: Any, dtype: np.dtype[Any]) -> bool:
    """Say whether the only value beside 0 marks a mask: true, full scale, or 1 in 8 bits."""
    if dtype.kind == "b":
        return True
    return bool(value == np.iinfo(dtype).max) or (dtype.itemsize == 1 and int(value) in (1, 255))


def _looks_soft(tesserae: NDArray[Any]) -> bool:
    """Say whether pixels above 0 (uint8 or uint16) are mostly white with several greys, as in a mask with smooth edges."""
    counts = np.bincount(tesserae)
    is_mostly_white = len(counts) == np.iinfo(tesserae.dtype).max + 1 and counts[-1] * 2 > counts.sum()
    return bool(is_mostly_white and np.count_nonzero(counts) > 2)


def _label_mask(mask: NDArray[np.bool_]) -> LabelImage:
    """Number the connected components of a mask (H, W), of its dark parts where the white ones are the joints."""
    dark_count = _count_within_network(mask)
    is_joints = dark_count > 0 and np.count_nonzero(mask) <= _MOST_JOINTS * mask.size
    notes = [_NOTE_COMPONENTS]
    if is_joints:
        notes.append(f"Its white parts are one network around {dark_count} dark pieces: white was read as mortar, dark as tesserae.")
    elif dark_count:
        notes.append("Nearly all of its white is one piece and was read as one tessera. If white means mortar here, invert the mask.")
    labels, _ = ndimage.label(~mask if is_joints else mask)
    return LabelImage(labels.astype(np.int32, copy=False), BINARY_MASK, tuple(notes))


def _count_within_network(mask: NDArray[np.bool_]) -> int:
    """How many dark pieces lie in one network of white; 0 where the white parts are no such network, or the dark ones are one too."""
    if _share_of_largest(ndimage.label(mask, _ANY_NEIGHBOUR)[0]) < _NETWORK_SHARE:
        return 0
    dark, dark_count = ndimage.label(~mask)
    return dark_count if dark_count >= _FEWEST_DARK_PIECES and _share_of_largest(dark) < _NETWORK_SHARE else 0


def _share_of_largest(parts: NDArray[np.int32]) -> float:
    """Area of the largest of the numbered parts (H, W) as a share of the area of all."""
    area_px = np.bincount(parts.ravel())[1:]
    return float(area_px.max() / area_px.sum())
