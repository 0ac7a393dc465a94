"""Photos: from the bytes of a JPEG, PNG or TIFF file to a working sRGB image, upright, 8 bit, with a record of how.

Everything that happens to a photo before segmentation happens here: refusal, decoding, transparency, colour profile,
rotation. The file itself is only read. Scale (mm per pixel) and storage belong elsewhere.

Peak memory is the decoded photo in its own depth plus the 8-bit result: conversions walk over strips of rows.
"""

import hashlib
import io
import logging
import operator
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from tesserae.errors import PhotoError

MIN_SIDE_PX = 16
"""Below this a photo cannot hold two tesserae that could be told apart."""

_STRIP_PIXELS = 1 << 22  # 4 million pixels: strips cost tens of MB, and stay far below Pillow's own size alarm
_READ_BYTES = 1 << 25  # of a TIFF at a time, 33 MB; tifffile would take 256 MB
_PLAIN = operator.methodcaller("convert", "RGB")
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}  # colour type in IHDR, PNG specification 11.2.2
_TIFF_COLOURS = {0: "L", 1: "L", 2: "RGB", 3: "P", 5: "CMYK", 6: "RGB"}  # PhotometricInterpretation, TIFF 6.0
_COLOUR_COUNT = {"L": 1, "P": 1, "RGB": 3, "CMYK": 4}
_TIFF_ALPHA: dict[int, Literal["straight", "premultiplied"]] = {1: "premultiplied", 2: "straight"}  # ExtraSamples
_SUFFIXES = {"JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"), "PNG": (".png",), "TIFF": (".tif", ".tiff", ".btf", ".tf8")}
# What decoders raise on bad bytes.
_DAMAGE = (OSError, EOFError, SyntaxError, ValueError, KeyError, IndexError, TypeError, AttributeError, RuntimeError,
           ArithmeticError, AssertionError, struct.error, zlib.error)  # fmt: skip

_log = logging.getLogger(__name__)
Strip = NDArray[np.uint8]
_Stream = io.BytesIO | io.BufferedReader
_Colours = Literal["L", "RGB", "CMYK"]
_Alpha = Literal["none", "straight", "premultiplied"]
_Convert = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo ready for segmentation.

    Attributes:
        image: (H, W, 3) uint8, working sRGB, after EXIF rotation.
        id: sha256 of the file's bytes, hexadecimal.
        name: as shown to the user.
        format: "JPEG", "PNG" or "TIFF".
        bit_depth: bits per channel in the file.
        mode: colour channels in the file: "1", "L", "LA", "P", "RGB", "RGBA", "CMYK" or "CMYKA".
        orientation: EXIF orientation of the file, 1 to 8; already applied to `image`.
        profile: description of the embedded ICC profile, None when the file has none.
        notes: plain sentences on what was converted or assumed.
    """

    image: NDArray[np.uint8]
    id: str
    name: str
    format: str
    bit_depth: int
    mode: str
    orientation: int
    profile: str | None
    notes: tuple[str, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.shape[0], self.image.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, eq=False)
class _Raster:
    """A decoded photo in the file's own colours; `rows(top, bottom)` gives uint8 (h, W) or (h, W, C), alpha last."""

    format: str
    bit_depth: int
    mode: str
    colours: _Colours
    alpha: _Alpha
    shape: tuple[int, int]
    orientation: int
    icc: bytes | None  # b"" for a profile that the file announces but that cannot be unpacked
    notes: tuple[str, ...]
    rows: Callable[[int, int], Strip]


