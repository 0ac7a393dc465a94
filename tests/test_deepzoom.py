"""Pyramids and viewports: literal levels, whole against part, and files that are complete or not there."""

import tracemalloc

import cv2
import numpy as np
import pytest
from conftest import three_tesserae
from hypothesis import given, settings
from hypothesis import strategies as some

from tesserae import deepzoom
from tesserae.deepzoom import (
    Overlay,
    OverlayStyle,
    build_pyramid,
    cached_pyramid,
    open_pyramid,
    paint_tesserae,
    read_level,
    render_viewport,
    sample_labels,
    tessera_at,
)
from tesserae.errors import LabelMapError, OutputError, PhotoError, TesseraeError
from tesserae.overlay import LIGHT_LINE, paint_overlay

GREY = np.full((40, 60, 3), 128, np.uint8)


@pytest.fixture
def low_top(monkeypatch):
    """Levels go on down to two pixels, so that small arrays have several."""
    monkeypatch.setattr(deepzoom, "TOP_PX", 2)


def rgb(rows):
    return np.repeat(np.array(rows, np.uint8)[:, :, None], 3, axis=2)


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def levels_of(pyramid):
    return [read_level(pyramid, level) for level in range(len(pyramid.level_shapes))]


# --- Levels ---------------------------------------------------------------------------------------------------------------


def test_each_pixel_of_a_level_is_the_mean_of_four_below_and_odd_edges_stand_alone(tmp_path, low_top):
    photo = rgb([[0, 4, 8, 8, 100], [4, 8, 8, 8, 50], [10, 20, 0, 0, 7]])
    found = levels_of(build_pyramid(photo, tmp_path / "p"))
    assert [level[:, :, 0].tolist() for level in found] == [photo[:, :, 0].tolist(), [[4, 8, 75], [15, 0, 7]], [[7, 41]]]
    assert all(level.dtype == np.uint8 for level in found)


def test_a_label_level_takes_the_lower_right_then_the_upper_left_of_four(tmp_path, low_top):
    labels = np.arange(64, dtype=np.int32).reshape(8, 8)
    first, second = labels[1::2, 1::2], labels[1::4, 1::4]
    pyramid = build_pyramid(labels, tmp_path / "p")
    assert [level.tolist() for level in levels_of(pyramid)] == [labels.tolist(), first.tolist(), second.tolist()]
    assert read_level(pyramid, 1).dtype == np.int32


