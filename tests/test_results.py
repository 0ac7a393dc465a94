"""What a run leaves behind: files, figures, names, and the sentences when it cannot be written."""

import errno
import io
import json
import math
import os
import sys
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tifffile
from conftest import three_tesserae
from PIL import Image

import tesserae
from tesserae import results
from tesserae.errors import OutputError, TesseraeError
from tesserae.photo import Photo
from tesserae.results import (
    STAGES,
    add_seconds,
    encode_png,
    format_table,
    make_folder,
    peak_rss_mb,
    result_folder_name,
    write_results,
)


@dataclass(frozen=True)
class Segmented:
    """The least that `write_results` asks of a segmentation."""

    labels: np.ndarray = field(default_factory=three_tesserae)
    predicted_iou: dict = field(default_factory=lambda: {1: 0.9, 2: 0.81234567})
    stability: dict = field(default_factory=lambda: {1: 0.95})
    checkpoint: str = "tesserae_mini"
    prompts: str = "finder"
    decode: str = "window"
    decode_agreement: float | None = 0.97
    device: str = "cpu"
    dtype: str = "float32"
    median_side_px: float = 10.0
    stages_s: dict = field(default_factory=lambda: {"load": 0.5, "find": 0.25, "paint": 0.125})
    warnings: tuple = ("Too coarse.",)


@pytest.fixture
def photo():
    image = np.full((40, 60, 3), 120, np.uint8)
    return Photo(image, "ab" * 32, "wall é.jpg", "JPEG", 8, "RGB", 6, "Adobe RGB", ("Turned upright.",))


