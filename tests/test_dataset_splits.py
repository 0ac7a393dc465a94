"""Splits: how many mosaics go where, what was decided stays, and what shows the same is never parted."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tesserae.dataset.splits import assign_splits


def singles(count):
    return [[str(number)] for number in range(count)]


@pytest.mark.parametrize(
    ("count", "shares"),
    [
        pytest.param(0, (0, 0, 0), id="none"),
        pytest.param(1, (1, 0, 0), id="one"),
        pytest.param(2, (2, 0, 0), id="two"),
        pytest.param(3, (2, 1, 0), id="three"),
        pytest.param(4, (3, 1, 0), id="four"),
        pytest.param(5, (3, 1, 1), id="five"),
        pytest.param(10, (7, 2, 1), id="ten"),
        pytest.param(40, (28, 6, 6), id="forty"),
    ],
)
def test_shares(count, shares):
    found = Counter(assign_splits(singles(count), {}).values())
    assert tuple(found[split] for split in ("train", "validation", "test")) == shares


def test_the_first_two_are_learned_from():
    splits = assign_splits(singles(9), {})
    assert splits["0"] == splits["1"] == "train"


def test_what_was_decided_stays_and_what_is_new_goes_where_it_lacks():
    decided = {"0": "test", "1": "train", "2": "train"}
    assert assign_splits(singles(4), decided) == decided | {"3": "validation"}


@pytest.mark.parametrize(
    ("decided", "split"),
    [
        pytest.param({"b": "test"}, "test", id="follows-the-one-decided"),
        pytest.param({"a": "validation", "b": "test"}, "validation", id="validation-over-test"),
        pytest.param({"a": "test", "b": "train"}, "train", id="train-over-all"),
    ],
)
def test_what_shows_the_same_goes_together(decided, split):
    assert assign_splits([["x"], ["a", "b", "c"]], decided) == {"x": "train"} | dict.fromkeys("abc", split)


@given(st.lists(st.integers(1, 3), max_size=12), st.data())
def test_a_group_is_never_parted_and_a_decision_never_turned(sizes, data):
    groups = [[f"{number}-{index}" for index in range(size)] for number, size in enumerate(sizes)]
    ids = [photo_id for group in groups for photo_id in group]
    decided = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(["train", "validation", "test"]))) if ids else {}
    splits = assign_splits(groups, decided)
    assert splits.keys() == set(ids)
    assert all(len({splits[photo_id] for photo_id in group}) == 1 for group in groups)
    alone = {group[0] for group in groups if len(group) == 1}
    assert all(splits[photo_id] == split for photo_id, split in decided.items() if photo_id in alone)
    assert assign_splits(groups, splits) == splits
