"""What is drawn, as pixels: literal shapes, and the rules of polygon and brush pixel by pixel."""

from itertools import pairwise

import numpy as np
import pytest
from corrections_examples import SHAPE, WIDTHS, points, square
from hypothesis import example, given, settings

from tesserae.corrections.operations import MaskRuns
from tesserae.corrections.shapes import box_shape, brush_shape, polygon_shape, runs_shape
from tesserae.errors import CorrectionError
from tesserae.polygons import points_in_polygon

STAR = ((5.0, 0.0), (8.0, 10.0), (0.0, 4.0), (10.0, 4.0), (2.0, 10.0))


def lines(shape, size=(6, 8)):
    """A shape in a photo of `size` (H, W) as lines."""
    return tuple("".join("#" if inside else "." for inside in row) for row in shape.within((0, 0, size[1], size[0])))


def centres(shape=SHAPE):
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.stack([x.ravel(), y.ravel()], axis=1)


def whole(shape):
    return shape.within((0, 0, SHAPE[1], SHAPE[0]))


def distance_to_line(line_xy):
    """Distance of each pixel centre of a photo of `SHAPE` to a line, by the nearest of many points on it."""
    ends = np.array(line_xy if len(line_xy) > 1 else line_xy * 2)
    share = np.linspace(0, 1, 2001)[:, None]
    on_line = np.concatenate([start + share * (end - start) for start, end in pairwise(ends)])
    return np.array([np.hypot(*(on_line - centre).T).min() for centre in centres()]).reshape(SHAPE)


@pytest.mark.parametrize(
    ("polygon_xy", "expected"),
    [
        pytest.param(square(1, 1, 4, 3), ("........", ".###....", ".###....", "........", "........", "........"), id="on-the-grid"),
        pytest.param(square(1.5, 1.5, 4.5, 3.5), ("........", ".###....", ".###....", "........", "........", "........"), id="on-centres"),
        pytest.param(square(1.6, 1.6, 4.4, 3.4), ("........", "........", "..##....", "........", "........", "........"), id="between"),
        pytest.param(
            square(-3, -3, 2, 2), ("##......", "##......", "........", "........", "........", "........"), id="cut-at-the-corner"
        ),
        pytest.param(
            ((0, 0), (6, 0), (0, 6)),
            ("#####...", "####....", "###.....", "##......", "#.......", "........"),
            id="triangle-without-its-slope",
        ),
        pytest.param(
            (*square(0, 0, 6, 6), (0, 0), *square(2, 2, 4, 4), (2, 2)),
            ("######..", "######..", "##..##..", "##..##..", "######..", "######.."),
            id="inside-twice-is-outside",
        ),
        pytest.param(((1, 1), (5, 1), (3, 1)), ("........",) * 6, id="flat"),
        pytest.param(square(20, 20, 30, 30), ("........",) * 6, id="outside-the-photo"),
    ],
)
def test_polygon(polygon_xy, expected):
    assert lines(polygon_shape(polygon_xy, (6, 8))) == expected


@settings(max_examples=150, deadline=None)
@given(points(3, 9))
@example(STAR)
def test_a_pixel_is_in_a_polygon_when_its_centre_is(polygon_xy):
    expected = points_in_polygon(centres(), np.array(polygon_xy)).reshape(SHAPE)
    np.testing.assert_array_equal(whole(polygon_shape(polygon_xy, SHAPE)), expected)


@pytest.mark.parametrize(
    ("line_xy", "width_px", "expected"),
    [
        pytest.param(((3.5, 2.5),), 1, ("........", "........", "...#....", "........", "........", "........"), id="a-point"),
        pytest.param(((3.5, 2.5),), 2, ("........", "...#....", "..###...", "...#....", "........", "........"), id="a-disc"),
        pytest.param(
            ((3.0, 2.0),),
            2,
            ("........", "..##....", "..##....", "........", "........", "........"),
            id="a-disc-on-a-corner",
        ),
        pytest.param(((1.5, 1.5), (5.5, 1.5)), 1, ("........", ".#####..", "........", "........", "........", "........"), id="a-line"),
        pytest.param(
            ((1, 1.5), (1, 1.5), (6, 1.5)),
            1,
            ("........", "#######.", "........", "........", "........", "........"),
            id="a-doubled-point",
        ),
        pytest.param(((-5, 5.5), (30, 5.5)), 2, ("........",) * 4 + ("########",) * 2, id="cut-at-the-edge"),
        pytest.param(((0.5, 0.5), (5.5, 5.5)), 1, ("#.......", ".#......", "..#.....", "...#....", "....#...", ".....#.."), id="a-slope"),
        pytest.param(((50, 50), (60, 60)), 3, ("........",) * 6, id="outside-the-photo"),
    ],
)
def test_brush(line_xy, width_px, expected):
    assert lines(brush_shape(line_xy, width_px, (6, 8))) == expected


@settings(max_examples=40, deadline=None)
@given(points(1, 4), WIDTHS)
def test_a_pixel_is_brushed_when_its_centre_is_within_half_the_width(line_xy, width_px):
    distance = distance_to_line(line_xy)
    brushed = whole(brush_shape(line_xy, width_px, SHAPE))
    assert brushed[distance < width_px / 2 - 1e-9].all()
    assert not brushed[distance > width_px / 2 + 0.02].any()


def test_a_very_long_stroke_is_exact_and_takes_no_detour():
    shape = brush_shape(((0.5, 10.5), (3999.5, 10.5)), 3, (40, 4000))
    assert shape.box_xyxy == (0, 9, 4000, 12)
    assert shape.mask.all()


def test_a_mask_lies_where_its_box_is():
    runs = MaskRuns((-1, 4, 2, 7), (1, 2, 1, 2, 1, 1, 1))
    assert lines(runs_shape(runs, (6, 8))) == ("........",) * 4 + ("##......",) * 2


def test_a_mask_larger_than_the_photo_is_refused():
    with pytest.raises(CorrectionError, match="3 x 3 pixels, more than the photo of 4 x 2"):
        runs_shape(MaskRuns((0, 0, 3, 3), (0, 9)), (2, 4))


@pytest.mark.parametrize(
    ("box", "expected"),
    [((1, 1, 3, 9), (1, 1, 3, 6)), ((-2, -2, 1, 1), (0, 0, 1, 1)), ((8, 0, 9, 1), (0, 0, 0, 0))],
    ids=["cut", "corner", "outside"],
)
def test_box(box, expected):
    assert box_shape(box, (6, 8)).box_xyxy == expected


def test_within_a_box_that_shares_nothing_there_is_nothing():
    assert not polygon_shape(square(0, 0, 2, 2), (6, 8)).within((4, 4, 6, 6)).any()
