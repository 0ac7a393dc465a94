"""Training crops and the pool they are cut from."""

import math
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from scipy import ndimage

from tesserae.finder import SIDE_UNIT_PX
from tesserae.pretraining import pool
from tesserae.pretraining.crops import MIN_TARGET_AREA_PX, draw_crop, draw_side_px, finder_targets, split_touching
from tesserae.pretraining.pool import PoolItem, read_pool_item, render_pool


def chessboard(count, side, joint):
    """`count` x `count` bright tesserae of `side` pixels, `joint` apart, and the picture of them."""
    pitch = side + joint
    labels = np.zeros((count * pitch, count * pitch), np.int32)
    for number in range(count * count):
        row, column = divmod(number, count)
        top, left = row * pitch + joint // 2, column * pitch + joint // 2
        labels[top : top + side, left : left + side] = number + 1
    image = np.where(labels[..., None] > 0, 220, 30).astype(np.uint8).repeat(3, axis=2)
    return PoolItem(image, labels, float(side))


def assert_connected_and_complete(labels):
    """Numbered 1..N, each 4-connected."""
    numbers = np.unique(labels[labels > 0])
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    for number in numbers:
        assert ndimage.label(labels == number)[1] == 1


@pytest.mark.parametrize("side_px", [12.0, 20.0, 44.0], ids=["shrunk", "same", "enlarged"])
def test_a_crop_has_the_size_and_the_scale_that_was_asked(side_px):
    crop = draw_crop(chessboard(12, 20, 4), 128, np.random.default_rng(1), side_px=side_px)
    assert crop.image.shape == (128, 128, 3)
    assert crop.labels.shape == (128, 128)
    assert (crop.image.dtype, crop.labels.dtype) == (np.uint8, np.int32)
    assert crop.image.flags.c_contiguous
    assert_connected_and_complete(crop.labels)
    whole = np.bincount(crop.labels.ravel())[1:].max()
    assert math.sqrt(whole) == pytest.approx(side_px, abs=1.1)


@pytest.mark.parametrize("seed", range(8))
def test_picture_and_labels_are_turned_alike(seed):
    item = chessboard(8, 16, 4)
    one_corner = np.where(item.labels == 1, 0, item.labels).astype(np.int32)
    item = PoolItem(np.where(one_corner[..., None] > 0, item.image, 30).astype(np.uint8), one_corner, item.side_px)
    crop = draw_crop(item, 96, np.random.default_rng(seed), side_px=16.0)
    grey = crop.image.astype(float).mean(2)
    inside = ndimage.binary_erosion(crop.labels > 0, iterations=2)
    outside = ndimage.binary_erosion(crop.labels == 0)
    assert grey[inside].min() > grey[outside].max()


def test_a_mosaic_smaller_than_the_crop_is_continued_by_its_mirror_image():
    item = chessboard(3, 16, 4)
    crop = draw_crop(item, 200, np.random.default_rng(0), side_px=16.0)
    assert_connected_and_complete(crop.labels)
    assert crop.labels.max() >= 80  # ten by ten, of which some at the mirrors are joined
    assert (crop.labels > 0).mean() == pytest.approx((item.labels > 0).mean(), abs=0.05)


def test_crops_depend_on_the_seed_only():
    item = chessboard(12, 20, 4)
    first, again, other = (draw_crop(item, 96, np.random.default_rng(seed), side_px=24.0) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.image != other.image).any()


def test_drawn_sides_stay_in_their_range():
    rng = np.random.default_rng(0)
    sides = np.array([draw_side_px(rng) for _ in range(500)])
    assert 8 <= sides.min() < 11
    assert 26 < sides.max() <= 50
    assert ((sides >= 11) & (sides <= 26)).mean() > 0.8


def test_split_touching_numbers_the_parts_of_one_label():
    labels = np.zeros((8, 12), np.int32)
    labels[1:5, 1:4], labels[1:5, 4:8], labels[4:7, 9:12] = 5, 9, 5  # 5 and 9 touch; 5 has two parts
    parts = split_touching(labels)
    assert parts.dtype == np.int32
    np.testing.assert_array_equal(parts > 0, labels > 0)
    assert sorted(np.unique(parts[parts > 0])) == [1, 2, 3]
    assert [len(np.unique(parts[box])) for box in (np.s_[1:5, 1:4], np.s_[1:5, 4:8], np.s_[4:7, 9:12])] == [1, 1, 1]


