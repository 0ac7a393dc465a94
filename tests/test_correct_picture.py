import numpy as np
import pytest

from tesserae.corrections.operations import Approve, Delete, Ignore, MaskRuns
from tesserae.corrections.replay import CorrectedMap
from tesserae.deepzoom import OverlayStyle, build_pyramid
from tesserae.ui.correct.look_back import look_back
from tesserae.ui.correct.minimap import frame_view
from tesserae.ui.correct.picture import Look, Marks, encode_jpeg, render_canvas, render_part
from tesserae.ui.correct.view import View

PLAIN = OverlayStyle(outline=False)
LINE_PX = 3  # half a line and its soft edge
WHOLE = (0.0, 0.0, 40.0, 30.0)


@pytest.fixture
def photo(tmp_path):
    return build_pyramid(np.full((30, 40, 3), 100, dtype=np.uint8), tmp_path / "photo.pyramid")


@pytest.fixture
def corrected():
    labels = np.zeros((30, 40), dtype=np.int32)
    labels[5:10, 5:10], labels[5:10, 20:30] = 1, 2
    return CorrectedMap.of(labels)


def changed(picture):
    """Where a picture of the grey photo is not grey any more, as (left, top, right, bottom)."""
    rows, columns = np.nonzero((picture != 100).any(axis=2))
    return (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) if len(rows) else None


def test_without_marks_and_style_the_photo_is_as_it_is(photo, corrected):
    assert changed(render_part(photo, corrected, WHOLE, (40, 30), Look(PLAIN))) is None


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param(Look(OverlayStyle(outline=False, fill=True)), (5, 5, 30, 10), id="tesserae"),
        pytest.param(Look(PLAIN, Marks(MaskRuns.of_array(np.ones((4, 6), dtype=bool), (30, 20)))), (30, 20, 36, 24), id="proposal"),
    ],
)
def test_what_is_to_be_seen_lies_where_it_is(photo, corrected, look, expected):
    assert changed(render_part(photo, corrected, WHOLE, (40, 30), look)) == expected


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        pytest.param(Marks(focus=(10, 12, 20, 25)), (10, 12, 20, 25), id="focus"),
        pytest.param(Marks(clicks=(((15.0, 15.0), 1),)), (10, 10, 20, 20), id="click"),
    ],
)
def test_marks_lie_where_they_belong_with_the_width_of_their_line(photo, corrected, marks, expected):
    found = changed(render_part(photo, corrected, WHOLE, (40, 30), Look(PLAIN, marks)))
    assert np.abs(np.subtract(found, expected)).max() <= LINE_PX


def test_clicks_inside_and_outside_the_stone_have_different_colours(photo, corrected):
    looks = [Look(PLAIN, Marks(clicks=(((15.0, 15.0), sign),))) for sign in (1, 0)]
    inside, outside = (render_part(photo, corrected, WHOLE, (40, 30), look)[15, 15] for look in looks)
    assert inside[1] > inside[0]
    assert outside[0] > outside[1]


def test_unreadable_ground_is_hatched_and_approved_ground_framed(photo, corrected):
    corrected.apply(Ignore(((30, 20), (39, 20), (39, 29), (30, 29))))
    hatched = render_part(photo, corrected, WHOLE, (40, 30), Look(PLAIN))
    assert changed(hatched)[0] >= 30
    corrected.apply(Approve())
    assert changed(render_part(photo, corrected, WHOLE, (40, 30), Look(PLAIN)))[:2] == (0, 0)


def test_a_part_shows_what_lies_there_enlarged(photo, corrected):
    picture = render_part(photo, corrected, (20.0, 5.0, 30.0, 10.0), (100, 50), Look(OverlayStyle(outline=False, fill=True)))
    assert changed(picture) == (0, 0, 100, 50)


def test_the_canvas_has_its_size(photo, corrected):
    assert render_canvas(photo, corrected, View.whole((40, 30)), Look()).shape == (480, 690, 3)


def test_the_look_back_shows_what_went(photo, corrected):
    change = corrected.apply(Delete((2,)))
    pictures = look_back(photo, corrected, change)
    assert pictures.before != pictures.after
    untouched = corrected.apply(Approve())
    assert look_back(photo, corrected, untouched) is None


def test_the_map_frames_what_the_canvas_shows():
    picture = np.full((60, 80, 3), 100, dtype=np.uint8)
    framed = frame_view(picture, (0.0, 0.0, 800.0, 600.0), (100.0, 200.0, 300.0, 400.0))
    assert np.abs(np.subtract(changed(framed), (10, 20, 30, 40))).max() <= LINE_PX
    assert (picture == 100).all()


def test_pictures_are_jpeg():
    assert encode_jpeg(np.zeros((4, 4, 3), dtype=np.uint8))[:3] == b"\xff\xd8\xff"
