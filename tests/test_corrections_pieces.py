"""Which piece of a tessera keeps the number, which get new ones, and what is too small."""

import numpy as np
import pytest
from corrections_examples import rows

from tesserae.corrections.ground import Numbers, Work
from tesserae.corrections.pieces import count_parts, keep_connected, parts_of, stones_of


def kept(before, after, labels, next_label=5):
    """Lines after `labels` were looked at, and the next number."""
    work = Work((0, 0, before.shape[1], before.shape[0]), before, after.copy())
    numbers = Numbers(next_label)
    keep_connected(work, dict.fromkeys(labels, work.box_xyxy), numbers)
    return work.after.tolist(), numbers.next


@pytest.mark.parametrize(
    ("before", "after", "expected", "next_label"),
    [
        pytest.param(rows("1111111", "1111111"), rows("11.1111", "11.1111"), rows("55.1111", "55.1111"), 6, id="largest-keeps"),
        pytest.param(rows("1111111", "1111111"), rows("1.11.11", "1.11.11"), rows("..11.55", "..11.55"), 6, id="equal-the-first-keeps"),
        pytest.param(
            rows("1111111", "1111111", "1111111"),
            rows("11.1111", "11.....", "...1111"),
            rows("11.5555", "11.....", "...6666"),
            7,
            id="new-numbers-in-reading-order",
        ),
        pytest.param(rows("11.....", "11....."), rows("11..111", "11..111"), rows("11..555", "11..555"), 6, id="former-pixels-keep"),
        pytest.param(rows("1111"), rows("111."), rows("...."), 5, id="crumbs-go"),
        pytest.param(rows("1.11", "1.11"), rows("1.11", "1.11"), rows("1.11", "1.11"), 5, id="untouched-in-pieces"),
        pytest.param(
            rows("11...", "11...", "..11.", "..11."),
            rows("11...", "1....", "..11.", "..11."),
            rows(".....", ".....", "..11.", "..11."),
            5,
            id="corners-do-not-join",
        ),
    ],
)  # fmt: skip
def test_pieces(before, after, expected, next_label):
    assert kept(before, after, [1]) == (expected.tolist(), next_label)


def test_tesserae_are_looked_at_in_order_of_number():
    before = rows("2222222222", "2222222222", "1111111111", "1111111111")
    after = before.copy()
    after[:, 5] = 0
    assert kept(before, after, [2, 1])[0] == rows("22222.6666", "22222.6666", "11111.5555", "11111.5555").tolist()


def test_parts_and_stones():
    mask = rows("11..1", "11...") > 0
    parts, areas = parts_of(mask)
    assert (areas.tolist(), count_parts(parts)) == ([5, 4, 1], 2)
    assert count_parts(stones_of(mask)) == 1
    assert count_parts(stones_of(np.ones((2, 2), bool))) == 1