def read_photo(source: Path | bytes, *, name: str | None = None, max_pixels: int) -> Photo:
    """Read a JPEG, PNG or TIFF file, given as a path or as its bytes.

    The kind of file is told from its content, not from its name.

    Args:
        source: path of the file, or its content.
        name: name to show; the path's last part by default, "photo" for bytes.
        max_pixels: photos with more pixels are refused before they are decoded.

    Raises PhotoError when the file is missing, empty, damaged, of another kind, too large, or under `MIN_SIDE_PX`.
    """
    name = name or (source.name if isinstance(source, Path) else "photo")
    with _open(source) as handle:
        # file_digest would copy all bytes of a BytesIO
        digest = (hashlib.sha256(source) if isinstance(source, bytes) else hashlib.file_digest(handle, "sha256")).hexdigest()
        handle.seek(0)
        raster = _decode(handle, name, max_pixels)
    image, profile, notes = _to_srgb(raster)
    suffix = Path(name).suffix.lower()
    if suffix and suffix not in _SUFFIXES[raster.format]:
        notes = (f"The file is named {suffix} but holds a {raster.format}; it was read as {raster.format}.", *notes)
    if raster.orientation != 1:
        notes = (*notes, f"The photo was turned upright as its file asks (EXIF orientation {raster.orientation}).")
    return Photo(image, digest, name, raster.format, raster.bit_depth, raster.mode, raster.orientation, profile, notes)


