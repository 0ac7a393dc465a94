"""Annotations of every kind read for one photo, and folders of photos with masks."""

import numpy as np
import pytest
import tifffile
from annotation_examples import box, coco, drawn, save_json
from PIL import Image

from tesserae.errors import AnnotationError
from tesserae.importing import AnnotatedPhoto, find_annotated_photos, read_annotation

LABELS = drawn("11..22", "11..22", "......", "333...")


def save(path, content):
    if path.suffix == ".json":
        return save_json(path, content)
    if path.suffix == ".png":
        Image.fromarray(content).save(path)
    else:
        tifffile.imwrite(path, content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.tif", LABELS, "label map"),
        ("a.TIFF", LABELS.astype(np.uint16), "label map"),
        ("a.png", LABELS.astype(np.uint8), "label map"),
        ("a.png", np.where(LABELS > 0, np.uint8(255), np.uint8(0)), "binary mask"),
        ("a.json", coco([box(0, 0, 2, 2)], [box(4, 0, 6, 2)], [box(0, 3, 3, 4)]), "COCO"),
    ],
)
def test_every_kind_gives_the_same_label_map(name, content, kind, tmp_path):
    annotation = read_annotation(save(tmp_path / name, content), LABELS.shape, "wall.jpg")
    np.testing.assert_array_equal(annotation.labels, LABELS)
    assert (annotation.kind, annotation.count, annotation.labels.dtype) == (kind, 3, np.int32)
    assert len(annotation.notes) == (kind == "binary mask")


def test_a_palette_of_colours_is_a_label_map(tmp_path):
    image = Image.new("P", (6, 4))
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "p.png")
    np.testing.assert_array_equal(read_annotation(tmp_path / "p.png", LABELS.shape, "wall.jpg").labels, LABELS)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.tif", drawn("111.11")), ("a.json", coco([box(0, 0, 3, 1), box(4, 0, 6, 1)], size=(6, 1)))],
    ids=["label map", "COCO"],
)
def test_a_tessera_in_two_pieces_becomes_two(name, content, tmp_path):
    annotation = read_annotation(save(tmp_path / name, content), (1, 6), "wall.jpg")
    assert (annotation.labels.tolist(), annotation.count) == ([[1, 1, 1, 0, 2, 2]], 2)
    assert "1 other piece became a tessera of its own, from number 2 on" in annotation.notes[0]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((8, 12), r"wall\.jpg is 12 x 8 pixels when upright, but a\.tif is 6 x 4\. It belongs to another photo"),
        ((6, 4), r"wall\.jpg is 4 x 6 pixels when upright, but a\.tif is 6 x 4\. Width and height are exchanged.*EXIF"),
    ],
    ids=["another size", "before the turn"],
)
def test_an_annotation_of_another_size(shape, message, tmp_path):
    with pytest.raises(AnnotationError, match=message):
        read_annotation(save(tmp_path / "a.tif", LABELS), shape, "wall.jpg")


def test_files_that_are_none(tmp_path):
    with pytest.raises(AnnotationError, match="found none"):
        read_annotation(tmp_path / "a.tif", LABELS.shape, "wall.jpg")
    (tmp_path / "a.jpg").touch()
    with pytest.raises(AnnotationError, match=r"a\.jpg is none of these.*JPEG changes the numbers"):
        read_annotation(tmp_path / "a.jpg", LABELS.shape, "wall.jpg")


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((4, 6), np.float32), "whole numbers"),
        (np.dstack([LABELS.astype(np.uint8), LABELS.astype(np.uint8) * 2, LABELS.astype(np.uint8)]), "coloured picture"),
        (np.array([[255, 255, 255, 90, 40, 0]], np.uint8), "soft edges"),
        (-LABELS, "not a label map"),
    ],
    ids=["fractions", "colours", "soft", "below 0"],
)
def test_values_that_are_no_annotation(pixels, message, tmp_path):
    with pytest.raises(AnnotationError, match=message):
        read_annotation(save(tmp_path / "a.tif", pixels), LABELS.shape, "wall.jpg")


# --- Folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for name in ("images/b.jpg", "images/a.JPG", "images/c.tif", "images/notes.txt", "masks/a.png", "masks/b.png", "masks/d.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_photos_with_a_mask(folder):
    pairs, notes = find_annotated_photos(folder)
    assert pairs == tuple(
        AnnotatedPhoto(folder / "images" / photo, folder / "masks" / mask) for photo, mask in (("a.JPG", "a.png"), ("b.jpg", "b.png"))
    )
    assert notes == (
        "1 photo without a mask was left out, the first is c.tif.",
        "1 mask without a photo was left out, the first is d.tif.",
    )


def test_all_have_a_mask(folder):
    (folder / "images" / "c.tif").rename(folder / "images" / "d.tif")
    pairs, notes = find_annotated_photos(folder)
    assert (len(pairs), notes) == (3, ())


def test_folders_that_cannot_be_used(folder):
    (folder / "masks" / "a.tif").touch()
    with pytest.raises(AnnotationError, match=r"a\.png and a\.tif|a\.tif and a\.png"):
        find_annotated_photos(folder)
    with pytest.raises(AnnotationError, match=r"Expected a folder .*images, found none"):
        find_annotated_photos(folder / "masks")
    for mask in (folder / "masks").iterdir():
        mask.unlink()
    with pytest.raises(AnnotationError, match=r"has a mask of the same name.*Give each mask"):
        find_annotated_photos(folder)
