"""Merging: what of the joint goes to the new tessera, which neighbours can be joined, and what is in the way."""

import pytest
from corrections_examples import corrected, signs

from tesserae.corrections.operations import Merge
from tesserae.errors import CorrectionError


def merged(*lines, labels=(1, 2)):
    corrected_map = corrected(*lines)
    corrected_map.apply(Merge(labels=labels))
    return signs(corrected_map)


@pytest.mark.parametrize(
    ("lines", "labels", "expected"),
    [
        pytest.param(("11.22", "11.22"), (1, 2), ("11111", "11111"), id="joint"),
        pytest.param(("1122", "1122", "...."), (1, 2), ("1111", "1111", "...."), id="touching"),
        pytest.param(("11.22", "11.22", "11222"), (1, 2), ("11111", "11111", "11111"), id="touching-in-part"),
        pytest.param(
            ("........", "111..222", "111..222", "111..222", "........"),
            (1, 2),
            ("........", "11111111", "11111111", "11111111", "........"),
            id="no-bulge",
        ),
        pytest.param(
            ("111.....", "111.....", "111.....", "........", ".....222", ".....222", ".....222"),
            (1, 2),
            ("111.....", "1111....", "111111..", ".111111.", "..111111", "....1111", ".....111"),
            id="corner-to-corner",
        ),
        pytest.param(("11??22", "11??22"), (1, 2), ("111111", "111111"), id="over-ignored-pixels"),
        pytest.param(("11.33.22", "11.33.22"), (1, 2, 3), ("11111111", "11111111"), id="nearest-first"),
        pytest.param(("22.11.22", "22.11.22"), (1, 2), ("11111111", "11111111"), id="a-tessera-in-pieces"),
        pytest.param(
            ("1111111", "1111111", "1.....1", "1.222.1", "1.....1", "1111111", "1111111"),
            (1, 2),
            ("1111111",) * 7,
            id="inside-a-ring",
        ),
        pytest.param(
            ("1111.....", "1111.3.22", "1111...22"),
            (1, 2),
            ("111111...", "111113111", "111111111"),
            id="around-a-stone-that-is-in-the-way",
        ),
    ],
)
def test_merged(lines, labels, expected):
    assert merged(*lines, labels=labels) == expected


@pytest.mark.parametrize(
    ("lines", "labels", "sentence"),
    [
        pytest.param(("11.3.22", "11.3.22"), (1, 2), "Tessera 2 cannot be joined to 1: the joint", id="a-stone-between"),
        pytest.param(("11......22", "11......22"), (1, 2), "Tessera 2 cannot be joined to 1", id="too-far"),
        pytest.param(("11.22......33", "11.22......33"), (3, 2, 1), "Tessera 3 cannot be joined to 1, 2", id="one-too-far"),
    ],
)
def test_refused(lines, labels, sentence):
    corrected_map = corrected(*lines)
    with pytest.raises(CorrectionError, match=sentence):
        corrected_map.apply(Merge(labels=labels))
    assert signs(corrected_map) == lines