def _open(source: Path | bytes) -> _Stream:
    """The file's bytes as a stream that is only read."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return source.open("rb")
    except OSError as error:
        found = f"it cannot be opened ({error.strerror})"
        raise PhotoError(f"Expected a photo at {source}, but {found}. Check path and rights.") from error


def _decode(handle: _Stream, name: str, max_pixels: int) -> _Raster:
    """Choose the decoder by the first bytes; every failure of a decoder becomes a PhotoError."""
    magic = handle.read(32)
    handle.seek(0)
    if not magic:
        raise PhotoError(f"{name} is empty (0 bytes). Copy the photo again from its source.")
    try:
        if magic[:4] in _TIFF_MAGIC:
            return _decode_tiff(handle, name, max_pixels)
        if magic.startswith(b"\xff\xd8\xff"):
            return _decode_jpeg(handle, name, max_pixels)
        if magic.startswith(b"\x89PNG\r\n\x1a\n"):
            return _decode_png(handle, name, max_pixels, bit_depth=magic[24], colour_type=magic[25])
    except MemoryError as error:
        raise PhotoError(f"{name} does not fit into this machine's memory. Use a smaller copy of it.") from error
    except _DAMAGE as error:
        raise PhotoError(
            f"{name} is damaged or incomplete: expected a whole picture, but reading it stopped"
            f" ({str(error) or type(error).__name__}). Copy the photo again from its source."
        ) from error
    raise PhotoError(f"{name} is not a photo, or of an unknown kind. Expected JPEG, PNG or TIFF file; save it as one of these.")


def _check_size(width: int, height: int, name: str, max_pixels: int) -> None:
    """Refuse by the header alone, before a pixel is decoded."""
    if min(width, height) < MIN_SIDE_PX:
        found = f"{name} is {width} x {height} pixels"
        raise PhotoError(f"{found}; expected at least {MIN_SIDE_PX} on each side. Use a larger photo.")
    if width * height > max_pixels:
        raise PhotoError(
            f"{name} is {width} x {height} = {width * height:,} pixels; the limit is {max_pixels:,}. If the photo is"
            f" meant to be so large, set TESSERAE_MAX_PIXELS to {width * height} or more; otherwise use a smaller copy."
        )


# JPEG and PNG: the plug-ins are called directly, not through Image.open, whose size alarm is a process-wide global
# that could only be lifted for every thread at once. `_check_size` takes its place.


def _decode_jpeg(handle: _Stream, name: str, max_pixels: int) -> _Raster:
    picture = JpegImageFile(handle)
    _check_size(*picture.size, name, max_pixels)
    picture.load()
    mode = picture.mode
    colours: _Colours = "CMYK" if mode == "CMYK" else "L" if mode == "L" else "RGB"
    # Pillow inverts every CMYK JPEG as Adobe stores them; without Adobe's marker 0 means no ink, as libjpeg has it.
    is_plain_cmyk = colours == "CMYK" and "adobe" not in picture.info
    marker_notes = ("The CMYK photo carries no Adobe marker; 0 was read as no ink.",) if is_plain_cmyk else ()

    def rows(top: int, bottom: int) -> Strip:
        strip = np.asarray(picture.crop((0, top, picture.width, bottom)))
        return np.invert(strip) if is_plain_cmyk else strip

    orientation, notes = _exif(picture)
    shape, icc = (picture.height, picture.width), _pillow_icc(picture)
    return _Raster("JPEG", 8, mode, colours, "none", shape, orientation, icc, (*marker_notes, *notes), rows)


def _decode_png(handle: _Stream, name: str, max_pixels: int, *, bit_depth: int, colour_type: int) -> _Raster:
    picture = PngImageFile(handle)
    _check_size(*picture.size, name, max_pixels)
    picture.load()
    mode = "1" if bit_depth == 1 and colour_type == 0 else _PNG_MODES[colour_type]
    colours: _Colours = "L" if colour_type in (0, 4) else "RGB"
    has_alpha = mode in ("LA", "RGBA") or ("transparency" in picture.info and picture.mode != "I;16")
    native = f"{colours}A" if has_alpha else colours

    def rows(top: int, bottom: int) -> Strip:
        strip = picture.crop((0, top, picture.width, bottom))
        if strip.mode == "I;16":
            return _to_8bit(np.asarray(strip), 16)
        return np.asarray(strip.convert(native))

    alpha: _Alpha = "straight" if has_alpha else "none"
    orientation, notes = _exif(picture)
    notes = (*_depth_notes(bit_depth), *notes)
    shape, icc = (picture.height, picture.width), _pillow_icc(picture)
    return _Raster("PNG", bit_depth, mode, colours, alpha, shape, orientation, icc, notes, rows)


def _exif(picture: Image.Image) -> tuple[int, tuple[str, ...]]:
    """EXIF orientation, 1 when none is given, and notes on what is unreadable or says Adobe RGB (DCF 2.0: "R03")."""
    value, interoperability = None, ""
    try:
        value = picture.getexif().get(ExifTags.Base.Orientation, 1)
        interoperability = str(picture.getexif().get_ifd(ExifTags.IFD.Interop).get(1, ""))
    except _DAMAGE as error:
        _log.info("EXIF block is damaged: %r", error)
    orientation, notes = _checked_orientation(value)
    if interoperability.startswith("R03") and "icc_profile" not in picture.info:
        notes = (*notes, "The camera recorded Adobe RGB but embedded no profile.")
    return orientation, notes


def _checked_orientation(value: object) -> tuple[int, tuple[str, ...]]:
    if isinstance(value, int) and 1 <= value <= 8:
        return int(value), ()
    return 1, ("The orientation in the file is unreadable; the photo was left as it is stored.",)


def _pillow_icc(picture: Image.Image) -> bytes | None:
    """The embedded profile; Pillow keeps None in its place when the profile cannot be unpacked, here b""."""
    return picture.info["icc_profile"] or b"" if "icc_profile" in picture.info else None


def _decode_tiff(handle: _Stream, name: str, max_pixels: int) -> _Raster:
    with tifffile.TiffFile(handle) as tif:
        # Raw and pyramid files may put a small preview first; the photo is the first page that is none.
        pages = (page.aspage() for page in tif.pages)
        page = next((page for page in pages if not page.is_reduced), tif.pages[0].aspage())
        _check_size(page.imagewidth, page.imagelength, name, max_pixels)
        _check_tiff(page, name, file_bytes=tif.filehandle.size)
        page_count = len(tif.pages)
        pixels = page.asarray(buffersize=_READ_BYTES)
    base, depth, samples = _TIFF_COLOURS[page.photometric], int(page.bitspersample), int(page.samplesperpixel)
    if samples > 1 and page.planarconfig == 2:
        pixels = np.moveaxis(pixels, 0, -1)
    pixels = pixels.reshape(page.imagelength, page.imagewidth, samples)
    extra = page.extrasamples[0] if page.extrasamples and base != "P" and samples > _COLOUR_COUNT[base] else 0
    alpha: _Alpha = _TIFF_ALPHA.get(int(extra), "none")
    kept = _COLOUR_COUNT[base] + (alpha != "none")
    orientation, notes = _checked_orientation(page.tags.valueof(274, default=1))
    notes = (*_depth_notes(depth), *notes)
    if samples > kept:
        notes = (f"{samples - kept} extra channel(s), neither colour nor transparency, were left out.", *notes)
    if page_count > 1:
        notes = (f"The file has {page_count} pages; only the first full-size page was read.", *notes)
    mode = "1" if base == "L" and depth == 1 else base if alpha == "none" else f"{base}A"
    colours, shape = cast(_Colours, "RGB" if base == "P" else base), (page.imagelength, page.imagewidth)
    rows = _tiff_rows(pixels[..., :kept], page)
    return _Raster("TIFF", depth, mode, colours, alpha, shape, orientation, page.iccprofile, notes, rows)


def _check_tiff(page: tifffile.TiffPage, name: str, *, file_bytes: int) -> None:
    """Refuse, before decoding, what is no ordinary photo or runs past the end of the file."""
    found = ""
    colours = _TIFF_COLOURS.get(page.photometric)
    if page.sampleformat != 1 or not isinstance(page.bitspersample, int) or page.bitspersample > 16:
        kind = {1: "whole", 2: "signed", 3: "floating-point"}.get(page.sampleformat, "unusual")
        found = f"{kind} numbers of {page.bitspersample} bits"
    elif colours is None or (page.photometric == 6 and page.compression not in (6, 7)):  # JPEG alone is decoded to RGB
        found = f"colours of the kind {getattr(page.photometric, 'name', page.photometric)}"
    elif not _COLOUR_COUNT[colours] <= page.samplesperpixel <= 8 or page.imagedepth != 1:
        found = f"{page.samplesperpixel} channels in {page.imagedepth} layer(s)"
    elif page.tilewidth * page.tilelength > max(_STRIP_PIXELS, 4 * page.imagewidth * page.imagelength):
        found = f"tiles of {page.tilewidth} x {page.tilelength} pixels"  # larger than the photo: a bomb
    if found:
        raise PhotoError(
            f"{name} holds {found}; expected a grey, RGB, palette or CMYK photo of 8 or 16 bits per channel."
            " Convert it to such a TIFF in an image editor."
        )
    ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    if max(ends, default=0) > file_bytes or not any(page.databytecounts):
        raise PhotoError(f"{name} is cut off before the end of its picture. Copy the photo again from its source.")


def _tiff_rows(pixels: NDArray[Any], page: tifffile.TiffPage) -> Callable[[int, int], Strip]:
    """Rows of `pixels` (H, W, C) in 8 bits, palette looked up, white as the highest value."""
    depth = int(page.bitspersample)
    if page.photometric == 3:
        palette = (np.asarray(page.colormap) >> 8).astype(np.uint8).T  # exact for writers that scale by 256 or by 257
        return lambda top, bottom: palette[pixels[top:bottom, :, 0]]
    if page.photometric == 0:  # white is zero; an alpha channel behind the grey is not inverted
        inversion = np.array([255, 0][: pixels.shape[2]], dtype=np.uint8)
        return lambda top, bottom: _to_8bit(pixels[top:bottom], depth) ^ inversion
    return lambda top, bottom: _to_8bit(pixels[top:bottom], depth)


def _depth_notes(bit_depth: int) -> tuple[str, ...]:
    note = f"{bit_depth} bits per channel were reduced to 8 over the whole range, before any colour conversion."
    return (note,) if bit_depth > 8 else ()


def _to_8bit(values: NDArray[Any], bit_depth: int) -> Strip:
    """Scale 0 .. 2^bits - 1 to 0 .. 255, rounded: black stays black, white stays white."""
    if bit_depth == 8:
        return values
    highest = (1 << bit_depth) - 1
    return ((values.astype(np.uint32) * 255 + highest // 2) // highest).astype(np.uint8)


def _to_srgb(raster: _Raster) -> tuple[NDArray[np.uint8], str | None, tuple[str, ...]]:
    """Upright working sRGB image (H, W, 3), description of the profile, and all notes."""
    convert, profile, notes = _colour_conversion(raster)
    height, width = raster.shape
    as_it_is = (raster.format, raster.bit_depth, raster.colours, raster.alpha, raster.orientation) == ("TIFF", 8, "RGB", "none", 1)
    if as_it_is and convert is _PLAIN:  # there is an array already: a photo of 100 megapixels is not held twice
        return np.ascontiguousarray(raster.rows(0, height)), profile, raster.notes + notes
    image = np.empty((width, height, 3) if raster.orientation >= 5 else (height, width, 3), dtype=np.uint8)
    stored = _as_stored(image, raster.orientation)
    step, lowest_alpha = max(1, _STRIP_PIXELS // width), 255
    for top in range(0, height, step):
        bottom = min(top + step, height)
        strip = raster.rows(top, bottom).reshape(bottom - top, width, -1)
        if raster.alpha != "none":
            lowest_alpha = min(lowest_alpha, int(strip[..., -1].min()))
            strip = _over_white(strip, raster)
        picture = Image.frombytes(raster.colours, (width, bottom - top), strip.tobytes())
        stored[top:bottom] = np.asarray(convert(picture))
    notes = (*raster.notes, *notes)
    if raster.alpha != "none":
        was_opaque = "The transparency channel was opaque throughout and was left out."
        notes = (*notes, was_opaque if lowest_alpha == 255 else "Transparent parts were laid over white.")
    return image, profile, notes


def _as_stored(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """View of an upright image (H, W, C) in the file's row order (Exif 2.32, tag 0x0112): writing to it rotates."""
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image.swapaxes(0, 1) if orientation >= 5 else image


