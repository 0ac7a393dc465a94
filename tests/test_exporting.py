"""What is written for other programs comes back when it is read, and says what it cannot hold."""

import io
import json

import numpy as np
import pytest
from annotation_examples import LABEL_MAPS, box, drawn
from hypothesis import assume, given, settings
from PIL import Image
from scipy import ndimage

from tesserae.errors import LabelMapError, OutputError
from tesserae.exporting import coco_of, part_tesserae, write_annotation, write_coco, write_coco_set, write_mask, write_masks
from tesserae.importing import find_annotated_photos, read_annotation
from tesserae.importing.coco import read_coco
from tesserae.importing.pieces import separate_pieces
from tesserae.labelmap import present_labels
from tesserae.photo import read_photo

LABELS = drawn("77.555", "77.5.5", "...555", "33....")
ANY_NEIGHBOUR = np.ones((3, 3), bool)


# --- COCO -------------------------------------------------------------------------------------------------------------


def test_the_content_of_a_coco_file():
    content = coco_of([("wall.jpg", LABELS)])
    assert content["images"] == [{"id": 1, "file_name": "wall.jpg", "width": 6, "height": 4}]
    assert [category["name"] for category in content["categories"]] == ["tessera"]
    given_for_all = {"image_id": 1, "category_id": 1, "iscrowd": 0}
    holed = {"size": [4, 6], "counts": [12, 3, 1, 1, 1, 1, 1, 3, 1]}
    assert content["annotations"] == [
        {"id": 1, "label": 3, "segmentation": [box(0, 3, 2, 4)], "area": 2, "bbox": [0, 3, 2, 1], **given_for_all},
        {"id": 2, "label": 5, "segmentation": holed, "area": 8, "bbox": [3, 0, 3, 3], **given_for_all},
        {"id": 3, "label": 7, "segmentation": [box(0, 0, 2, 2)], "area": 4, "bbox": [0, 0, 2, 2], **given_for_all},
    ]


def test_several_photos_in_one_file(tmp_path):
    path = tmp_path / "all.json"
    write_coco_set(path, [("a/wall.jpg", LABELS), ("floor.png", LABELS.T)])
    assert [entry["id"] for entry in json.loads(path.read_text(encoding="utf-8"))["annotations"]] == [1, 2, 3, 4, 5, 6]
    for name, labels in (("wall.jpg", LABELS), ("floor.png", LABELS.T)):
        read, notes = read_coco(path, labels.shape, name)
        np.testing.assert_array_equal(read, labels)
        assert notes == ()


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS)
def test_coco_comes_back_number_for_number(tmp_path_factory, labels):
    path = tmp_path_factory.getbasetemp() / "round.json"
    write_coco(path, labels, "wall.jpg")
    whole, piece_notes = separate_pieces(labels)
    read = read_annotation(path, labels.shape, "wall.jpg")
    np.testing.assert_array_equal(read.labels, whole)
    empty_note = () if labels.any() else ("round.json knows this photo but has no annotations of it.",)
    assert read.notes == (*empty_note, *piece_notes)


# --- Masks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "parted", "cost"),
    [
        pytest.param(drawn("11.22", "11.22"), drawn("11.22", "11.22"), None, id="apart"),
        pytest.param(drawn("1122", "1122"), drawn("11.2", "11.2"), "2 px", id="of equal ones the higher number gives way"),
        pytest.param(drawn("1112", "1112"), drawn("11.2", "11.2"), "2 px", id="the larger one gives way"),
        pytest.param(drawn("11.", "11.", "..2"), drawn("11.", "1..", "..2"), "1 px", id="at a corner"),
    ],
)
def test_tesserae_are_parted(labels, parted, cost):
    found, notes = part_tesserae(labels)
    np.testing.assert_array_equal(found, parted)
    assert len(notes) == (cost is not None)
    assert cost is None or f"parted by mortar, {cost} in all" in notes[0]


def test_it_is_said_when_a_tessera_vanishes():
    parted, notes = part_tesserae(drawn("222222", "111333"))
    assert present_labels(parted).tolist() == [1, 3]
    assert notes[1] == (
        "The mask shows 2 tesserae, the label map has 3: thin ones vanish or break, pieces count one by one. "
        "Write a label map or COCO to keep all."
    )


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS)
def test_parted_tesserae_are_the_components_of_their_mask(labels):
    parted, notes = part_tesserae(labels)
    count = present_labels(parted).size
    assert ndimage.label(parted)[1] == ndimage.label(parted, ANY_NEIGHBOUR)[1] == count
    components, _ = ndimage.label(parted)
    pairs = np.unique(np.column_stack([components[parted > 0], labels[parted > 0]]), axis=0)
    assert len(pairs) == count  # each component lies in one tessera
    assert any("The mask shows" in note for note in notes) == (set(present_labels(parted)) != set(present_labels(labels)))
    assert part_tesserae(parted)[0].tolist() == parted.tolist()


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS)
def test_masks_come_back_as_the_parted_tesserae(tmp_path_factory, labels):
    path = tmp_path_factory.getbasetemp() / "round.png"
    write_mask(path, labels)
    read = read_annotation(path, labels.shape, "wall.jpg")
    assume(not any("one network" in note for note in read.notes))  # a tessera with ten holes may be taken for joints
    parted, _ = part_tesserae(labels)
    np.testing.assert_array_equal(read.labels > 0, parted > 0)
    assert read.count == present_labels(parted).size


