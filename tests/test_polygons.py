"""Polygons and pixels: which pixels an outline holds, and outlines that hold the pixels they were traced from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from tesserae.polygons import fill_polygon, join_outlines, pixel_box, points_in_polygon, signed_area, trace_outlines

MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
CORNERS = st.lists(st.tuples(*[st.integers(-20, 100).map(lambda tenth: tenth / 10)] * 2), min_size=3, max_size=8)


def mask(*lines):
    return np.array([[sign == "#" for sign in line] for line in lines])


def corners(outline):
    return [tuple(corner) for corner in outline.astype(int).tolist()]


def test_points_in_a_concave_polygon() -> None:
    arrow = np.array([[0, 0], [10, 0], [10, 10], [5, 4], [0, 10]], dtype=float)
    points = np.array([[5, 2], [5, 6], [1, 7], [9, 7], [-1, 2], [11, 2], [5, -1]], dtype=float)
    assert points_in_polygon(points, arrow).tolist() == [True, False, True, True, False, False, False]
    assert points_in_polygon(points, arrow[::-1]).tolist() == points_in_polygon(points, arrow).tolist()


def test_a_ray_through_a_corner_crosses_once() -> None:
    diamond = np.array([[5, 0], [10, 5], [5, 10], [0, 5]], dtype=float)
    points = np.array([[-2, 5], [5, 5], [12, 5], [-2, 0], [-2, 10]], dtype=float)
    assert points_in_polygon(points, diamond).tolist() == [False, True, False, False, False]


def test_neighbouring_polygons_share_no_point_of_their_common_side() -> None:
    left, right = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], float), np.array([[4, 0], [8, 0], [8, 4], [4, 4]], float)
    on_the_side = np.array([[4, 0], [4, 2]], dtype=float)
    assert (points_in_polygon(on_the_side, left) ^ points_in_polygon(on_the_side, right)).all()


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        pytest.param([(1, 0), (3, 0), (3, 2), (1, 2)], mask(".##.", ".##.", "...."), id="along the edges of pixels"),
        pytest.param(
            [(0.5, 0.5), (2.5, 0.5), (2.5, 1.5), (0.5, 1.5)], mask("##..", "....", "...."), id="through centres: upper and left ones"
        ),
        pytest.param([(1.4, 0.4), (2.6, 0.4), (2.6, 1.6), (1.4, 1.6)], mask(".##.", ".##.", "...."), id="just around centres"),
        pytest.param([(0, 0), (4, 0), (0, 4)], mask("###.", "##..", "#..."), id="triangle"),
        pytest.param([(0, 0), (4, 3), (4, 0), (0, 3)], mask("#..#", "####", "#..#"), id="crossing itself"),
        pytest.param([(-5, -5), (2, -5), (2, 9), (-5, 9)], mask("##..", "##..", "##.."), id="cut on three sides"),
        pytest.param([(7, 7), (9, 7), (9, 9)], mask("....", "....", "...."), id="outside"),
        pytest.param([(0, 1), (4, 1), (2, 1)], mask("....", "....", "...."), id="a line"),
    ],
)
def test_pixels_of_a_polygon(polygon, expected):
    filled = fill_polygon(np.array(polygon, float), (0, 0, 4, 3))
    np.testing.assert_array_equal(filled, expected)


@settings(max_examples=60, deadline=None)
@given(CORNERS, st.integers(-3, 3), st.integers(-3, 3))
def test_filling_agrees_with_asking_every_centre(polygon, x0, y0):
    polygon_xy = np.array(polygon)
    centres = np.stack(np.meshgrid(np.arange(x0, x0 + 9) + 0.5, np.arange(y0, y0 + 7) + 0.5), axis=-1).reshape(-1, 2)
    expected = points_in_polygon(centres, polygon_xy).reshape(7, 9)
    np.testing.assert_array_equal(fill_polygon(polygon_xy, (x0, y0, x0 + 9, y0 + 7)), expected)


@settings(max_examples=60, deadline=None)
@given(CORNERS)
def test_no_pixel_lies_outside_the_pixel_box(polygon):
    polygon_xy = np.array(polygon)
    x0, y0, x1, y1 = pixel_box(polygon_xy)
    everywhere, there = fill_polygon(polygon_xy, (-5, -5, 15, 15)), fill_polygon(polygon_xy, (x0, y0, x1, y1))
    assert everywhere.sum() == there.sum()


@pytest.mark.parametrize(
    ("pixels", "outlines"),
    [
        pytest.param(mask("#"), [[(0, 0), (1, 0), (1, 1), (0, 1)]], id="one pixel"),
        pytest.param(mask("##", "#."), [[(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]], id="an angle"),
        pytest.param(mask("#.", ".#"), [[(0, 0), (1, 0), (1, 1), (0, 1)], [(1, 1), (2, 1), (2, 2), (1, 2)]], id="a corner does not join"),
        pytest.param(
            mask("###", "#.#", "###"),
            [[(0, 0), (3, 0), (3, 3), (0, 3)], [(1, 1), (1, 2), (2, 2), (2, 1)]],
            id="a hole, the other way round",
        ),
        pytest.param(
            mask("####", "#.##", "##.#", "####"),
            [[(0, 0), (4, 0), (4, 4), (0, 4)], [(1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 2), (2, 2), (2, 1)]],
            id="a hole through a corner",
        ),
        pytest.param(mask("..", ".."), [], id="nothing"),
    ],
)
def test_outlines(pixels, outlines):
    assert [corners(outline) for outline in trace_outlines(pixels)] == outlines
    shifted = [[(x + 10, y + 20) for x, y in outline] for outline in outlines]
    assert [corners(outline) for outline in trace_outlines(pixels, (10, 20))] == shifted


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_outlines_hold_the_pixels_that_they_were_traced_from(pixels):
    height, width = pixels.shape
    filled = np.zeros_like(pixels)
    for outline in trace_outlines(pixels):
        filled ^= fill_polygon(outline, (0, 0, width, height))
    np.testing.assert_array_equal(filled, pixels)


@settings(max_examples=60, deadline=None)
@given(MASKS.filter(np.any))
def test_joined_outlines_hold_the_same_pixels(pixels):
    height, width = pixels.shape
    np.testing.assert_array_equal(fill_polygon(join_outlines(trace_outlines(pixels)), (0, 0, width, height)), pixels)


@settings(max_examples=60, deadline=None)
@given(MASKS)
def test_areas_add_up_and_every_piece_has_one_outer_outline(pixels):
    areas = [signed_area(outline) for outline in trace_outlines(pixels)]
    assert sum(areas) == pixels.sum()
    assert sum(area > 0 for area in areas) == ndimage.label(pixels)[1]
