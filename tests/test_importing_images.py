"""Images of tesserae: which values mean what; the kinds that truth files share are in test_truth.py."""

import numpy as np
import pytest
import tifffile
from annotation_examples import drawn
from PIL import Image

from tesserae.errors import AnnotationError
from tesserae.importing.images import read_label_image

WHITE_JOINTS = np.kron(np.ones((3, 4), np.uint8), np.pad(np.zeros((3, 3), np.uint8), ((0, 1), (0, 1)), constant_values=255))
"""Twelve dark tesserae of 3 x 3 pixels in a network of white joints."""


def save(path, pixels, **options):
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path)
    else:
        tifffile.imwrite(path, pixels, **options)
    return path


def test_a_mask_with_white_joints_is_read_the_other_way_round(tmp_path):
    image = read_label_image(save(tmp_path / "m.png", WHITE_JOINTS))
    assert (image.kind, int(image.labels.max()), image.labels.dtype) == ("binary mask", 12, np.int32)
    np.testing.assert_array_equal(image.labels > 0, WHITE_JOINTS == 0)
    assert image.notes[1] == "Its white parts are one network around 12 dark pieces: white was read as mortar, dark as tesserae."


def test_joints_one_pixel_wide_may_hang_together_by_corners(tmp_path):
    diagonals = (np.add.outer(np.arange(24), np.arange(24)) % 6 == 0) | (np.subtract.outer(np.arange(24), np.arange(24)) % 6 == 0)
    image = read_label_image(save(tmp_path / "m.png", np.where(diagonals, np.uint8(255), np.uint8(0))))
    np.testing.assert_array_equal(image.labels > 0, ~diagonals)


WARNING = "Nearly all of its white is one piece and was read as one tessera. If white means mortar here, invert the mask."


@pytest.mark.parametrize(
    ("pixels", "warnings"),
    [
        pytest.param(255 - WHITE_JOINTS, [], id="white tesserae"),
        pytest.param(WHITE_JOINTS[:9, :9], [], id="a few dark pieces may be holes"),
        pytest.param(np.pad(WHITE_JOINTS, ((1, 40), (1, 40))), [], id="the dark is one piece, too"),
        pytest.param(np.pad(WHITE_JOINTS, ((0, 40), (0, 40)), constant_values=255), [WARNING], id="white is more than two thirds"),
    ],
)
def test_masks_that_are_read_as_they_are(pixels, warnings, tmp_path):
    image = read_label_image(save(tmp_path / "m.png", pixels))
    np.testing.assert_array_equal(image.labels > 0, pixels > 0)
    assert list(image.notes[1:]) == warnings


def test_a_tiff_in_which_0_is_white(tmp_path):
    pixels = np.array([[255, 255, 0, 0]], np.uint8)
    image = read_label_image(save(tmp_path / "m.tif", pixels, photometric="miniswhite"))
    assert image.labels.tolist() == [[0, 0, 1, 1]]


def test_a_soft_mask_of_16_bits(tmp_path):
    pixels = np.array([[0, 65535, 65535, 65535, 40000, 20000]], np.uint16)
    with pytest.raises(AnnotationError, match=r"soft edges\. Cut it at 32768 to the values 0 and 65535"):
        read_label_image(save(tmp_path / "m.tif", pixels))


def test_numbers_that_are_too_large(tmp_path):
    with pytest.raises(AnnotationError, match=r"m\.tif is not a label map\. Labels go from 0"):
        read_label_image(save(tmp_path / "m.tif", np.array([[0, 2**31, 5]], np.uint32)))


def test_labels_of_every_size_are_kept(tmp_path):
    labels = drawn("..12", "3.12")
    for name, dtype in (("a.png", np.uint8), ("b.png", np.uint16), ("c.tif", np.uint32), ("d.tif", np.int16)):
        image = read_label_image(save(tmp_path / name, labels.astype(dtype)))
        assert (image.kind, image.labels.tolist(), image.notes) == ("label map", labels.tolist(), ())
