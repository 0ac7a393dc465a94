"""Thumbnails: their shape, what they show, and that they are kept and made anew."""

import io

import numpy as np
import pytest
from PIL import Image

from tesserae.deepzoom import build_pyramid
from tesserae.errors import OutputError
from tesserae.ui.thumbnails import THUMBNAIL_SIZE, THUMBNAILS_FOLDER, encode_thumbnail, thumbnail, thumbnail_path


def decoded(content):
    return np.asarray(Image.open(io.BytesIO(content))).astype(int)


def striped(height, width):
    """Red left third, green middle, blue right."""
    image = np.zeros((height, width, 3), np.uint8)
    for channel, part in enumerate(np.array_split(np.arange(width), 3)):
        image[:, part, channel] = 200
    return image


@pytest.mark.parametrize("shape", [(40, 60), (3000, 20), (16, 5000), (720, 960)], ids=["small", "tall", "wide", "same shape"])
def test_every_thumbnail_has_one_shape(shape):
    picture = decoded(encode_thumbnail(np.full((*shape, 3), 90, np.uint8)))
    assert picture.shape == (THUMBNAIL_SIZE[1], THUMBNAIL_SIZE[0], 3)
    assert np.abs(picture - 90).max() <= 2


def test_the_middle_of_a_wide_photo_is_shown_in_its_colours():
    picture = decoded(encode_thumbnail(striped(300, 3000)))
    assert (picture.mean(axis=(0, 1)) > (-1, 190, -1)).all()
    assert picture[:, :, 0].mean() < 10


def test_a_thumbnail_is_made_once_kept_and_made_anew_when_missing(tmp_path):
    calls = []

    def open_levels():
        calls.append(1)
        return build_pyramid(striped(1200, 1600), tmp_path / "photo.pyramid")

    first = thumbnail(tmp_path, "a" * 64, open_levels)
    assert thumbnail(tmp_path, "a" * 64, open_levels) == first
    assert len(calls) == 1
    path = thumbnail_path(tmp_path, "a" * 64)
    assert path.read_bytes() == first
    path.unlink()
    assert thumbnail(tmp_path, "a" * 64, open_levels) == first
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / THUMBNAILS_FOLDER).write_text("in the way")
    pyramid = build_pyramid(striped(40, 60), tmp_path / "photo.pyramid")
    with pytest.raises(OutputError, match="could not be written"):
        thumbnail(tmp_path, "a" * 64, lambda: pyramid)
