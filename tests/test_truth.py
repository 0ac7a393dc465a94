"""Truth files of each kind, and every reason to refuse one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tesserae.errors import TruthError
from tesserae.labelmap import write_label_map
from tesserae.truth import LabelTruth, PointTruth, entry_of_photo, read_truth

ENTRY = {
    "kind": "points", "photo": "floor.jpg", "x": 5, "y": 6, "side": 40, "tessera_px": 9.5,
    "points": [[3, 4.5], [20, 21]], "ignore": [[[0, 0], [8, 0], [8, 8]]],
}  # fmt: skip

MASK = np.array([[1, 1, 0, 0], [0, 0, 1, 1]], dtype=np.uint8)  # its parts meet at a corner only
PARTS = [[1, 1, 0, 0], [0, 0, 2, 2]]


def write_image(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    if path.suffix == ".png":
        image = Image.fromarray(pixels)
        (image.convert(mode) if mode else image).save(path)
    else:
        tifffile.imwrite(path, pixels)
    return path


def write_json(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("t.tif", np.uint8),
        ("t.TIFF", np.uint16),
        ("t.tif", np.uint32),
        ("t.tif", np.int32),
        ("t.png", np.uint8),
        ("t.png", np.uint16),
    ],
)
def test_label_maps(tmp_path: Path, name: str, dtype: type) -> None:
    labels = np.array([[0, 3, 3], [7, 0, 0]], dtype=dtype)
    truth = read_truth(write_image(tmp_path / name, labels))
    assert isinstance(truth, LabelTruth)
    assert truth.labels.dtype == np.int32
    assert truth.labels.tolist() == labels.tolist()
    assert (truth.kind, truth.notes) == ("label map", ())


def test_the_project_s_own_label_map_with_one_tessera_in_two_parts_stays_one(tmp_path: Path) -> None:
    write_label_map(tmp_path / "labels.tif", MASK.astype(np.int32))
    truth = read_truth(str(tmp_path / "labels.tif"))
    assert (truth.kind, truth.labels.tolist()) == ("label map", MASK.tolist())


@pytest.mark.parametrize(
    ("name", "pixels", "mode"),
    [
        pytest.param("m.png", MASK * 255, None, id="0 and 255"),
        pytest.param("m.png", MASK, None, id="0 and 1"),
        pytest.param("m.png", MASK * 255, "1", id="one bit"),
        pytest.param("m.png", MASK * 255, "RGB", id="grey in three channels"),
        pytest.param("m.png", MASK * 255, "RGBA", id="grey with opaque alpha"),
        pytest.param("m.png", MASK * 255, "LA", id="one channel with alpha"),
        pytest.param("m.png", MASK * 255, "P", id="grey palette"),
        pytest.param("m.png", MASK * np.uint16(65535), None, id="0 and 65535"),
        pytest.param("m.tif", MASK * 255, None, id="tiff"),
        pytest.param("m.tif", MASK.astype(bool), None, id="tiff of one bit"),
    ],
)
def test_binary_masks_become_connected_components(tmp_path: Path, name: str, pixels: np.ndarray, mode: str) -> None:
    truth = read_truth(write_image(tmp_path / name, pixels, mode))
    assert (truth.kind, truth.labels.tolist(), truth.labels.dtype) == ("binary mask", PARTS, np.int32)
    assert "touch count as one" in truth.notes[0]


def test_a_coloured_palette_keeps_its_indices_as_labels(tmp_path: Path) -> None:
    image = Image.fromarray(MASK * 2 + 1).convert("P")
    image.putdata((MASK * 2).ravel().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image.save(tmp_path / "p.png")
    truth = read_truth(tmp_path / "p.png")
    assert (truth.kind, truth.labels.tolist()) == ("label map", (MASK * 2).tolist())


def test_an_empty_truth_is_a_truth(tmp_path: Path) -> None:
    assert read_truth(write_image(tmp_path / "e.png", MASK * 0)).labels.max() == 0


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        pytest.param("a.png", np.array([[0, 255, 255], [255, 90, 130]], np.uint8), "soft edges", id="soft"),
        pytest.param("a.png", np.dstack([MASK * 200, MASK * 9, MASK]), "coloured picture", id="colours"),
        pytest.param("a.png", np.dstack([MASK * 255] * 4), "coloured picture", id="drawn in alpha"),
        pytest.param("a.tif", np.zeros((4, 4), np.float32), "whole numbers", id="float"),
        pytest.param("a.tif", np.zeros((5, 4, 6), np.uint8), "one channel", id="stack"),
        pytest.param("a.tif", np.array([[0, -2]], np.int16), "not a label map", id="negative"),
    ],
)
def test_images_that_are_no_truth(tmp_path: Path, name: str, pixels: np.ndarray, message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_truth(write_image(tmp_path / name, pixels))


@pytest.mark.parametrize("name", ["broken.tif", "broken.png", "broken.json"])
def test_damaged_files(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG no truth at all \xff")
    with pytest.raises(TruthError, match="cannot be read"):
        read_truth(tmp_path / name)


def test_a_cut_png(tmp_path: Path) -> None:
    path = write_image(tmp_path / "cut.png", np.arange(40_000, dtype=np.uint16).reshape(200, 200))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(TruthError, match="cannot be read"):
        read_truth(path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="found none"):
        read_truth(tmp_path / "nowhere.tif")


def test_another_kind_of_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.jpg"
    Image.fromarray(MASK * 255).save(path)
    with pytest.raises(TruthError, match=r"truth\.jpg is none of these"):
        read_truth(path)


def test_an_entry_of_an_image(tmp_path: Path) -> None:
    with pytest.raises(TruthError, match="Leave the entry 'floor' out"):
        read_truth(write_image(tmp_path / "m.png", MASK), "floor")


@pytest.mark.parametrize("entry", [None, "floor"])
def test_the_only_entry_of_a_file(tmp_path: Path, entry: str | None) -> None:
    truth = read_truth(write_json(tmp_path / "marks.json", {"floor": ENTRY}), entry)
    assert isinstance(truth, PointTruth)
    assert (truth.name, truth.kind, truth.x0, truth.y0, truth.side_px, truth.tessera_px) == (
        "floor",
        "points",
        5,
        6,
        40,
        9.5,
    )
    assert truth.points_xy.tolist() == [[3, 4.5], [20, 21]]
    assert [polygon.tolist() for polygon in truth.ignore_xy] == [[[0, 0], [8, 0], [8, 8]]]


def test_one_of_several_entries(tmp_path: Path) -> None:
    path = write_json(tmp_path / "marks.json", {"floor": ENTRY, "wall": {**ENTRY, "points": [], "ignore": []}})
    truth = read_truth(path, "wall")
    assert (truth.name, truth.points_xy.shape, truth.ignore_xy) == ("wall", (0, 2), ())
    with pytest.raises(TruthError, match=r"several entries \(floor, wall\)"):
        read_truth(path)
    with pytest.raises(TruthError, match="no entry 'roof'; it has floor, wall"):
        read_truth(path, "roof")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"kind": "boxes"}, "found 'boxes'", id="kind"),
        pytest.param({"x": -1}, "inside the photo", id="corner"),
        pytest.param({"side": 0}, "inside the photo", id="side"),
        pytest.param({"tessera_px": 0}, "above 0", id="tessera"),
        pytest.param({"x": 1.5}, "whole pixels", id="half a pixel"),
        pytest.param({"y": "6"}, "should be a number, found '6'", id="text"),
        pytest.param({"side": True}, "should be a number", id="bool"),
        pytest.param({"tessera_px": float("nan")}, "should be a number, found nan", id="nan"),
        pytest.param({"points": [[1, 2, 3]]}, r"list of \[x, y\] pairs", id="triple"),
        pytest.param({"points": "none"}, r"list of \[x, y\] pairs", id="no list"),
        pytest.param({"points": [[1, None]]}, "should be a number", id="null"),
        pytest.param({"points": [[3, 4], [3, 41]]}, r"1 of 'floor' lie outside it.*\(3, 41\)", id="outside"),
        pytest.param({"ignore": 5}, "should be a list", id="ignore"),
        pytest.param({"ignore": [[[0, 0], [1, 1]]]}, "fewer than three corners", id="polygon"),
    ],
)
def test_entries_that_are_wrong(tmp_path: Path, change: dict, message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_truth(write_json(tmp_path / "marks.json", {"floor": {**ENTRY, **change}}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param({"floor": {"x": 1, "points": []}}, "lacks y, side, tessera_px", id="keys"),
        pytest.param({"floor": [1, 2]}, "found 'list'", id="entry is a list"),
        pytest.param([ENTRY], "holds none", id="a list"),
        pytest.param({}, "holds none", id="nothing"),
        pytest.param("{", "cannot be read", id="cut"),
    ],
)
def test_json_that_is_wrong(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(TruthError, match=message):
        read_truth(write_json(tmp_path / "marks.json", content))


def test_ignored_points() -> None:
    truth = PointTruth(0, 0, 10, 3.0, np.zeros((0, 2)), (np.array([[0, 0], [4, 0], [4, 4], [0, 4.0]]),))
    assert truth.ignored(np.array([[2.0, 2.0], [6.0, 2.0]])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"a": {"photo": "wall.jpg"}, "wall": {}}, "a"),
        ({"a": {"photo": "floor.jpg"}, "wall": {}}, "wall"),
        ({"a": {}, "b": 3}, None),
        ([], None),
        ("{", None),
        (None, None),
    ],
    ids=["by its file", "by its name", "none", "no entries", "no json", "no file"],
)
def test_the_entry_of_a_photo(content, found, tmp_path):
    path = tmp_path / "marks.json"
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    assert entry_of_photo(path, "wall.jpg") == found
    assert entry_of_photo(tmp_path / "truth.tif", "wall.jpg") is None
