"""Datasets: what each side holds, the fingerprint, and that no pixel is ever on two sides."""

import re
from dataclasses import replace

import numpy as np
import pytest
from annotation_examples import drawn

from tesserae.dataset.ground import Ground
from tesserae.dataset.parts import Dataset, Part
from tesserae.errors import DatasetError

LABELS = drawn("11.22.", "11.22.")


def part(photo_id="a", split="train", box_xyxy=(0, 0, 6, 2), count=2, truth_id="t"):
    ground = Ground(np.zeros((2, 6, 3), np.uint8), LABELS, np.ones((2, 6), bool))
    return Part(photo_id, f"{photo_id}.jpg", split, box_xyxy, count, None, truth_id, lambda: ground)


def test_each_side_has_its_parts_photos_and_tesserae():
    parts = part(), part(box_xyxy=(0, 0, 2, 2), count=1), part("b"), part("c", "test", count=7)
    dataset = Dataset(parts)
    assert dataset.of_split("train") == parts[:3]
    assert [dataset.photo_ids(split) for split in ("train", "validation", "test")] == [("a", "b"), (), ("c",)]
    assert [dataset.tessera_count(split) for split in ("train", "validation", "test")] == [5, 0, 7]


def test_a_part_reads_its_box_only():
    np.testing.assert_array_equal(part(box_xyxy=(0, 0, 2, 2)).read().labels, drawn("11", "11"))


@pytest.mark.parametrize(
    ("box_xyxy", "photo_id", "leaks"),
    [
        pytest.param((0, 0, 6, 2), "a", True, id="same-box"),
        pytest.param((2, 0, 6, 2), "a", True, id="one-column-shared"),
        pytest.param((3, 0, 6, 2), "a", False, id="beside"),
        pytest.param((0, 0, 6, 2), "b", False, id="another-photo"),
    ],
)
def test_a_pixel_on_two_sides_is_refused(box_xyxy, photo_id, leaks):
    parts = part(box_xyxy=(0, 0, 3, 2)), part(photo_id, "validation", box_xyxy)
    if not leaks:
        assert Dataset(parts).parts == parts
        return
    with pytest.raises(DatasetError, match=re.escape("every pixel of a.jpg on one side of the split, found some for train and")):
        Dataset(parts)


def test_the_fingerprint_follows_what_is_learned_from_and_nothing_else():
    a, b = part(), part("b", "validation")
    first = Dataset((a, b)).fingerprint
    assert Dataset((b, replace(a, name="other", annotation_id="x")), notes=("Said.",)).fingerprint == first
    changed = [replace(a, truth_id="u"), replace(a, box_xyxy=(0, 0, 5, 2)), replace(a, split="test"), replace(a, photo_id="z")]
    assert len({first, *(Dataset((each, b)).fingerprint for each in changed)}) == 5