def read_record(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_the_folder_holds_the_four_files_and_nothing_else(photo, tmp_path):
    folder = write_results(tmp_path / "new" / "out", photo, Segmented())
    assert folder == tmp_path / "new" / "out" / "wall é"
    assert sorted(path.name for path in folder.iterdir()) == ["labels.tif", "overlay.png", "result.json", "tesserae.csv"]


def test_the_label_map_is_one_channel_uint32_deflate(photo, tmp_path):
    folder = write_results(tmp_path, photo, Segmented())
    with tifffile.TiffFile(folder / "labels.tif") as file:
        page = file.pages[0]
        assert (page.dtype, page.shape, page.samplesperpixel) == (np.uint32, (40, 60), 1)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        np.testing.assert_array_equal(page.asarray(), three_tesserae())


def test_the_overlay_has_the_size_of_the_photo_and_shows_something(photo, tmp_path):
    folder = write_results(tmp_path, photo, Segmented())
    with Image.open(folder / "overlay.png") as overlay:
        assert overlay.size == (60, 40)
        assert (np.asarray(overlay) != photo.image).any()


def test_the_table_has_a_row_per_tessera_and_blanks_for_what_is_not_known(photo, tmp_path):
    folder = write_results(tmp_path, photo, Segmented())
    assert (folder / "tesserae.csv").read_text(encoding="utf-8") == (
        "label,centroid_x_px,centroid_y_px,area_px,box_x0,box_y0,box_x1,box_y1,side_px,predicted_iou,stability,"
        "area_mm2,side_mm\n"
        "1,6.5,7.5,100,2,3,12,13,10.0,0.9,0.95,,\n"
        "2,27.5,12.5,256,20,5,36,21,16.0,0.8123,,,\n"
        "7,44.5,29.5,100,40,25,50,35,10.0,,,,\n"
    )


def test_with_a_scale_the_table_has_millimetres(photo, tmp_path):
    table = pd.read_csv(write_results(tmp_path, photo, Segmented(), mm_per_px=0.5) / "tesserae.csv")
    assert table["area_mm2"].tolist() == [25.0, 64.0, 25.0]
    assert table["side_mm"].tolist() == [5.0, 8.0, 5.0]


def test_the_record_says_what_was_done(photo, tmp_path):
    folder = write_results(tmp_path, photo, Segmented(), mm_per_px=0.5, elapsed_s=10.0, read_s=2.0, options={"fast": False})
    record = read_record(folder)
    stages_s, elapsed_s, peak_rss = record.pop("stages_s"), record.pop("elapsed_s"), record.pop("peak_rss_mb")
    assert record == {
        "count": 3,
        "width": 60,
        "height": 40,
        "photo": "wall é.jpg",
        "photo_id": "ab" * 32,
        "profile": "Adobe RGB",
        "notes": ["Turned upright."],
        "checkpoint": "tesserae_mini",
        "prompts": "finder",
        "decode": "window",
        "decode_agreement": 0.97,
        "device": "cpu",
        "dtype": "float32",
        "median_side_px": 10.0,
        "warnings": ["Too coarse."],
        "version": tesserae.__version__,
        "mm_per_px": 0.5,
        "options": {"fast": False},
    }
    assert list(stages_s) == list(STAGES)
    assert stages_s["load"] == 2.5
    assert (stages_s["embed"], stages_s["decode"]) == (0.0, 0.0)
    assert stages_s["paint"] > 0.125
    assert 10.0 < elapsed_s < 15.0
    assert peak_rss is None or peak_rss > 20


def test_missing_figures_are_null_in_the_record(photo, tmp_path):
    nothing = Segmented(np.zeros((40, 60), np.int32), {}, {}, median_side_px=math.nan, decode_agreement=None)
    record = read_record(write_results(tmp_path, photo, nothing))
    assert (record["count"], record["median_side_px"], record["decode_agreement"]) == (0, None, None)


def test_a_second_run_replaces_the_first(photo, tmp_path):
    write_results(tmp_path, photo, Segmented())
    record = read_record(write_results(tmp_path, photo, Segmented(np.zeros((40, 60), np.int32))))
    assert record["count"] == 0


def test_a_folder_that_is_not_complete_has_no_record(photo, tmp_path, monkeypatch):
    folder = write_results(tmp_path, photo, Segmented())

    def full_disk(part):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(results, "encode_png", full_disk)
    with pytest.raises(OutputError, match=r"overlay\.png could not be written \(No space left on device\).*make room"):
        write_results(tmp_path, photo, Segmented())
    assert sorted(path.name for path in folder.iterdir()) == ["labels.tif", "overlay.png", "tesserae.csv"]


def test_a_scale_that_is_none_is_refused_before_anything_is_written(photo, tmp_path):
    with pytest.raises(TesseraeError, match="positive number"):
        write_results(tmp_path, photo, Segmented(), mm_per_px=-1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_named(photo, tmp_path):
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match=r"out could not be written .*choose another folder"):
        make_folder(tmp_path / "out")
    with pytest.raises(OutputError, match="could not be written"):
        write_results(tmp_path / "out", photo, Segmented())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        make_folder(tmp_path)


@pytest.mark.parametrize(
    ("photo_name", "taken", "folder"),
    [
        ("wall.jpg", (), "wall"),
        ("wall.jpg", ("wall",), "wall_2"),
        ("WALL.jpg", ("wall", "wall_2"), "WALL_3"),
        ("wall.tar.png", (), "wall.tar"),
        ("wall", (), "wall"),
        ("...jpg", (), "photo"),
        ("..", (), "photo"),
        ("a/../b.png", (), "b"),
    ],
    ids=["plain", "taken", "case", "two-endings", "no-ending", "dots", "parent", "path"],
)
def test_folder_names(photo_name, taken, folder):
    assert result_folder_name(photo_name, frozenset(taken)) == folder


def test_seconds_are_added_by_stage_in_order_and_unknown_stages_are_kept():
    assert list(add_seconds({"other": 1.0, "find": 0.25}, load=0.1234567).items()) == [
        ("load", 0.123),
        ("find", 0.25),
        ("embed", 0.0),
        ("decode", 0.0),
        ("paint", 0.0),
        ("other", 1.0),
    ]


def test_the_table_rounds_what_is_measured_but_no_labels():
    table = pd.DataFrame({"label": [123456789], "centroid_x_px": [1234.5678], "area_mm2": [math.nan]})
    assert format_table(table) == b"label,centroid_x_px,area_mm2\n123456789,1234.57,\n"


def test_a_png_comes_back_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(image)))), image)


def test_peak_memory_is_read_from_the_system(tmp_path, monkeypatch):
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  250000 kB\nVmRSS:\t 1 kB\n")
    monkeypatch.setattr(results, "_STATUS", status)
    assert peak_rss_mb() == 256.0


@pytest.mark.parametrize(
    ("platform", "expected_mb"), [("linux", 204.8), ("darwin", 0.2), ("win32", None)], ids=["kib", "bytes", "not-told"]
)
def test_peak_memory_where_there_is_no_status_file(platform, expected_mb, tmp_path, monkeypatch):
    monkeypatch.setattr(results, "_STATUS", tmp_path / "absent")
    monkeypatch.setattr(sys, "platform", platform)
    usage = SimpleNamespace(RUSAGE_SELF=0, getrusage=lambda who: SimpleNamespace(ru_maxrss=200_000))
    monkeypatch.setitem(sys.modules, "resource", usage)
    assert peak_rss_mb() == expected_mb
