"""Photos: formats, depths, transparency, profiles, rotation, refusals. Every file is built here."""

import hashlib
import io
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tesserae import photo
from tesserae.errors import PhotoError

LIMIT = 1_000_000
HEIGHT, WIDTH = 20, 30


def _picture() -> np.ndarray:
    """(20, 30, 3): four quarters of clear colours; every orientation of it differs."""
    image = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    image[:10, :15], image[:10, 15:] = (200, 40, 30), (40, 180, 50)
    image[10:, :15], image[10:, 15:] = (30, 60, 210), (240, 240, 240)
    return image


def _grey() -> np.ndarray:
    return _picture()[..., 1]


def _palette() -> Image.Image:
    """The picture with a palette of its four colours, the upper left one first."""
    picture = Image.fromarray(np.kron([[0, 1], [2, 3]], np.ones((10, 15))).astype(np.uint8))
    picture.putpalette(_picture()[[0, 0, 10, 10], [0, 15, 0, 15]].tobytes())
    return picture


def _saved(array: np.ndarray | Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    (array if isinstance(array, Image.Image) else Image.fromarray(array)).save(stream, kind, **options)
    return stream.getvalue()


def _tiff(array: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def _read(content: bytes, max_pixels: int = LIMIT) -> photo.Photo:
    return photo.read_photo(content, max_pixels=max_pixels)


def _wide(array: np.ndarray) -> np.ndarray:
    """8 bit to 16 bit over the whole range."""
    return array.astype(np.uint16) * 257


# Profiles


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(space: bytes, tags: dict[bytes, bytes], name: str) -> bytes:
    """A minimal ICC 2.1 profile written by hand."""
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"wtpt": _xyz((0.9642, 1.0, 0.8249)), b"cprt": b"text\0\0\0\0none\0", **tags}
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, data in tags.items():
        data += bytes(-len(data) % 4)
        table += tag + struct.pack(">II", start + len(body), len(data))
        body += data
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"none", 0x02100000, b"mntr", space, b"XYZ ") + bytes(12) + b"acsp"
    head = head + bytes(68 - len(head)) + struct.pack(">3i", 63190, 65536, 54061)
    return head + bytes(128 - len(head)) + struct.pack(">I", len(tags)) + table + body


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def _adobe_like(name: str = "Wide test space") -> bytes:
    """Adobe RGB (1998): primaries adapted to D50, gamma 2.2; its green lies outside sRGB."""
    columns = {b"rXYZ": (0.60974, 0.31111, 0.01947), b"gXYZ": (0.20528, 0.62567, 0.06087),
               b"bXYZ": (0.14919, 0.06322, 0.74457)}  # fmt: skip
    curves = {tag: _gamma(2.19921875) for tag in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", {**{tag: _xyz(value) for tag, value in columns.items()}, **curves}, name)


def _grey_profile() -> bytes:
    return _profile(b"GRAY", {b"kTRC": _gamma(1.0)}, "Linear grey")


def _srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _embedded(kind: str, icc: bytes) -> bytes:
    if kind == "JPEG":
        return _saved(_picture(), "JPEG", quality=100, subsampling=0, icc_profile=icc)
    if kind == "PNG":
        return _saved(_picture(), "PNG", icc_profile=icc)
    if kind == "TIFF16":
        return _tiff(_wide(_picture()), photometric="rgb", iccprofile=icc)
    return _tiff(_picture(), photometric="rgb", iccprofile=icc)


# Formats that keep every pixel


@pytest.mark.parametrize(
    ("content", "mode", "bit_depth"),
    [
        pytest.param(_saved(_picture(), "PNG"), "RGB", 8, id="png"),
        pytest.param(_saved(_palette(), "PNG"), "P", 2, id="png-palette"),
        pytest.param(_tiff(_picture(), photometric="rgb"), "RGB", 8, id="tiff"),
        pytest.param(_tiff(_picture(), photometric="rgb", byteorder=">"), "RGB", 8, id="tiff-big-endian"),
        pytest.param(_tiff(_picture(), photometric="rgb", bigtiff=True), "RGB", 8, id="bigtiff"),
        pytest.param(_tiff(_picture(), photometric="rgb", rowsperstrip=3), "RGB", 8, id="tiff-strips"),
        pytest.param(_tiff(_picture(), photometric="rgb", tile=(16, 16)), "RGB", 8, id="tiff-tiles"),
        pytest.param(_tiff(_picture(), photometric="rgb", compression="lzw", predictor=True), "RGB", 8, id="tiff-lzw"),
        pytest.param(_tiff(_picture(), photometric="rgb", compression="deflate"), "RGB", 8, id="tiff-deflate"),
        pytest.param(_tiff(_wide(_picture()), photometric="rgb"), "RGB", 16, id="tiff16"),
        pytest.param(
            _tiff(_wide(_picture()), photometric="rgb", tile=(16, 16), compression="lzw", bigtiff=True),
            "RGB", 16, id="tiff16-tiles-lzw-big",
        ),
        pytest.param(
            _tiff(np.moveaxis(_picture(), -1, 0).copy(), photometric="rgb", planarconfig="separate"),
            "RGB", 8, id="tiff-planes",
        ),
        pytest.param(_saved(_palette(), "TIFF"), "P", 8, id="tiff-palette"),
    ],
)  # fmt: skip
def test_colour_is_kept_exactly(content: bytes, mode: str, bit_depth: int) -> None:
    read = _read(content)
    np.testing.assert_array_equal(read.image, _picture())
    assert (read.mode, read.bit_depth, read.orientation, read.profile) == (mode, bit_depth, 1, None)
    assert read.image.dtype == np.uint8
    assert read.image.flags.c_contiguous
    assert any("taken as sRGB" in note or "read as sRGB" in note for note in read.notes)
    assert (bit_depth == 16) == any("reduced to 8" in note for note in read.notes)


@pytest.mark.parametrize(
    ("content", "mode", "bit_depth"),
    [
        pytest.param(_saved(_grey(), "PNG"), "L", 8, id="png"),
        pytest.param(_saved(_wide(_grey()), "PNG"), "L", 16, id="png16"),
        pytest.param(_tiff(_grey(), photometric="minisblack"), "L", 8, id="tiff"),
        pytest.param(_tiff(~_grey(), photometric="miniswhite"), "L", 8, id="tiff-white-is-zero"),
        pytest.param(_tiff(_wide(_grey()), photometric="minisblack"), "L", 16, id="tiff16"),
    ],
)
def test_grey_becomes_three_equal_channels(content: bytes, mode: str, bit_depth: int) -> None:
    read = _read(content)
    np.testing.assert_array_equal(read.image, np.repeat(_grey()[..., None], 3, axis=2))
    assert (read.mode, read.bit_depth) == (mode, bit_depth)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_one_bit_is_black_and_white(kind: str) -> None:
    read = _read(_saved(Image.fromarray(_grey()).point(lambda value: 255 * (value > 100)).convert("1"), kind))
    np.testing.assert_array_equal(read.image[..., 0], np.where(_grey() > 100, 255, 0))
    assert (read.mode, read.bit_depth) == ("1", 1)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_is_close_and_recorded(mode: str) -> None:
    source = Image.fromarray(_picture()).convert(mode)
    read = _read(_saved(source, "JPEG", quality=95, subsampling=0))
    assert np.abs(read.image.astype(int) - np.asarray(source.convert("RGB")).astype(int)).max() < 25
    assert (read.format, read.mode, read.bit_depth, read.size, read.shape) == ("JPEG", mode, 8, (30, 20), (20, 30))


def test_jpeg_inside_tiff() -> None:
    image = np.full((32, 32, 3), (200, 40, 30), np.uint8)
    read = _read(_tiff(image, photometric="rgb", compression="jpeg"))
    assert read.image[16, 16].astype(int) == pytest.approx([200, 40, 30], abs=4)


def test_sixteen_bits_are_rounded_over_the_whole_range() -> None:
    values = np.zeros((16, 16), np.uint16)
    values[0, :6] = [0, 128, 129, 65535, 65535 - 129, 0x8000]
    read = _read(_tiff(values, photometric="minisblack"))
    assert read.image[0, :6, 0].tolist() == [0, 0, 1, 255, 254, 128]


def _png16(channels: int, colour_type: int, value: tuple[int, ...]) -> bytes:
    """A 16-bit PNG of one colour, which Pillow cannot write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    row = b"\0" + struct.pack(f">{channels}H", *value) * 16
    head = struct.pack(">IIBBBBB", 16, 16, 16, colour_type, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * 16)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(
    ("channels", "colour_type", "value", "mode", "expected"),
    [
        pytest.param(3, 2, (0xFFFF, 0x8080, 0), "RGB", [255, 128, 0], id="rgb"),
        pytest.param(2, 4, (0x4040, 0xFFFF), "LA", [64, 64, 64], id="grey-alpha"),
        pytest.param(4, 6, (0, 0, 0xFFFF, 0), "RGBA", [255, 255, 255], id="rgba"),
    ],
)
def test_sixteen_bit_png(channels: int, colour_type: int, value: tuple[int, ...], mode: str, expected: list[int]) -> None:
    read = _read(_png16(channels, colour_type, value))
    assert read.image[5, 5].tolist() == expected
    assert (read.mode, read.bit_depth) == (mode, 16)
    assert any("reduced to 8" in note for note in read.notes)


# CMYK


def _cmyk() -> Image.Image:
    return Image.fromarray(_picture()).convert("CMYK")


def _without_adobe_marker(content: bytes) -> bytes:
    start = content.index(b"\xff\xee")
    (length,) = struct.unpack(">H", content[start + 2 : start + 4])
    return content[:start] + content[start + 2 + length :]


def test_cmyk_jpeg_of_adobe_is_not_inverted() -> None:
    content = _saved(_cmyk(), "JPEG", quality=100)
    assert b"Adobe" in content
    read = _read(content)
    assert np.abs(read.image.astype(int) - _picture()).max() < 25
    assert (read.mode, read.profile) == ("CMYK", None)
    assert any("without a press profile" in note for note in read.notes)


def test_cmyk_jpeg_without_adobe_marker_reads_zero_as_no_ink() -> None:
    plain = Image.frombytes("CMYK", (WIDTH, HEIGHT), (~np.asarray(_cmyk())).tobytes())
    read = _read(_without_adobe_marker(_saved(plain, "JPEG", quality=100)))
    assert np.abs(read.image.astype(int) - _picture()).max() < 25
    assert any("Adobe marker" in note for note in read.notes)


@pytest.mark.parametrize("depth", [8, 16])
def test_cmyk_tiff(depth: int) -> None:
    array = np.asarray(_cmyk()) if depth == 8 else _wide(np.asarray(_cmyk()))
    read = _read(_tiff(array, photometric="separated"))
    np.testing.assert_array_equal(read.image, _picture())
    assert (read.mode, read.bit_depth) == ("CMYK", depth)


def test_cmyk_with_alpha_lies_over_paper() -> None:
    array = np.dstack([np.asarray(_cmyk()), np.full((HEIGHT, WIDTH), 0, np.uint8)])
    read = _read(_tiff(array, photometric="separated", extrasamples=["unassalpha"]))
    assert (read.image == 255).all()
    assert read.mode == "CMYKA"


def _cmyk_profile() -> bytes:
    """A press that prints no colour but black: A2B0 of 2^4 nodes, lightness falls with K, cyan ink is invisible."""
    nodes = b"".join(
        struct.pack(">3H", 0 if index & 1 else 0xFF00, 0x8000, 0x8000) for index in range(16)
    )  # the last input channel, black, varies fastest
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    line = struct.pack(">2H", 0, 0xFFFF)
    table = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + struct.pack(">2H", 2, 2) + line * 4 + nodes + line * 3
    profile = bytearray(_profile(b"CMYK", {b"A2B0": table}, "Black press"))
    profile[12:16], profile[20:24] = b"prtr", b"Lab "
    return bytes(profile)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_profile_is_used(kind: str) -> None:
    ink = np.zeros((16, 32, 4), np.uint8)
    ink[:, :16, 0], ink[:, 16:, 3] = 255, 255
    picture = Image.frombytes("CMYK", (32, 16), ink.tobytes())
    read = _read(_saved(picture, kind, icc_profile=_cmyk_profile()))
    assert read.profile == "Black press"
    assert read.image[8, 4].min() > 245  # by the plain formula this would be cyan
    assert read.image[8, 28].max() < 10


# Transparency


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_parts_lie_over_white(kind: str, mode: str) -> None:
    picture = Image.fromarray(_picture()).convert(mode)
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:5], alpha[5:8] = 0, 128
    picture.putalpha(Image.fromarray(alpha))
    read = _read(_saved(picture, kind))
    opaque = np.asarray(picture.convert("RGB")).astype(int)
    assert (read.image[:5] == 255).all()
    np.testing.assert_array_equal(read.image[8:], opaque[8:])
    assert np.abs(read.image[5:8] - (opaque[5:8] * 128 + 255 * 127) / 255).max() <= 0.5
    assert read.mode == mode
    assert "Transparent parts were laid over white." in read.notes


def test_opaque_alpha_changes_nothing() -> None:
    read = _read(_saved(Image.fromarray(_picture()).convert("RGBA"), "PNG"))
    np.testing.assert_array_equal(read.image, _picture())
    assert any("opaque" in note for note in read.notes)


def test_premultiplied_alpha_is_not_darkened_twice() -> None:
    array = np.full((16, 16, 4), (50, 100, 0, 128), np.uint8)
    read = _read(_tiff(array, photometric="rgb", extrasamples=["assocalpha"]))
    assert read.image[3, 3].tolist() == [177, 227, 127]


def test_palette_transparency() -> None:
    read = _read(_saved(_palette(), "PNG", transparency=0))
    assert (read.image[:10, :15] == 255).all()
    np.testing.assert_array_equal(read.image[10:], _picture()[10:])


def test_further_channels_are_left_out_with_a_note() -> None:
    array = np.dstack([_picture(), np.zeros((HEIGHT, WIDTH), np.uint8)])
    read = _read(_tiff(array, photometric="rgb", extrasamples=["unspecified"]))
    np.testing.assert_array_equal(read.image, _picture())
    assert any("1 extra channel" in note for note in read.notes)


# Profiles


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "TIFF16"])
def test_wide_profile_makes_colours_stronger(kind: str) -> None:
    read = _read(_embedded(kind, _adobe_like()))
    plain = _picture().astype(int)
    image = read.image.astype(int)
    assert read.profile == "Wide test space"
    assert any("converted from Wide test space to sRGB" in note for note in read.notes)
    assert image[3, 3, 0] > plain[3, 3, 0] + 10  # red 200 in the wider space is a stronger red in sRGB
    assert image[3, 25, 0] < plain[3, 25, 0] - 20  # its green needs less red than sRGB has to give
    assert image[15, 25] == pytest.approx(plain[15, 25], abs=3)  # neutral stays neutral


def test_conversion_agrees_with_the_formula() -> None:
    """Adobe RGB to XYZ to sRGB by the published matrices, for a colour inside both."""
    colour = np.full((16, 16, 3), (150, 120, 90), np.uint8)
    read = _read(_saved(colour, "PNG", icc_profile=_adobe_like()))
    columns = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
    srgb = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
    linear = np.linalg.solve(srgb, columns @ (np.array([150, 120, 90]) / 255) ** 2.19921875)
    expected = 255 * (1.055 * linear ** (1 / 2.4) - 0.055)
    assert read.image[2, 2].astype(int) == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_srgb_profile_leaves_every_pixel(kind: str) -> None:
    read = _read(_embedded(kind, _srgb_profile()))
    np.testing.assert_array_equal(read.image, _picture())
    assert "sRGB" in str(read.profile)
    assert read.notes == ()


@pytest.mark.parametrize("icc", [_grey_profile(), _adobe_like()], ids=["grey", "rgb"])
def test_grey_photo_with_profile(icc: bytes) -> None:
    read = _read(_tiff(_grey(), photometric="minisblack", iccprofile=icc))
    assert read.profile in ("Linear grey", "Wide test space")
    assert (np.ptp(read.image.astype(int), axis=2) <= 1).all()
    if read.profile == "Linear grey":
        assert read.image[3, 3, 0] > _grey()[3, 3] + 60


def test_alpha_and_profile_together_keep_white() -> None:
    picture = Image.fromarray(_picture()).convert("RGBA")
    picture.putalpha(0)
    read = _read(_saved(picture, "PNG", icc_profile=_adobe_like()))
    assert read.image.min() >= 254


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "TIFF16"])
@pytest.mark.parametrize("icc", [b"no profile at all" * 20, _adobe_like()[:300]], ids=["garbage", "cut-off"])
def test_broken_profile_is_said(kind: str, icc: bytes) -> None:
    read = _read(_embedded(kind, icc))
    assert np.abs(read.image.astype(int) - _picture()).max() < 25
    assert read.profile == "unreadable profile"
    assert any("profile is unreadable" in note for note in read.notes)


def test_png_profile_that_cannot_be_unpacked_is_said() -> None:
    content = bytearray(_embedded("PNG", _adobe_like()))
    start = content.index(b"iCCP")
    (length,) = struct.unpack(">I", content[start - 4 : start])
    data = content[start + 4 : start + 4 + length]
    data[data.index(b"\0") + 2 :] = bytes(len(data) - data.index(b"\0") - 2)
    content[start + 4 : start + 8 + length] = data + struct.pack(">I", zlib.crc32(b"iCCP" + data))
    assert _read(bytes(content)).profile == "unreadable profile"


def test_profile_of_another_kind_of_photo_is_said() -> None:
    read = _read(_embedded("TIFF", _grey_profile()))
    np.testing.assert_array_equal(read.image, _picture())
    assert any("is for L photos" in note for note in read.notes)


def test_camera_that_says_adobe_rgb_without_profile_is_noted() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    read = _read(_saved(_picture(), "JPEG", exif=exif))
    assert any("Adobe RGB" in note for note in read.notes)


# Orientation


def _turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """What a viewer shows, step by step in the words of the Exif standard: where row 0 and column 0 lie."""
    return {
        1: lambda: image,
        2: lambda: np.fliplr(image),
        3: lambda: np.rot90(image, 2),
        4: lambda: np.flipud(image),
        5: lambda: np.rot90(np.fliplr(image), 1),
        6: lambda: np.rot90(image, -1),
        7: lambda: np.rot90(np.fliplr(image), -1),
        8: lambda: np.rot90(image, 1),
    }[orientation]()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(kind: str, orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo, "_STRIP_PIXELS", WIDTH * 7)
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "TIFF":
        content = _tiff(_picture(), photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    else:
        content = _saved(_picture(), kind, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}))
    read = _read(content)
    expected = _turned(_picture(), orientation)
    assert read.orientation == orientation
    assert read.image.shape == expected.shape
    assert np.abs(read.image.astype(int) - expected).max() < 25
    assert read.image.flags.c_contiguous
    assert (orientation != 1) == any("upright" in note for note in read.notes)


@pytest.mark.parametrize("value", [0, 9])
def test_impossible_orientation_is_said(value: int) -> None:
    read = _read(_tiff(_picture(), photometric="rgb", extratags=[(274, 3, 1, value, True)]))
    np.testing.assert_array_equal(read.image, _picture())
    assert read.orientation == 1
    assert any("orientation" in note for note in read.notes)


def test_broken_exif_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise SyntaxError("not a TIFF header")

    monkeypatch.setattr(photo.JpegImageFile, "getexif", broken)
    read = _read(_saved(_picture(), "JPEG"))
    assert read.orientation == 1
    assert any("orientation in the file is unreadable" in note for note in read.notes)


# Identity, names, pages


def test_path_and_bytes_give_the_same_and_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "floor.png"
    path.write_bytes(_saved(_picture(), "PNG"))
    before = path.read_bytes()
    from_path = photo.read_photo(path, max_pixels=LIMIT)
    from_bytes = photo.read_photo(before, name="other.png", max_pixels=LIMIT)
    assert path.read_bytes() == before
    assert from_path.id == from_bytes.id == hashlib.sha256(before).hexdigest()
    assert (from_path.name, from_bytes.name, _read(before).name) == ("floor.png", "other.png", "photo")
    np.testing.assert_array_equal(from_path.image, from_bytes.image)


def test_wrong_extension_is_read_by_content_and_said(tmp_path: Path) -> None:
    path = tmp_path / "floor.jpg"
    path.write_bytes(_saved(_picture(), "PNG"))
    read = photo.read_photo(path, max_pixels=LIMIT)
    assert read.format == "PNG"
    assert any("named .jpg but holds a PNG" in note for note in read.notes)


def test_first_page_of_several() -> None:
    stream = io.BytesIO()
    with tifffile.TiffWriter(stream) as writer:
        writer.write(_picture()[::4, ::4].repeat(2, 0).repeat(2, 1), photometric="rgb", subfiletype=1)  # a preview
        writer.write(_picture(), photometric="rgb")
        writer.write(~_picture(), photometric="rgb")
    read = _read(stream.getvalue())
    np.testing.assert_array_equal(read.image, _picture())
    assert any("3 pages" in note for note in read.notes)


# Refusals


def _header_only_png(width: int, height: int) -> bytes:
    content = bytearray(_saved(_picture(), "PNG"))
    content[16:24] = struct.pack(">II", width, height)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(_saved(_picture(), "JPEG"), id="jpeg"),
        pytest.param(_saved(_picture(), "PNG"), id="png"),
        pytest.param(_tiff(_picture(), photometric="rgb"), id="tiff"),
    ],
)
def test_pixel_limit_names_its_setting(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _read(content, max_pixels=WIDTH * HEIGHT).size == (WIDTH, HEIGHT)
    for decoder in (photo.JpegImageFile, photo.PngImageFile):
        monkeypatch.setattr(decoder, "load", lambda _: pytest.fail("decoded before the limit was checked"))
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda _: pytest.fail("decoded before the limit was checked"))
    with pytest.raises(PhotoError, match=r"600 pixels; the limit is 599.*set TESSERAE_MAX_PIXELS to 600"):
        _read(content, max_pixels=WIDTH * HEIGHT - 1)


def test_our_limit_governs_not_pillows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 200)
    monkeypatch.setattr(photo, "_STRIP_PIXELS", 100)
    for kind in ("PNG", "JPEG"):
        assert _read(_saved(_picture(), kind)).size == (WIDTH, HEIGHT)
    assert Image.MAX_IMAGE_PIXELS == 200


def test_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(PhotoError, match="TESSERAE_MAX_PIXELS"):
        _read(_header_only_png(100_000, 100_000), max_pixels=300_000_000)


def test_threads_read_alike() -> None:
    content = _embedded("PNG", _adobe_like())
    expected, found = _read(content).image, []
    threads = [threading.Thread(target=lambda: found.append(_read(content).image)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.array_equal(image, expected) for image in found)


@pytest.mark.parametrize("size", [(15, 40), (40, 15), (1, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_too_small(kind: str, size: tuple[int, int]) -> None:
    with pytest.raises(PhotoError, match="at least 16 on each side"):
        _read(_saved(Image.new("RGB", size), kind))


def _cut(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3]


def _noise() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(b"", "empty", id="zero-bytes"),
        pytest.param(b"Dear colleague", "not a photo", id="text"),
        pytest.param(b"%PDF-1.7 ...", "not a photo", id="pdf"),
        pytest.param(_saved(_picture(), "GIF"), "not a photo", id="gif"),
        pytest.param(b"\xff\xd8\xff", "damaged", id="jpeg-magic-only"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "damaged", id="png-magic-only"),
        pytest.param(b"II*\0\x08\0\0\0", "damaged", id="tiff-magic-only"),
        pytest.param(_cut(_saved(_noise(), "JPEG")), "damaged", id="jpeg-cut-off"),
        pytest.param(_cut(_saved(_noise(), "PNG")), "damaged", id="png-cut-off"),
        pytest.param(_cut(_tiff(_noise(), photometric="rgb")), "cut off", id="tiff-cut-off"),
        pytest.param(_cut(_tiff(_noise(), photometric="rgb", compression="lzw")), "cut off", id="tiff-lzw-cut-off"),
        pytest.param(_tiff(_noise().astype(np.float32), photometric="rgb"), "floating-point", id="tiff-float"),
        pytest.param(_tiff(_noise().astype(np.uint32), photometric="rgb"), "32 bits", id="tiff-32-bit"),
        pytest.param(_tiff(_noise().astype(np.int16), photometric="rgb"), "signed", id="tiff-signed"),
        pytest.param(_tiff(np.zeros((32, 32, 3), np.uint8), photometric="cielab"), "CIELAB", id="tiff-lab"),
        pytest.param(_tiff(np.zeros((32, 32, 3), np.uint8), photometric="ycbcr"), "YCBCR", id="tiff-ycbcr"),
        pytest.param(_tiff(np.zeros((32, 32), np.uint8), photometric="cfa"), "CFA", id="tiff-raw"),
        pytest.param(
            _tiff(np.zeros((32, 32, 12), np.uint8), photometric="minisblack", planarconfig="contig"),
            "12 channels", id="tiff-spectral",
        ),
        pytest.param(
            _tiff(np.zeros((20, 20), np.uint8), photometric="minisblack", tile=(4096, 4096), compression="deflate"),
            "tiles of 4096", id="tiff-tile-bomb",
        ),
    ],
)  # fmt: skip
def test_refusal_is_a_sentence(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "floor.tif"
    path.write_bytes(content)
    for source in (content, path):
        with pytest.raises(PhotoError, match=found) as caught:
            photo.read_photo(source, name="floor.tif", max_pixels=LIMIT)
        assert str(caught.value).startswith("floor.tif")
        assert str(caught.value).endswith(".")


def test_damaged_strip_is_refused() -> None:
    content = bytearray(_tiff(_noise(), photometric="rgb", compression="deflate"))
    content[-3000:-2000] = bytes(1000)
    with pytest.raises(PhotoError, match="damaged"):
        _read(bytes(content))


def test_memory_that_does_not_suffice_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tifffile.TiffPage, "asarray", full)
    with pytest.raises(PhotoError, match="memory"):
        _read(_tiff(_picture(), photometric="rgb"))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path):
        with pytest.raises(PhotoError, match="cannot be opened"):
            photo.read_photo(path, max_pixels=LIMIT)


def test_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(PhotoError, match="Permission denied"):
        photo.read_photo(tmp_path / "floor.jpg", max_pixels=LIMIT)