@settings(max_examples=30, deadline=None)
@given(height=some.integers(1, 300), width=some.integers(1, 40), seed=some.integers(0, 99))
def test_strips_leave_no_trace_and_no_label_is_invented(height, width, seed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("levels")
    photo = noise((height, width, 3), seed)
    labels = np.random.default_rng(seed).choice(np.array([0, 3, 70_000], np.int32), (height, width))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deepzoom, "TOP_PX", 40)  # up to four levels: strips of eight rows at least
        whole = [levels_of(build_pyramid(array, folder / "whole")) for array in (photo, labels)]
        patch.setattr(deepzoom, "_STRIP_ROWS", 2)
        in_strips = [levels_of(build_pyramid(array, folder / "strips")) for array in (photo, labels)]
    for first, second in zip(whole, in_strips, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    for level in in_strips[1]:
        assert set(np.unique(level)) <= set(np.unique(labels))


def test_levels_end_at_the_size_of_a_first_view(tmp_path):
    pyramid = build_pyramid(np.zeros((3, 5000, 3), np.uint8), tmp_path / "p")
    assert pyramid.level_shapes == [(3, 5000, 3), (2, 2500, 3), (1, 1250, 3), (1, 625, 3)]
    assert pyramid.size == (5000, 3)


@pytest.mark.parametrize(("highest", "dtype"), [(65_535, "uint16"), (65_536, "int32")])
def test_label_maps_take_two_bytes_while_they_suffice(tmp_path, highest, dtype):
    pyramid = build_pyramid(np.array([[0, highest]], np.int32), tmp_path / "p")
    assert pyramid.dtype == dtype
    assert read_level(pyramid, 0).tolist() == [[0, highest]]


def test_building_and_showing_hold_one_strip_and_one_viewport_in_memory(tmp_path):
    photo = np.zeros((8192, 1024, 3), np.uint8)
    strip, viewport = 512 * 1024 * 3, 512 * 512 * 3
    tracemalloc.start()
    pyramid = build_pyramid(photo, tmp_path / "p")
    building = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    render_viewport(pyramid, [], (0, 4000, 512, 4512), (512, 512))
    showing = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert building < 3 * strip
    assert showing < 4 * viewport


# --- Files ----------------------------------------------------------------------------------------------------------------


def test_a_pyramid_is_opened_as_it_was_built_and_not_loaded_again(tmp_path):
    path = tmp_path / "new" / "photo.pyramid"
    built = cached_pyramid(path, lambda: GREY)
    assert open_pyramid(path) == built
    assert cached_pyramid(path, lambda: pytest.fail("loaded again")) == built
    assert names_in(path.parent) == ["photo.pyramid"]


@pytest.mark.parametrize(
    "content",
    [None, b"", b"not a header" * 500, b'{"format": "another"}'.ljust(4096), b"[]".ljust(5000), b"\xff" * 5000],
    ids=["missing", "empty", "not JSON", "another format", "not a record", "not text"],
)
def test_a_damaged_file_is_none_and_is_built_again(tmp_path, content):
    path = tmp_path / "p"
    if content is not None:
        path.write_bytes(content)
    assert open_pyramid(path) is None
    assert np.array_equal(read_level(cached_pyramid(path, lambda: GREY), 0), GREY)


@pytest.mark.parametrize("cut", [1, 4000])
def test_a_file_cut_short_is_none(tmp_path, cut):
    path = build_pyramid(GREY, tmp_path / "p").path
    path.write_bytes(path.read_bytes()[:-cut])
    assert open_pyramid(path) is None


def test_a_build_that_breaks_off_leaves_nothing_and_spares_what_was_there(tmp_path, monkeypatch):
    path = build_pyramid(GREY, tmp_path / "p").path
    before = path.read_bytes()

    def disk_full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(deepzoom, "_halved", disk_full)
    with pytest.raises(OutputError, match=r"No space left.*room for 46 MB"):
        build_pyramid(np.zeros((4000, 3000, 3), np.uint8), path)
    assert path.read_bytes() == before
    assert names_in(tmp_path) == ["p"]


def test_a_file_that_went_away_is_explained(tmp_path):
    pyramid = build_pyramid(GREY, tmp_path / "p")
    pyramid.path.unlink()
    with pytest.raises(PhotoError, match="Open the photo again"):
        read_level(pyramid, 0)


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (np.zeros((4, 4, 4), np.uint8), PhotoError),
        (np.zeros((4, 4, 3), np.uint16), PhotoError),
        (np.zeros((0, 4, 3), np.uint8), PhotoError),
        (np.zeros(4, np.uint8), PhotoError),
        (np.zeros((4, 4), np.float32), LabelMapError),
        (np.full((4, 4), -1, np.int32), LabelMapError),
    ],
)
def test_other_arrays_are_refused(tmp_path, array, error):
    with pytest.raises(error):
        build_pyramid(array, tmp_path / "p")
    assert names_in(tmp_path) == []


# --- Viewports ------------------------------------------------------------------------------------------------------------


def test_the_whole_photo_at_its_own_size_is_the_photo(tmp_path):
    photo = noise((40, 60, 3))
    pyramid = build_pyramid(photo, tmp_path / "p")
    assert np.array_equal(render_viewport(pyramid, [], (0, 0, 60, 40), (60, 40)), photo)


@pytest.mark.parametrize("halvings", [1, 2, 3])
def test_the_whole_photo_halved_is_what_resize_makes_of_it(tmp_path, low_top, halvings):
    photo = noise((64, 96, 3))
    size = 96 >> halvings, 64 >> halvings
    shown = render_viewport(build_pyramid(photo, tmp_path / "p"), [], (0, 0, 96, 64), size)
    expected = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
    assert np.abs(shown.astype(int) - expected).max() <= 1  # each level rounds once