def test_split_touching_does_not_reach_around_the_picture():
    labels = np.zeros((6, 12), np.int32)
    labels[1:5, :1] = labels[1:5, 8:] = 3  # a sliver at the left edge, a tessera at the right one, of one label
    parts = split_touching(labels)
    assert (parts[1:5, 0] == 1).all()
    assert (parts[1:5, 8:] == 2).all()


def nine_and_a_speck():
    labels = np.zeros((30, 30), np.int32)
    labels[4:13, 5:14] = 1  # whole, nine by nine
    labels[20:30, 20:30] = 2  # cut by the edge
    labels[20:23, 5:8] = 3  # a speck
    return labels


def test_finder_targets_by_hand():
    labels = nine_and_a_speck()
    targets = finder_targets(labels)
    for field in (targets.interior, targets.distance, targets.log_side, targets.side_known, targets.weight):
        assert field.shape == labels.shape
        assert field.dtype == np.float32
    assert targets.interior[labels > 0].all()  # beside mortar nothing is taken away
    assert targets.distance[labels == 1].max() == 1.0
    assert targets.distance[4, 5] == pytest.approx(0.2, abs=0.02)  # one of five
    assert not targets.distance[targets.interior == 0].any()
    np.testing.assert_array_equal(targets.side_known, labels == 1)
    assert np.unique(targets.log_side[labels == 1]).tolist() == pytest.approx([math.log2(9 / SIDE_UNIT_PX)])
    assert not targets.log_side[labels != 1].any()
    assert targets.weight[8, 8] == 1.0  # middle of a tessera
    assert targets.weight[4, 8] == 2.0  # at the joint
    assert targets.weight[1, 1] == 2.0  # mortar
    assert not targets.weight[labels == 3].any()


def test_the_speck_is_one_by_its_area():
    assert np.count_nonzero(nine_and_a_speck() == 3) < MIN_TARGET_AREA_PX


def test_targets_of_mortar_alone():
    targets = finder_targets(np.zeros((8, 8), np.int32))
    assert not targets.interior.any()
    assert not targets.side_known.any()
    assert (targets.weight == 2.0).all()


@pytest.fixture
def small_pool(monkeypatch):
    """The pool renders small mosaics, and in a thread instead of processes."""
    monkeypatch.setattr(pool, "_SIZE_RANGE_PX", (48, 64))
    monkeypatch.setattr(pool, "SIDE_RANGE_PX", (20.0, 24.0))
    monkeypatch.setattr(pool, "ProcessPoolExecutor", ThreadPoolExecutor)
    threads = cv2.getNumThreads()
    yield
    cv2.setNumThreads(threads)


def test_a_pool_is_rendered_once_and_picked_up_where_it_stopped(tmp_path, small_pool):
    folder = tmp_path / "work" / "pool"
    seen = []
    paths = render_pool(folder, 2, 1, lambda done, count: seen.append((done, count)))
    assert [path.name for path in paths] == [f"{pool.FIRST_SEED}.npz", f"{pool.FIRST_SEED + 1}.npz"]
    assert seen == [(1, 2), (2, 2)]
    written_ns = paths[0].stat().st_mtime_ns
    paths[1].unlink()
    seen.clear()
    assert render_pool(folder, 2, 1, lambda done, count: seen.append((done, count))) == paths
    assert seen == [(2, 2)]
    assert paths[0].stat().st_mtime_ns == written_ns
    assert sorted(entry.name for entry in folder.iterdir()) == [path.name for path in paths]
    items = [read_pool_item(path) for path in paths]
    for item in items:
        assert item.image.shape == (64, 64, 3)
        assert (item.image.dtype, item.labels.dtype) == (np.uint8, np.int32)
        assert item.labels.shape == (64, 64)
        assert item.side_px == pytest.approx(np.median(np.sqrt(np.bincount(item.labels.ravel())[1:])))
    assert (items[0].image != items[1].image).any()


def test_a_pool_mosaic_is_the_one_of_its_seed(tmp_path, small_pool):
    from tesserae.synthetic import render_mosaic

    (path,) = render_pool(tmp_path, 1, 1, lambda done, count: None)
    item = read_pool_item(path)
    with np.load(path) as stored:
        assert stored["labels"].dtype == np.int16
    seed = pool.FIRST_SEED
    side_px = pool.log_uniform(20.0, 24.0, np.random.default_rng([seed, 1]))
    mosaic = render_mosaic(seed, 64, side_px)
    assert item.side_px == pytest.approx(mosaic.side_px)
    np.testing.assert_array_equal(item.image, mosaic.image)
    np.testing.assert_array_equal(item.labels, mosaic.labels)
