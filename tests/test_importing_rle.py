"""Run-length codes: literal texts, and runs that come back."""

import numpy as np
import pytest
from annotation_examples import LABEL_MAPS, drawn
from hypothesis import given, settings
from hypothesis import strategies as st

from tesserae.importing.rle import counts_of_mask, mask_of_counts, unpack_counts


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("", []),
        ("13", [1, 3]),
        ("`02", [16, 2]),  # 16 would be negative in one group
        ("Pm0", [29 * 32]),
        ("052N", [0, 5, 2, 3]),  # the fourth is 5 - 2
        ("1oN1`0", [1, -33, 1, -17]),
        ("PPP1", [1 << 15]),
    ],
)
def test_packed_texts(text, counts):
    assert unpack_counts(text) == counts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 1 << 26), max_size=20))
def test_packed_runs_come_back(counts):
    differences = [count - (counts[index - 2] if index > 2 else 0) for index, count in enumerate(counts)]
    assert unpack_counts("".join(map(packed, differences))) == counts


def packed(number):
    """One number as the format has it: five bits at a time, until what is left is only the sign of the last group."""
    groups = []
    while True:
        groups.append(number & 31)
        number >>= 5
        if number == (-1 if groups[-1] & 16 else 0):
            return "".join(chr(48 + group + (32 if rank + 1 < len(groups) else 0)) for rank, group in enumerate(groups))


def test_runs_go_down_the_columns():
    mask = mask_of_counts([1, 2, 1, 1, 7], (3, 4))
    assert (mask.origin_xy, mask.pixels.astype(int).tolist()) == ((0, 1), [[1, 1], [1, 0]])
    mask = mask_of_counts([7, 1, 4], (3, 4))
    assert (mask.origin_xy, mask.pixels.tolist(), mask.area_px) == ((2, 1), [[True]], 1)


@pytest.mark.parametrize("counts", [[12], [6, 0, 6], []], ids=["mortar", "a run of no length", "no photo"])
def test_runs_without_a_pixel(counts):
    assert mask_of_counts(counts, (3, 4) if counts else (0, 0)).area_px == 0


def test_runs_of_a_mask():
    assert counts_of_mask(drawn("11", "1.") > 0, (2, 1), (3, 4)) == [7, 2, 1, 1, 1]
    assert counts_of_mask(drawn("1") > 0, (0, 0), (3, 4)) == [0, 1, 11]
    assert counts_of_mask(drawn("1") > 0, (3, 2), (3, 4)) == [11, 1]


@settings(max_examples=60, deadline=None)
@given(LABEL_MAPS.filter(np.any))
def test_masks_come_back(labels):
    mask = labels > 0
    back = mask_of_counts(counts_of_mask(mask, (0, 0), mask.shape), mask.shape)
    rebuilt = np.zeros_like(mask)
    rebuilt[back.place] = back.pixels
    np.testing.assert_array_equal(rebuilt, mask)