def test_a_part_at_photo_size_is_cut_out_and_fractions_move_it(tmp_path):
    photo = np.repeat(np.arange(0, 240, 4, dtype=np.uint8)[None, :, None], 40, axis=0).repeat(3, axis=2)
    pyramid = build_pyramid(photo, tmp_path / "p")
    assert np.array_equal(render_viewport(pyramid, [], (7, 3, 27, 13), (20, 10)), photo[3:13, 7:27])
    moved = render_viewport(pyramid, [], (7.5, 3, 27.5, 13), (20, 10))
    assert np.array_equal(moved, photo[3:13, 7:27] + 2)
    doubled = render_viewport(pyramid, [], (10, 3, 20, 13), (20, 20))
    assert doubled[0, :, 0].tolist() == [4 * 10 - 1 + 2 * k for k in range(20)]


def test_beyond_the_edge_are_the_last_pixels_and_no_tesserae(tmp_path):
    photo, labels = noise((40, 60, 3)), np.ones((40, 60), np.int32)
    pyramid, map_ = build_pyramid(photo, tmp_path / "p"), build_pyramid(labels, tmp_path / "l")
    shown = render_viewport(pyramid, [], (-4, -4, 8, 8), (12, 12))
    assert np.array_equal(shown, np.pad(photo[:8, :8], ((4, 0), (4, 0), (0, 0)), mode="edge"))
    assert sample_labels(map_, (-4, -4, 8, 8), (12, 12)).sum() == 64
    assert sample_labels(map_, (56, 36, 68, 48), (12, 12)).sum() == 16
    assert not sample_labels(map_, (100, 0, 110, 10), (10, 10)).any()
    assert render_viewport(pyramid, [], (100, 100, 110, 110), (5, 5)).shape == (5, 5, 3)


def test_label_maps_are_shown_by_the_nearest_label_at_every_size(tmp_path, low_top):
    labels = three_tesserae()
    pyramid = build_pyramid(labels, tmp_path / "p")
    assert np.array_equal(sample_labels(pyramid, (0, 0, 60, 40), (60, 40)), labels)
    assert np.array_equal(sample_labels(pyramid, (20, 5, 40, 25), (40, 40)), labels[5:25, 20:40].repeat(2, 0).repeat(2, 1))
    small = sample_labels(pyramid, (0, 0, 60, 40), (15, 10))
    assert set(np.unique(small)) == {0, 1, 2, 7}
    areas = {label: int((small == label).sum()) * 16 for label in (1, 2, 7)}
    assert areas == pytest.approx({1: 100, 2: 256, 7: 100}, rel=0.5)


@pytest.mark.parametrize("box", [(0, 0, 0, 4), (5, 0, 4, 4), (0, 4, 4, 4), (0, 0, float("nan"), 4), (0, 0, float("inf"), 4)])
def test_an_empty_box_is_refused(tmp_path, box):
    with pytest.raises(TesseraeError, match="Fit the view"):
        render_viewport(build_pyramid(GREY, tmp_path / "p"), [], box, (4, 4))


@pytest.mark.parametrize("size", [(0, 4), (4, -1), (5000, 4)])
def test_a_viewport_without_or_with_too_many_pixels_is_refused(tmp_path, size):
    with pytest.raises(TesseraeError, match="1 to 4096 pixels"):
        render_viewport(build_pyramid(GREY, tmp_path / "p"), [], (0, 0, 4, 4), size)


def test_a_label_map_of_another_size_is_refused(tmp_path):
    overlay = Overlay(build_pyramid(np.zeros((40, 61), np.int32), tmp_path / "l"), OverlayStyle())
    with pytest.raises(TesseraeError, match=r"\(60, 40\) pixels to fit the photo, found \(61, 40\)"):
        render_viewport(build_pyramid(GREY, tmp_path / "p"), [overlay], (0, 0, 60, 40), (60, 40))


# --- Overlays -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fill", "outline"), [(True, True), (True, False), (False, True), (False, False)])
def test_overlays_look_as_everywhere_else(tmp_path, fill, outline):
    labels = three_tesserae()
    overlay = Overlay(build_pyramid(labels, tmp_path / "l"), OverlayStyle(fill=fill, outline=outline, opacity=0.3))
    shown = render_viewport(build_pyramid(GREY, tmp_path / "p"), [overlay], (0, 0, 60, 40), (60, 40))
    assert np.array_equal(shown, paint_overlay(GREY, labels, fill=fill, outline=outline, opacity=0.3))


