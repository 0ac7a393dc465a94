"""Label maps: checking, storing, counting, renumbering, interior points."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tesserae import labelmap
from tesserae.errors import LabelMapError, OutputError

SMALL = np.array([[0, 7, 7, 0], [3, 7, 7, 0], [3, 0, 0, 900]], dtype=np.int32)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        pytest.param(np.zeros((2, 2, 3), np.int32), "shape", id="three-channels"),
        pytest.param(np.zeros((0, 4), np.int32), "shape", id="empty"),
        pytest.param([[1, 2]], "list", id="not-an-array"),
        pytest.param(np.zeros((2, 2), np.float32), "float32", id="float"),
        pytest.param(np.zeros((2, 2), bool), "bool", id="bool"),
        pytest.param(np.array([[-1, 2]]), "-1 to 2", id="negative"),
        pytest.param(np.array([[0, 2**31]], np.int64), "2147483648", id="too-high"),
    ],
)
def test_check_refuses(array: object, found: str) -> None:
    with pytest.raises(LabelMapError, match=found):
        labelmap.check_label_map(array)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int64, ">i4"])
def test_check_converts_integer_types(dtype: object) -> None:
    checked = labelmap.check_label_map(np.array([[0, 200]], dtype=dtype))
    assert checked.dtype == np.int32
    assert checked.tolist() == [[0, 200]]


def test_check_returns_a_label_map_itself() -> None:
    assert labelmap.check_label_map(SMALL) is SMALL


def test_written_map_reads_back_as_one_uint32_deflate_channel(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    large = SMALL.copy()
    large[0, 0] = labelmap.MAX_LABEL
    labelmap.write_label_map(path, large)
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        assert (page.dtype, page.shape, page.compression.name) == (np.uint32, (3, 4), "ADOBE_DEFLATE")
    back = labelmap.read_label_map(path)
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, large)
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.tif"]


def test_writing_replaces_and_accepts_views(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    labelmap.write_label_map(path, SMALL)
    labelmap.write_label_map(path, SMALL.T[::-1])
    np.testing.assert_array_equal(labelmap.read_label_map(path), SMALL.T[::-1])


def test_writing_into_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="folder"):
        labelmap.write_label_map(tmp_path / "none" / "labels.tif", SMALL)


def test_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "labels.tif"
    labelmap.write_label_map(path, SMALL)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(labelmap.os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        labelmap.write_label_map(path, SMALL + 1)
    np.testing.assert_array_equal(labelmap.read_label_map(path), SMALL)
    assert [entry.name for entry in tmp_path.iterdir()] == ["labels.tif"]


def test_writing_refuses_what_is_no_label_map(tmp_path: Path) -> None:
    with pytest.raises(LabelMapError):
        labelmap.write_label_map(tmp_path / "labels.tif", np.zeros((2, 2)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(None, "no label map", id="missing"),
        pytest.param(b"", "cannot be read", id="empty"),
        pytest.param(b"label,x,y\n1,2,3\n", "cannot be read", id="csv"),
        pytest.param(b"II*\0\x08\0\0\0", "cannot be read", id="cut-off-header"),
    ],
)
def test_reading_refuses(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "labels.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabelMapError, match=found):
        labelmap.read_label_map(path)


def test_reading_refuses_a_damaged_strip(tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    labelmap.write_label_map(path, np.arange(6400, dtype=np.int32).reshape(80, 80))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(LabelMapError, match="damaged"):
        labelmap.read_label_map(path)


def test_reading_refuses_a_colour_picture(tmp_path: Path) -> None:
    path = tmp_path / "overlay.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    with pytest.raises(LabelMapError, match="one channel"):
        labelmap.read_label_map(path)


@pytest.mark.parametrize("limit", [labelmap.TABLE_LIMIT, 5], ids=["table", "sorted"])
def test_present_count_and_relabel(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelmap, "TABLE_LIMIT", limit)
    monkeypatch.setattr(labelmap, "_STRIP_ROWS", 2)
    before = SMALL.copy()
    assert labelmap.present_labels(SMALL).tolist() == [3, 7, 900]
    assert labelmap.count_tesserae(SMALL) == 3
    once = labelmap.relabel_sequential(SMALL)
    assert once.tolist() == [[0, 2, 2, 0], [1, 2, 2, 0], [1, 0, 0, 3]]
    assert once.dtype == np.int32
    np.testing.assert_array_equal(labelmap.relabel_sequential(once), once)
    np.testing.assert_array_equal(SMALL, before)


def test_highest_possible_label_needs_no_table() -> None:
    labels = np.array([[0, labelmap.MAX_LABEL]], dtype=np.int32)
    assert labelmap.relabel_sequential(labels).tolist() == [[0, 1]]
    assert labelmap.interior_points(labels).labels.tolist() == [labelmap.MAX_LABEL]


def test_mortar_alone() -> None:
    mortar = np.zeros((3, 3), np.int32)
    assert labelmap.count_tesserae(mortar) == 0
    assert not labelmap.relabel_sequential(mortar).any()
    points = labelmap.interior_points(mortar)
    assert (points.labels.shape, points.points_xy.shape, points.radius_px.shape) == ((0,), (0, 2), (0,))


def test_photo_without_mortar_counts_every_label() -> None:
    assert labelmap.count_tesserae(np.array([[5, 6]], dtype=np.int32)) == 2


def _with(shape: tuple[int, int], parts: dict[int, tuple[slice, slice]]) -> np.ndarray:
    labels = np.zeros(shape, np.int32)
    for label, place in parts.items():
        labels[place] = label
    return labels


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param(_with((9, 9), {4: np.s_[2:7, 3:8]}), [(4, 5, 4, 3.0)], id="square"),
        pytest.param(_with((5, 11), {1: np.s_[1:4, 0:11]}), [(1, 5, 2, 2.0)], id="bar-takes-its-middle"),
        pytest.param(_with((5, 5), {1: np.s_[:, :]}), [(1, 2, 2, 3.0)], id="photo-edge-is-outside"),
        pytest.param(_with((3, 6), {2: np.s_[:, :3], 9: np.s_[:, 3:]}), [(2, 1, 1, 2.0), (9, 4, 1, 2.0)], id="touching"),
        pytest.param(
            _with((9, 9), {1: np.s_[0:2, 0:2]}) + _with((9, 9), {1: np.s_[4:9, 4:9]}),
            [(1, 6, 6, 3.0)],
            id="larger-of-two-pieces",
        ),
    ],
)
def test_interior_points(labels: np.ndarray, expected: list[tuple[int, int, int, float]]) -> None:
    points = labelmap.interior_points(labels)
    found = list(zip(points.labels.tolist(), *points.points_xy.T.tolist(), points.radius_px.tolist(), strict=True))
    assert found == expected


def test_interior_point_of_a_ring_lies_in_the_ring() -> None:
    labels = _with((11, 11), {8: np.s_[:, :]})
    labels[3:8, 3:8] = 0
    ((x, y),) = labelmap.interior_points(labels).points_xy.astype(int)
    assert labels[y, x] == 8


@pytest.mark.parametrize(
    ("labels", "filled"),
    [
        ([[1, 0, 0, 0, 2]], [[1, 1, None, 2, 2]]),
        ([[3, 0], [0, 0]], [[3, 3], [3, 3]]),
        ([[0, 0]], [[0, 0]]),
        ([[4, 5]], [[4, 5]]),
    ],
    ids=["half way", "one tessera", "mortar only", "no mortar"],
)
def test_mortar_goes_to_the_nearest_tessera(labels, filled):
    result = labelmap.fill_mortar_from_nearest(np.asarray(labels, np.int32))
    assert result.dtype == np.int32
    for row, wanted in zip(result.tolist(), filled, strict=True):
        assert [got for got, want in zip(row, wanted, strict=True) if want is not None] == [want for want in wanted if want is not None]
