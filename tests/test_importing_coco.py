"""COCO files: which photo, which annotations, which pixels, what is said of the rest, and what is refused."""

import numpy as np
import pytest
from annotation_examples import box, coco, drawn, save_json

from tesserae.errors import AnnotationError
from tesserae.importing.coco import read_coco

SHAPE = (4, 6)
TWO = (box(0, 0, 2, 2), box(3, 1, 6, 4))
PARTS = drawn("11....", "11.222", "...222", "...222")
RUNS = {"size": [4, 6], "counts": [13, 3, 1, 3, 1, 3]}
PACKED = {"size": [4, 6], "counts": "=31000"}  # 13, 3, 1, then 3 - 3, 1 - 1 and 3 - 3


def read(tmp_path, content, photo_name="wall.jpg"):
    return read_coco(save_json(tmp_path / "marks.json", content), SHAPE, photo_name)


@pytest.mark.parametrize(
    "segmentations",
    [
        pytest.param(([TWO[0]], [TWO[1]]), id="polygons"),
        pytest.param(([TWO[0]], RUNS), id="runs"),
        pytest.param(([TWO[0]], PACKED), id="packed runs"),
        pytest.param(([[0.2, 0.3, 1.6, 0.4, 1.7, 1.8, 0.4, 1.6]], [TWO[1]]), id="a polygon between pixels"),
        pytest.param(([TWO[0]], [box(3, 1, 6, 2), box(3, 2, 6, 4)]), id="one tessera in two polygons"),
        pytest.param(([TWO[0]], [box(3, 1, 6, 3), box(3, 2, 6, 4)]), id="two polygons that overlap are one area"),
    ],
)
def test_outlines_of_every_kind(segmentations, tmp_path):
    labels, notes = read(tmp_path, coco(*segmentations))
    np.testing.assert_array_equal(labels, PARTS)
    assert (labels.dtype, notes) == (np.int32, ())


@pytest.mark.parametrize(
    ("names", "photo_name", "chosen"),
    [
        (("floor.jpg", "wall.jpg"), "wall.jpg", 1),
        (("a/wall.jpg", "wall.jpg"), "wall.jpg", 1),
        (("floor.jpg", "C:\\photos\\wall.jpg"), "wall.jpg", 1),
        (("wall.png", "x/wall.jpg"), "wall.jpg", 1),
        (("WALL.png", "floor.png"), "wall.jpg", 0),
    ],
    ids=["by its name", "in full before in a folder", "in a folder of Windows", "with its ending before without", "without its ending"],
)
def test_the_entry_of_the_photo(names, photo_name, chosen, tmp_path):
    images = [{"id": 10 + index, "file_name": name, "width": 6, "height": 4} for index, name in enumerate(names)]
    annotations = [{"image_id": 10 + index, "segmentation": [TWO[index]]} for index in range(2)]
    labels, _ = read(tmp_path, {"images": images, "annotations": annotations}, photo_name)
    np.testing.assert_array_equal(labels > 0, chosen + 1 == PARTS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("floor.jpg",), r"no entry for wall\.jpg; it has floor\.jpg\. Give the photo the name"),
        ((), "it has none at all"),
        (tuple(f"{k}.jpg" for k in range(7)), r"4\.jpg and 2 more"),
        (("a/wall.jpg", "b/wall.jpg"), r"several entries that may be wall\.jpg \(a/wall\.jpg, b/wall\.jpg\)"),
    ],
    ids=["another", "none", "many others", "two"],
)
def test_photos_that_cannot_be_told(names, message, tmp_path):
    images = [{"id": index, "file_name": name} for index, name in enumerate(names)]
    with pytest.raises(AnnotationError, match=message):
        read(tmp_path, {"images": images, "annotations": []})


def test_a_photo_of_another_size(tmp_path):
    with pytest.raises(AnnotationError, match=r"wall\.jpg is 6 x 4 pixels when upright, but its entry in marks\.json is 12 x 8"):
        read(tmp_path, coco(TWO[0], size=(12, 8)))
    labels, _ = read(tmp_path, coco([TWO[0]], images=[{"id": 1, "file_name": "wall.jpg"}]))
    assert labels.any()  # without a size there is nothing to compare


@pytest.mark.parametrize(
    ("numbers", "labels"),
    [((7, 3), [3, 7]), ((7, 7), [1, 2]), ((7, 0), [1, 2]), ((7, None), [1, 2]), ((True, 3), [1, 2])],
    ids=["our own", "twice", "mortar's", "not all", "no number"],
)
def test_numbers_of_tesserae(numbers, labels, tmp_path):
    content = coco([TWO[0]], [TWO[1]])
    for entry, number in zip(content["annotations"], numbers, strict=True):
        entry["label"] = number
    assert np.unique(read(tmp_path, content)[0])[1:].tolist() == labels


def annotated(*entries, categories=((1, "tessera"),)):
    """A file with these annotations, each with what makes it special."""
    annotations = [{"image_id": 1, "category_id": 1, "segmentation": [TWO[index % 2]]} | entry for index, entry in enumerate(entries)]
    return coco(categories=[{"id": number, "name": name} for number, name in categories], annotations=annotations)


