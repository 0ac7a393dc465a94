"""Photos that show the same are noticed, whatever was done to the file; others are not taken for them."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from tesserae.dataset.looks import group_alike, looks_of
from tesserae.synthetic import render_mosaic


@pytest.fixture(scope="module")
def images():
    return [render_mosaic(seed, 160, 16.0).image for seed in (11, 12, 13, 14)]


def saved(image, quality=40):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def scaled(image, factor):
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def cut(image, left, top, right, bottom):
    height, width = image.shape[:2]
    return image[round(top * height) : height - round(bottom * height), round(left * width) : width - round(right * width)]


def brighter(image):
    return np.clip(image * 0.75 + 50, 0, 255).astype(np.uint8)


COPIES = {
    "saved-again": saved,
    "half-the-size": lambda image: scaled(image, 0.5),
    "brighter": brighter,
    "turned": np.rot90,
    "turned-back": lambda image: np.rot90(image, 3),
    "upside-down": lambda image: np.rot90(image, 2),
    "mirrored": lambda image: image[:, ::-1],
    "mirrored-and-turned": lambda image: np.rot90(image[:, ::-1]),
    "all-edges-cut": lambda image: cut(image, 0.1, 0.1, 0.1, 0.1),
    "one-edge-cut": lambda image: cut(image, 0.08, 0, 0, 0),
    "all-of-it": lambda image: saved(brighter(scaled(np.rot90(cut(image, 0.05, 0.02, 0.04, 0.1)), 0.6))),
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
def test_a_copy_is_noticed_and_nothing_else(copy, images):
    looks = {str(number): looks_of(image) for number, image in enumerate(images)}
    looks["copy"] = looks_of(np.ascontiguousarray(copy(images[1])))
    assert group_alike(looks) == [["0"], ["1", "copy"], ["2"], ["3"]]


def test_groups_join_by_way_of_a_third_photo(images):
    one, other = (looks_of(cut(images[0], *edges)) for edges in ((0, 0, 0.1, 0.1), (0.1, 0.1, 0, 0)))
    assert group_alike({"a": one, "x": looks_of(images[1]), "b": other, "whole": looks_of(images[0])}) == [["a", "b", "whole"], ["x"]]


def test_looks_are_text_of_one_length_whatever_the_photo(images):
    blank = np.full((16, 3000, 3), 200, np.uint8)
    looks = [looks_of(image) for image in (images[0], blank)]
    assert {len(text) for text in looks} == {2006}
    assert group_alike({}) == []
