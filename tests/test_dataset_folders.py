"""The dataset of a folder of images/ and masks/: the seed decides, the same file counts once, and masks are read as everywhere."""

import shutil

import numpy as np
import pytest
from dataset_examples import LABELS, picture, write_folder

from tesserae.dataset import read_folder
from tesserae.errors import AnnotationError, DatasetError, PhotoError
from tesserae.exporting import write_mask


def ids(dataset, split):
    return set(dataset.photo_ids(split))


def test_the_seed_decides_and_no_photo_is_on_two_sides(tmp_path):
    folder = write_folder(tmp_path, range(5))
    dataset = read_folder(folder, 1)
    assert [len(ids(dataset, split)) for split in ("train", "validation", "test")] == [3, 1, 1]
    assert len(ids(dataset, "train") | ids(dataset, "validation") | ids(dataset, "test")) == 5
    assert read_folder(folder, 1) == dataset
    assert len({read_folder(folder, seed).photo_ids("validation") for seed in range(6)}) > 1
    assert [part.name for part in dataset.parts] == [f"wall{seed}.png" for seed in range(5)]


def test_a_part_reads_photo_and_truth(tmp_path):
    part = read_folder(write_folder(tmp_path, range(3)), 0).parts[1]
    ground = part.read()
    np.testing.assert_array_equal(ground.image, picture(1))
    np.testing.assert_array_equal(ground.labels, LABELS)
    assert (ground.known.all(), part.count, part.annotation_id) == (True, 48, None)


def test_binary_masks_are_read_and_one_photo_is_cut(tmp_path):
    folder = write_folder(tmp_path, [0])
    (folder / "masks" / "wall0.tif").unlink()
    write_mask(folder / "masks" / "wall0.png", LABELS)
    dataset = read_folder(folder, 0)
    assert dataset.by_blocks
    assert dataset.tessera_count("train") + dataset.tessera_count("validation") > 40


def test_the_same_file_under_two_names_counts_once(tmp_path):
    folder = write_folder(tmp_path, range(3))
    for name in ("images/wall0.png", "masks/wall0.tif"):
        shutil.copy(folder / name, folder / name.replace("wall0", "zzz"))
    dataset = read_folder(folder, 0)
    assert len(dataset.parts) == 3
    assert dataset.notes[-1] == "zzz.png is the same file as wall0.png, and was left out."


def test_what_cannot_be_read_is_told(tmp_path):
    with pytest.raises(AnnotationError, match="Expected a folder"):
        read_folder(tmp_path, 0)
    folder = write_folder(tmp_path, [0], np.where(LABELS > 20, 0, LABELS).astype(np.int32))
    with pytest.raises(DatasetError, match="needs at least 24 approved tesserae"):
        read_folder(folder, 0)
    with pytest.raises(PhotoError, match="the limit is 100"):
        read_folder(folder, 0, max_pixels=100)