def test_tesserae_that_are_wide_enough_are_all_kept():
    labels = np.kron(np.arange(1, 21).reshape(4, 5), np.ones((5, 5), int)).astype(np.int32)
    parted, notes = part_tesserae(labels)
    assert (present_labels(parted).size, len(notes)) == (20, 1)
    assert all((parted == label).sum() >= 9 for label in range(1, 21))


# --- The authors' layout ----------------------------------------------------------------------------------------------


def photo_of(tmp_path, name, **options):
    path = tmp_path / name
    picture = np.arange(24 * 36 * 3, dtype=np.uint16).reshape(24, 36, 3).astype(np.uint8)
    Image.fromarray(picture).save(path, **options)
    return read_photo(path, max_pixels=10_000), path.read_bytes()


LARGE = np.kron(LABELS, np.ones((6, 6), np.int32)).astype(np.int32)


def test_a_pair_in_the_authors_layout(tmp_path):
    photo, _ = photo_of(tmp_path, "Wall.no.3.png")
    files = write_masks(tmp_path / "set", photo, LARGE)
    assert files.image_path == tmp_path / "set" / "images" / "Wall_no_3.jpg"
    assert files.mask_path == tmp_path / "set" / "masks" / "Wall_no_3.png"
    with Image.open(files.mask_path) as mask:
        assert (mask.mode, mask.size, mask.getextrema()) == ("L", (36, 24), (0, 255))
    with Image.open(files.image_path) as image:
        assert (image.format, image.size) == ("JPEG", (36, 24))
    (pair,), notes = find_annotated_photos(tmp_path / "set")
    read = read_annotation(pair.mask_path, photo.shape, pair.photo_path.name)
    assert (pair.photo_path, read.count, notes, files.notes) == (files.image_path, 3, (), ())
    np.testing.assert_array_equal(read.labels > 0, LARGE > 0)


def test_a_plain_jpeg_keeps_its_bytes(tmp_path):
    photo, source = photo_of(tmp_path, "wall.jpg")
    assert write_masks(tmp_path / "set", photo, LARGE, source=source).image_path.read_bytes() == source
    assert write_masks(tmp_path / "set", photo, LARGE).image_path.read_bytes() != source


@pytest.mark.parametrize("kind", ["turned", "profile", "png"])
def test_other_photos_are_written_as_they_are_seen(kind, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 3
    options = {"turned": {"exif": exif}, "profile": {"icc_profile": b"none that can be read"}, "png": {}}[kind]
    photo, source = photo_of(tmp_path, "wall.png" if kind == "png" else "wall.jpg", **options)
    written = write_masks(tmp_path / "set", photo, LARGE, source=source).image_path.read_bytes()
    assert written != source
    with Image.open(io.BytesIO(written)) as image:
        assert "exif" not in image.info
        assert "icc_profile" not in image.info
        assert np.abs(np.asarray(image).astype(int) - photo.image).mean() < 12


# --- By ending --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "a.json", "a.png"])
def test_every_ending_comes_back(name, tmp_path):
    notes = write_annotation(tmp_path / name, LABELS, "wall.jpg")
    read = read_annotation(tmp_path / name, LABELS.shape, "wall.jpg")
    assert (notes, read.count) == ((), 3)
    numbers = {(int(a), int(b)) for a, b in zip(read.labels.ravel(), LABELS.ravel(), strict=True)}
    assert len(numbers) == 4  # each number stands for one
    assert name == "a.png" or all(a == b for a, b in numbers)


def test_another_ending(tmp_path):
    with pytest.raises(OutputError, match=r"a\.jpg has none of these endings\. Choose one"):
        write_annotation(tmp_path / "a.jpg", LABELS, "wall.jpg")


@pytest.mark.parametrize("name", ["a.tif", "a.json", "a.png"])
def test_what_cannot_be_written(name, tmp_path):
    with pytest.raises(OutputError, match="could not be written"):
        write_annotation(tmp_path / "absent" / name, LABELS, "wall.jpg")
    with pytest.raises(LabelMapError, match="whole numbers"):
        write_annotation(tmp_path / name, LABELS.astype(float), "wall.jpg")
    assert list(tmp_path.iterdir()) == []
