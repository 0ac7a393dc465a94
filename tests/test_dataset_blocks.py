"""Blocks of one mosaic: about a quarter to check on, and a strip between in which no tessera is on both sides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mosaic_examples import lay

from tesserae.dataset.blocks import cut_blocks
from tesserae.dataset.ground import Ground, crop_ground, limit_truth
from tesserae.labelmap import present_labels


def cut(labels, known=None):
    known = np.ones(labels.shape, bool) if known is None else known
    return cut_blocks(*limit_truth(labels, known))


def test_a_wide_mosaic_is_cut_upright_with_two_sides_between():
    blocks = cut(lay(3, 20))  # tesserae of 8 px, one every 12
    assert (blocks.train_count, blocks.validation_count) == (42, 15)
    assert blocks.train_xyxy[:2] == (0, 0)
    assert blocks.validation_xyxy[2:] == (240, 36)
    assert blocks.validation_xyxy[0] - blocks.train_xyxy[2] == 16


def test_a_high_mosaic_is_cut_across():
    blocks = cut(lay(20, 3))
    assert (blocks.train_count, blocks.validation_count) == (42, 15)
    assert (blocks.train_xyxy[2], blocks.validation_xyxy[2], blocks.validation_xyxy[3]) == (36, 36, 240)
    assert blocks.validation_xyxy[1] - blocks.train_xyxy[3] == 16


def test_what_is_known_decides_which_side_is_the_longer():
    known = np.zeros((120, 240), bool)
    known[:, :60] = True  # ten rows of five
    blocks = cut(lay(10, 20), known)
    assert blocks.validation_xyxy[1] > 0
    assert blocks.train_count + blocks.validation_count <= 50


@pytest.mark.parametrize(
    ("labels", "known"),
    [
        pytest.param(np.zeros((20, 20), np.int32), None, id="no-tesserae"),
        pytest.param(lay(2, 11), None, id="too-few"),
        pytest.param(lay(3, 20), np.zeros((36, 240), bool), id="none-known"),
        pytest.param(lay(5, 5)[:, 10:14].repeat(2, axis=1), None, id="too-narrow"),
        pytest.param(np.arange(30, dtype=np.int32).reshape(1, 30), None, id="guard-takes-all-but-some"),
    ],
)
def test_what_is_too_small_is_not_cut(labels, known):
    blocks = cut(labels, known)
    assert blocks is None or (blocks.train_count and blocks.validation_count)


@settings(max_examples=40, deadline=None)
@given(st.integers(3, 7), st.integers(5, 14), st.integers(3, 9), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_blocks_share_no_pixel_and_no_tessera(rows, columns, side, joint, seed):
    rng = np.random.default_rng(seed)
    labels = lay(rows, columns, side, joint)
    labels[np.isin(labels, rng.permutation(rows * columns)[: rows * columns // 4] + 1)] = 0
    known = np.ones(labels.shape, bool)
    known[: rng.integers(0, labels.shape[0] // 2), : rng.integers(0, labels.shape[1] // 2)] = False
    blocks = cut(labels, known)
    if blocks is None:
        return
    (_, _, x1, y1), (x0, y0, _, _) = blocks.train_xyxy, blocks.validation_xyxy
    assert max(x0 - x1, y0 - y1) >= 2 * side
    ground = Ground(np.zeros((*labels.shape, 3), np.uint8), *limit_truth(labels, known))
    train, validation = (present_labels(crop_ground(ground, box).labels) for box in (blocks.train_xyxy, blocks.validation_xyxy))
    assert not set(train.tolist()) & set(validation.tolist())
    assert (len(train), len(validation)) == (blocks.train_count, blocks.validation_count)
    assert len(validation) < len(train)
