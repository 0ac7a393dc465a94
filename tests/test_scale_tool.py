"""Scale arithmetic and its words; the tool on the page is tested in test_mosaics_page."""

import math

import numpy as np
import pytest

from tesserae.errors import TesseraeError
from tesserae.ui.scale_tool import describe_scale, is_too_coarse, mark_points, scale_from_points


@pytest.mark.parametrize(
    ("points", "length_mm", "mm_per_px"),
    [
        (((0, 0), (100, 0)), 50.0, 0.5),
        (((10, 10), (40, 50)), 100.0, 2.0),
        (((55.5, 3.0), (5.5, 3.0)), 10.0, 0.2),
    ],
    ids=["level", "slanting", "right to left"],
)
def test_scale_is_length_by_distance(points, length_mm, mm_per_px):
    assert scale_from_points(points, length_mm) == pytest.approx(mm_per_px)


@pytest.mark.parametrize("points", [(), ((1, 1),), ((1, 1), (1, 1)), ((1, 1), (1.5, 1))], ids=["none", "one", "same", "within a pixel"])
def test_a_scale_needs_two_points(points):
    with pytest.raises(TesseraeError, match="two different points"):
        scale_from_points(points, 10.0)


@pytest.mark.parametrize("length_mm", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_needs_a_length(length_mm):
    with pytest.raises(TesseraeError, match="length of the scale bar"):
        scale_from_points(((0, 0), (10, 0)), length_mm)


@pytest.mark.parametrize(
    ("mm_per_px", "words"),
    [
        (None, "No scale yet: sizes in millimetres stay blank until there is one."),
        (0.25, "0.25 mm per pixel; the photo shows 1 m by 50 cm."),
        (0.002, "0.002 mm per pixel; the photo shows 8 mm by 4 mm."),
    ],
)
def test_a_scale_is_put_into_words(mm_per_px, words):
    assert describe_scale(mm_per_px, (4000, 2000)) == words


@pytest.mark.parametrize(("mm_per_px", "coarse"), [(None, False), (0.4, False), (0.41, True)])
def test_small_tesserae_need_ten_pixels(mm_per_px, coarse):
    assert is_too_coarse(mm_per_px) is coarse


def test_marks_lie_where_the_points_are_in_the_part_shown():
    picture = np.full((100, 200, 3), 128, np.uint8)
    marked = mark_points(picture, ((60.0, 30.0), (1e12, 30.0)), (50.0, 20.0, 70.0, 40.0))
    assert (picture == 128).all()
    assert (marked[50, 100] == 255).all()
    assert (marked[50, 150] > 200).all()
    assert (marked[10, 10] == 128).all()


def test_one_point_has_no_line():
    marked = mark_points(np.full((100, 100, 3), 128, np.uint8), ((50.0, 50.0),), (0.0, 0.0, 100.0, 100.0))
    assert (marked[50, 50] == 255).all()
    assert (marked[50, 90] == 128).all()
