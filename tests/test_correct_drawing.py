from urllib.request import urlopen

import pytest

from tesserae.ui.correct.drawing import Drawing, empty_drawing, read_drawing
from tesserae.ui.correct.view import View

# shows an 8,000 x 6,000 photo from (3520, 2660) on, each of its pixels as two by two
VIEW = View((8000, 6000), 3760, 2830, 2.0, (960, 680))
PATH = {"type": "Path", "path": [["M", 100, 100], ["Q", 100, 100, 105, 101], ["Q", 110, 102, 140, 104], ["L", 150, 160]]}
LINE = {"type": "Line", "left": 125, "top": 130, "x1": -25, "x2": 25, "y1": -30, "y2": 30}
RECT = {"type": "Rect", "left": 100, "top": 100, "width": 50, "height": 60}
POLYGON = {"type": "Polygon", "points": [{"x": 100, "y": 100}, {"x": 180, "y": 100}, {"x": 180, "y": 160}]}
POINT = {"type": "Circle", "left": 94, "top": 100, "radius": 3, "strokeWidth": 6}


@pytest.mark.parametrize(
    ("drawn", "points"),
    [
        pytest.param(PATH, ((3570, 2710), (3572.5, 2710.5), (3590, 2712), (3595, 2740)), id="stroke"),
        pytest.param(LINE, ((3570, 2710), (3595, 2740)), id="line"),
        pytest.param(RECT, ((3570, 2710), (3595, 2740)), id="box"),
        pytest.param(POLYGON, ((3570, 2710), (3610, 2710), (3610, 2740)), id="polygon"),
        pytest.param(POINT, ((3570, 2710),), id="click"),
    ],
)
def test_what_is_drawn_lies_on_the_photo(drawn, points):
    assert read_drawing({"objects": [drawn]}, VIEW) == Drawing(points)


def test_the_last_object_counts():
    assert read_drawing({"objects": [LINE, POINT]}, VIEW) == Drawing(((3570, 2710),))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(None, id="nothing"),
        pytest.param({}, id="no objects"),
        pytest.param({"objects": []}, id="empty canvas"),
        pytest.param({"objects": [{"type": "Textbox", "left": 1, "top": 1}]}, id="a kind that no tool draws"),
        pytest.param({"objects": [{"type": "Line", "left": 1}]}, id="half an object"),
        pytest.param({"objects": [RECT | {"left": float("nan")}]}, id="no number"),
        pytest.param({"objects": [{"type": "Path", "path": [[]]}]}, id="an empty segment"),
    ],
)
def test_what_cannot_be_read_is_no_drawing(raw):
    assert read_drawing(raw, VIEW) is None


def test_points_that_say_nothing_new_are_left_out_but_never_the_last():
    close = {"type": "Path", "path": [["M", 100, 100], ["L", 100.4, 100], ["L", 100.8, 100]]}
    assert read_drawing({"objects": [close]}, VIEW) == Drawing(((3570, 2710), (3570.4, 2710)))


def test_the_box_around_a_point_has_one_pixel():
    assert Drawing(((3.5, 4.5),)).box_xyxy == (3, 4, 4, 5)
    assert Drawing(((3.0, 4.0),)).box_xyxy == (3, 4, 4, 5)


def test_the_box_around_a_drawing_holds_all_of_it_whichever_way_it_was_drawn():
    assert Drawing(((9.2, 1.5), (2.5, 7.0))).box_xyxy == (2, 1, 10, 7)


def test_a_new_canvas_shows_its_picture_and_nothing_drawn():
    drawing = empty_drawing(b"a picture")
    assert read_drawing(drawing, VIEW) is None
    with urlopen(drawing["backgroundImage"]["src"]) as picture:
        assert (picture.read(), picture.headers.get_content_type()) == (b"a picture", "image/jpeg")