def _over_white(strip: Strip, raster: _Raster) -> Strip:
    """Lay (h, W, C + 1) over white, in the file's own colours: white stays white in the conversions that follow."""
    white = 0 if raster.colours == "CMYK" else 255
    alpha, colours = strip[..., -1:].astype(np.uint16), strip[..., :-1].astype(np.uint16)
    behind = white * (255 - alpha)
    if raster.alpha == "straight":
        return ((colours * alpha + behind + 127) // 255).astype(np.uint8)
    laid: Strip = np.minimum(colours + behind // 255, 255).astype(np.uint8)
    return laid


def _colour_conversion(raster: _Raster) -> tuple[_Convert, str | None, tuple[str, ...]]:
    """A function from a picture in the file's colours to sRGB, the profile's description, and notes."""
    taken = "by the plain formula without a press profile" if raster.colours == "CMYK" else "as sRGB"
    if raster.icc is None:
        return _PLAIN, None, (f"No colour profile is embedded; colours were read {taken}.",)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(raster.icc))
        name = ImageCms.getProfileDescription(source).strip() or "unnamed profile"
        space = {"GRAY": "L"}.get(source.profile.xcolor_space.strip(), source.profile.xcolor_space.strip())
        if space != raster.colours and (space, raster.colours) != ("RGB", "L"):
            return _PLAIN, name, (f"The embedded profile {name} is for {space} photos; colours were read {taken}.",)
        transform = _transform(source, space)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _PLAIN, "unreadable profile", (f"The embedded colour profile is unreadable; colours were read {taken}.",)
    if raster.colours != "CMYK" and _is_identity(transform, space):
        return _PLAIN, name, ()
    done = f"Colours were converted from {name} to sRGB, relative colorimetric with black point compensation."
    return lambda picture: transform.apply(picture.convert(space)), name, (done,)


def _transform(source: ImageCms.ImageCmsProfile, space: str) -> ImageCms.ImageCmsTransform:
    intent, flags = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return ImageCms.ImageCmsTransform(source, srgb, space, "RGB", intent, flags=flags)


def _is_identity(transform: ImageCms.ImageCmsTransform, space: str) -> bool:
    """Whether the profile is sRGB in all but name: then not even rounding may touch the photo."""
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    before = Image.fromarray(grid).convert(space)
    after = np.asarray(transform.apply(before), np.int16)
    return int(np.abs(after - np.asarray(before.convert("RGB"))).max()) <= 1