@pytest.mark.parametrize(
    ("content", "count", "note"),
    [
        pytest.param(annotated({}, {"iscrowd": 1}), 1, "1 crowd annotation was left out: each is a region, not one tessera.", id="crowd"),
        pytest.param(annotated({}, {"segmentation": []}), 1, "1 annotation was left out for want of an outline.", id="box only"),
        pytest.param(annotated(), 0, "marks.json knows this photo but has no annotations of it.", id="empty"),
        pytest.param(annotated({"image_id": 2}), 0, "marks.json knows this photo but has no annotations of it.", id="another photo's"),
        pytest.param(
            annotated({}, {"category_id": 2}, categories=((1, "Tessera"), (2, "lacuna"))),
            1,
            "1 outline was left out as of other categories (lacuna).",
            id="another category",
        ),
        pytest.param(
            annotated({}, {"category_id": 2}, categories=((1, "stone"), (2, "glass"))),
            2,
            "All 2 categories were taken as tesserae (stone, glass), as none of them is called tessera.",
            id="categories without tesserae",
        ),
        pytest.param(
            annotated({}, {"category_id": 2}, categories=((1, "tessera"), (2, "tesserae"))), 2, None, id="two words for tessera"
        ),
        pytest.param(
            annotated({"segmentation": [box(-2, 0, 2, 2)]}, {"segmentation": [box(3, 3, 5, 9)]}),
            2,
            "2 outlines were cut at the edge of the photo.",
            id="beyond the edge",
        ),
        pytest.param(annotated({"segmentation": [box(-0.4, 0, 2, 4.4)]}), 1, None, id="beyond the edge by less than a pixel"),
        pytest.param(
            annotated({}, {"segmentation": [box(7, 0, 9, 2)]}, {"segmentation": [[1, 1, 5, 1]]}),
            1,
            "2 outlines were left out as outside the photo, or thinner than a pixel.",
            id="outside, or a line",
        ),
        pytest.param(
            annotated({}, {"segmentation": {"size": [4, 6], "counts": [24]}}),
            1,
            "1 outline was left out as outside the photo, or thinner than a pixel.",
            id="runs of nothing",
        ),
        pytest.param(
            annotated({}, {"segmentation": [box(0, 0, 3, 3)]}),
            2,
            "2 tesserae overlapped in 4 px, which went to the smaller tessera each time.",
            id="overlap",
        ),
    ],
)  # fmt: skip
def test_what_is_said_of_the_rest(content, count, note, tmp_path):
    labels, notes = read(tmp_path, content)
    assert np.unique(labels[labels > 0]).size == count
    assert notes == (() if note is None else (note,))


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        pytest.param([[0, 0, 2, 0, 2]], r"found \[0, 0, 2, 0, 2\]", id="x without y"),
        pytest.param([[0, 0, 2, 0, 2, float("nan")]], "nan", id="not a number"),
        pytest.param([[[0, 0], [2, 0], [2, 2]]], r"found \[\[0, 0\]", id="pairs"),
        pytest.param([0, 0, 2, 0, 2, 2], "found 0", id="a flat list"),
        pytest.param([["a", "b"]], "could not convert", id="text"),
        pytest.param([[1e300, 0, -1e300, 0, 0, 1e400]], "found", id="beyond numbers"),
        pytest.param({"size": [6, 4], "counts": [24]}, r"its size should be \[4, 6\]", id="size of another"),
        pytest.param({"counts": [24]}, "size", id="no size"),
        pytest.param({"size": [4, 6], "counts": [20]}, "should fill 24 px, found 20", id="too short"),
        pytest.param({"size": [4, 6], "counts": [30, -6]}, "should fill 24 px", id="a negative run"),
        pytest.param({"size": [4, 6], "counts": [12.0, 12.0]}, "no whole numbers", id="fractions"),
        pytest.param({"size": [4, 6], "counts": "=3 "}, "character ' ' has no meaning", id="strange sign"),
        pytest.param({"size": [4, 6], "counts": "=3P"}, "end within a number", id="cut"),
        pytest.param(5, "not iterable", id="a number"),
    ],
)
def test_outlines_that_cannot_be_understood(segmentation, reason, tmp_path):
    with pytest.raises(AnnotationError, match=f"outline of annotation 1 should be polygons.*{reason}"):
        read(tmp_path, coco(segmentation))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ([], "a list 'images'"),
        ({"floor": {"kind": "points", "points": []}}, "points marked in tesserae are no outlines"),
        ({"images": [], "annotations": {}}, "a list 'annotations'"),
        ({"images": [{"id": 1}], "annotations": []}, "'images' of entries with id and file_name"),
        ({"images": [], "annotations": [3]}, "'annotations' of entries with image_id"),
        (annotated({"segmentation": None}, {"segmentation": []}), r"in marks\.json have boxes but no outlines"),
    ],
    ids=["no json", "a list", "marked points", "annotations that are no list", "image without a name", "annotation that is none", "boxes"],
)
def test_files_that_are_refused(content, message, tmp_path):
    with pytest.raises(AnnotationError, match=message):
        read(tmp_path, content)


def test_a_file_with_a_byte_order_mark(tmp_path):
    path = save_json(tmp_path / "marks.json", coco([TWO[0]]))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_coco(path, SHAPE, "wall.jpg")[0].any()