def test_two_overlays_lie_on_each_other_each_with_its_line(tmp_path):
    first, second = np.zeros((40, 60), np.int32), np.zeros((40, 60), np.int32)
    first[5:15, 5:15], second[20:30, 30:40] = 1, 1
    overlays = [
        Overlay(build_pyramid(labels, tmp_path / line[0]), OverlayStyle(line=line[1]))
        for labels, line in ((first, ("a", None)), (second, ("b", (255, 0, 0))))
    ]
    shown = render_viewport(build_pyramid(GREY, tmp_path / "p"), overlays, (0, 0, 60, 40), (60, 40))
    assert tuple(shown[5, 10]) == LIGHT_LINE
    assert tuple(shown[20, 35]) == (255, 0, 0)


def test_a_colour_table_paints_each_label_in_its_colour_and_hides_the_rest():
    colours = np.array([[0, 0, 0, 0], [200, 0, 0, 255], [0, 200, 0, 0]], np.uint8)
    style = OverlayStyle(fill=True, outline=False, opacity=1.0, colours=colours)
    painted = paint_tesserae(GREY, three_tesserae(), style)
    assert tuple(painted[8, 6]) == (200, 0, 0)
    assert (painted[5:21, 20:36] == 128).all()  # row 2 hides its label
    assert (painted[25:35, 40:50] == 128).all()  # label 7 is beyond the table
    half = paint_tesserae(GREY, three_tesserae(), OverlayStyle(fill=True, outline=False, opacity=0.5, colours=colours))
    assert tuple(half[8, 6]) == (164, 64, 64)
    outlined = paint_tesserae(GREY, three_tesserae(), OverlayStyle(colours=colours))
    assert tuple(outlined[3, 6]) == LIGHT_LINE
    assert (outlined[4:22, 19:37] == 128).all()


@pytest.mark.parametrize(("pitch", "weight"), [(4, 0.35), (40, 1.0)])
def test_outlines_fade_where_they_would_cover_the_photo(pitch, weight):
    labels = np.arange(1, (120 // pitch) ** 2 + 1, dtype=np.int32).reshape(120 // pitch, -1).repeat(pitch, 0).repeat(pitch, 1)
    picture = np.full((120, 120, 3), 100, np.uint8)
    shift = paint_tesserae(picture, labels, OverlayStyle(line=(200, 200, 200))).astype(int) - 100
    assert shift.max() == pytest.approx(100 * weight, abs=15)
    assert (shift.max() == 100) == (weight == 1.0)


def test_numbers_stand_in_tesserae_that_hold_them():
    labels = np.zeros((120, 200), np.int32)
    labels[10:70, 10:70], labels[10:30, 100:120], labels[80:110, 100:130] = 12, 34, 123_456
    picture = np.full((120, 200, 3), 128, np.uint8)
    written = paint_tesserae(picture, labels, OverlayStyle(outline=False, numbers=True)) != picture
    assert written[25:55, 25:55].any()
    written[10:70, 10:70] = False
    assert not written.any()  # too small, and too long for its tessera


def test_a_number_stands_in_the_thick_part_of_a_bent_tessera():
    labels = np.zeros((120, 120), np.int32)
    labels[10:20, 10:110], labels[10:110, 70:110] = 5, 5
    picture = np.full((120, 120, 3), 128, np.uint8)
    written = (paint_tesserae(picture, labels, OverlayStyle(outline=False, numbers=True)) != picture).any(axis=2)
    assert written[:, 70:110].sum() == written.sum() > 0


@pytest.mark.parametrize("opacity", [-0.1, 1.5])
def test_opacity_outside_0_to_1_is_refused(opacity):
    with pytest.raises(TesseraeError, match="Opacity goes from 0 to 1"):
        OverlayStyle(opacity=opacity)


@pytest.mark.parametrize("shape", [(4,), (4, 3), (0, 4)])
def test_another_colour_table_is_refused(shape):
    with pytest.raises(TesseraeError, match="four parts per label"):
        OverlayStyle(colours=np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("x", "y", "label"),
    [(2, 3, 1), (1.99, 3, 0), (11.99, 12.99, 1), (12, 3, 0), (45, 30, 7), (-0.5, 3, 0), (59.9, 39.9, 0), (60, 40, 0), (float("nan"), 3, 0)],
)
def test_the_tessera_at_a_point(tmp_path, x, y, label):
    assert tessera_at(build_pyramid(three_tesserae(), tmp_path / "l"), x, y) == label
