"""Splitting: along a line, at a neck, across the middle; and when it cannot be told where."""

import numpy as np
import pytest
from corrections_examples import corrected, rows, signs

from tesserae.corrections.operations import Split
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError


def split(*lines, line_xy=None, label=None):
    corrected_map = corrected(*lines)
    corrected_map.apply(Split(line_xy=line_xy, label=label))
    return signs(corrected_map)


@pytest.mark.parametrize(
    ("lines", "line_xy", "expected"),
    [
        pytest.param(("1111", "1111"), ((2.5, -1), (2.5, 3)), ("1111", "1111"), id="a-crumb-on-one-side"),
        pytest.param(("111111", "111111"), ((2.5, -1), (2.5, 3)), ("221111", "221111"), id="largest-keeps"),
        pytest.param(("11111111", "11111111"), ((2.5, -1), (2.5, 3), (5.5, 3), (5.5, -1)), ("22111333", "22111333"), id="in-three"),
        pytest.param(("11111", "11111", "11111", "11111"), ((-1, -1), (5, 5)), ("12222", "11222", "11122", "11112"), id="aslant"),
        pytest.param(("1111.2222",) * 4, ((-1, 1.5), (4.6, 1.5)), ("3333.2222", *("1111.2222",) * 3), id="what-the-line-does-not-cross"),
        pytest.param(("11111..11", "11111..11"), ((2.5, -1), (2.5, 3)), ("22111..33", "22111..33"), id="a-tessera-in-pieces"),
        pytest.param(("11111..1", "11111..1"), ((2.5, -1), (2.5, 3)), ("22111...", "22111..."), id="a-crumb-elsewhere-goes"),
    ],
)
def test_along_a_line(lines, line_xy, expected):
    if expected == lines:
        with pytest.raises(CorrectionError, match="does not part a tessera"):
            split(*lines, line_xy=line_xy)
    else:
        assert split(*lines, line_xy=line_xy) == expected


def test_at_a_neck():
    lines = (
        "11111...11111",
        "1111111111111",
        "1111111111111",
        "11111...11111",
        "11111...11111",
    )
    parted = split(*lines, label=1)
    assert {line[:5] for line in parted} == {"11111"}
    assert {line[8:] for line in parted} == {"22222"}


def test_two_deepest_of_three():
    y, x = np.mgrid[:40, :110]
    discs = [(18, 20, 17), (55, 20, 19), (92, 20, 18)]
    labels = np.any([(x - a) ** 2 + (y - b) ** 2 <= r**2 for a, b, r in discs], axis=0).astype(np.int32)
    labels[18:22, 20:90] = 1
    corrected_map = CorrectedMap.of(labels)
    assert corrected_map.apply(Split(label=1)).count_change == 1
    assert corrected_map.labels[20, 18] == corrected_map.labels[20, 55] != corrected_map.labels[20, 92]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(("11111111", "11111111"), ("11112222", "11112222"), id="level"),
        pytest.param(("11",) * 8, ("11",) * 4 + ("22",) * 4, id="upright"),
        pytest.param(("11111111",), ("11112222",), id="thin"),
        pytest.param(("111111111", "111111111"), ("111112222", "111112222"), id="odd"),
        pytest.param(("11..11", "11..11"), ("11..22", "11..22"), id="in-pieces-already"),
        pytest.param(("1..111111", "1..111111", "...111111"), ("...111222",) * 3, id="a-crumb-elsewhere-goes"),
    ],
)
def test_across(lines, expected):
    assert split(*lines, label=1) == expected


@pytest.mark.parametrize("lines", [("111", "111"), ("1111",) * 4, ("1",), ("1111111",)], ids=["small", "square", "one-pixel", "short"])
def test_refused(lines):
    with pytest.raises(CorrectionError, match="Where to split tessera 1 cannot be told"):
        split(*lines, label=1)


def test_a_split_fills_the_tessera():
    labels = np.repeat(np.repeat(rows("11111.11", "11111111", "11111.11"), 9, axis=0), 9, axis=1)
    for correction in (Split(label=1), Split(line_xy=((10, -5), (60, 40)))):
        corrected_map = CorrectedMap.of(labels)
        corrected_map.apply(correction)
        np.testing.assert_array_equal(corrected_map.labels > 0, labels > 0)
        assert corrected_map.count == 2
