import numpy as np
import pytest

from tesserae.ui.correct.view import CANVAS_SIZES, USUAL_CANVAS, View

PHOTO = (8000, 6000)
WIDTH, HEIGHT = CANVAS_SIZES[USUAL_CANVAS]


def test_the_whole_photo_fits_into_the_canvas_and_touches_one_side():
    x0, y0, x1, y1 = View.whole(PHOTO).box_xyxy
    assert (y0, y1) == pytest.approx((0, 6000)) or (x0, x1) == pytest.approx((0, 8000))
    assert x1 - x0 >= 8000 - 1e-6
    assert y1 - y0 >= 6000 - 1e-6


def test_a_small_photo_lies_in_the_middle():
    x0, y0, x1, y1 = View.whole((100, 100)).box_xyxy
    assert (x0 + x1, y0 + y1) == pytest.approx((100, 100))


def test_a_first_look_shows_about_two_dozen_tesserae_side_by_side():
    x0, _, x1, _ = View.first_look(PHOTO, 100.0).box_xyxy
    assert (x1 - x0) / 100 == pytest.approx(24)


@pytest.mark.parametrize("side_px", [None, float("nan"), 0.0])
def test_a_first_look_without_tesserae_shows_all(side_px):
    assert View.first_look(PHOTO, side_px) == View.whole(PHOTO)


def test_canvas_points_come_back_from_where_they_are_shown():
    view = View(PHOTO, 4000, 3000, 2.0)
    middle = np.array([[WIDTH / 2, HEIGHT / 2], [0, 0]])
    assert view.to_photo(middle).tolist() == [[4000, 3000], list(view.box_xyxy[:2])]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda v: v.panned(-99, 0), (0, None), id="left edge"),
        pytest.param(lambda v: v.panned(0, -99), (None, 0), id="upper edge"),
        pytest.param(lambda v: v.moved_to(1e9, 1e9), (8000 - WIDTH, 6000 - HEIGHT), id="lower right corner"),
    ],
)
def test_the_view_never_leaves_the_photo(change, expected):
    x0, y0, _, _ = change(View(PHOTO, 4000, 3000, 1.0)).box_xyxy
    for found, place in zip((x0, y0), expected, strict=True):
        assert place is None or found == pytest.approx(place)


def test_zooming_out_ends_with_the_whole_photo_and_in_with_single_pixels():
    view = View.first_look(PHOTO, 40.0)
    assert view.zoomed(1e-9) == View.whole(PHOTO)
    assert view.zoomed(1e9).zoom == pytest.approx(24)


def test_a_photo_smaller_than_the_canvas_can_be_shown_whole_whatever_the_limit():
    assert View.whole((10, 10)).zoom == pytest.approx(HEIGHT / 10)


def test_a_canvas_of_another_size_shows_the_same_middle_at_the_same_zoom():
    view = View(PHOTO, 4000, 3000, 2.0).on_canvas(CANVAS_SIZES["Large"])
    assert view.box_xyxy == (4000 - 300, 3000 - 205, 4000 + 300, 3000 + 205)


def test_showing_a_box_puts_it_into_the_middle_with_its_surroundings():
    x0, y0, x1, y1 = View.whole(PHOTO).showing((4000, 3000, 4100, 3050)).box_xyxy
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == (4050, 3025)
    assert 500 < x1 - x0 < 1000
