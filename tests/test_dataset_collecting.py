"""The dataset of a collection: what is approved and in force, where it is known, and that no side sees the other's photos."""

import itertools

import numpy as np
import pytest
from dataset_examples import LABELS, approve, approved_mosaic, picture

from tesserae.corrections.log import Entry, Undo
from tesserae.dataset import collect_dataset
from tesserae.errors import DatasetError
from tesserae.labelmap import present_labels
from tesserae.settings import Settings
from tesserae.store.annotations import latest_annotation, turn_approval

pytest_plugins = "store_fixtures"

SETTINGS = Settings()
LEFT = ((0.0, 0.0), (72.0, 0.0), (72.0, 48.0), (0.0, 48.0))  # six columns of four


def collect(store):
    return collect_dataset(store, SETTINGS)


def sides(dataset):
    return {split: dataset.photo_ids(split) for split in ("train", "validation", "test")}


def test_three_mosaics_are_kept_apart_whole(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(3)]
    dataset = collect(sqlite_store)
    assert sides(dataset) == {"train": (photos[0].id, photos[1].id), "validation": (photos[2].id,), "test": ()}
    assert (dataset.by_blocks, dataset.tessera_count("train")) == (False, 96)
    assert dataset.notes[0] == "Split by mosaic: 2 photos to learn from, 1 to check on, 0 to test on."
    ground = dataset.of_split("validation")[0].read()
    np.testing.assert_array_equal(ground.image, picture(2))
    np.testing.assert_array_equal(ground.labels, LABELS)
    assert ground.known.all()


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_mosaics_are_cut_into_blocks_that_share_nothing(sqlite_store, count):
    for seed in range(count):
        approved_mosaic(sqlite_store, seed)
    dataset = collect(sqlite_store)
    assert dataset.by_blocks
    assert dataset.notes[1] == f"{3 - count} more mosaic{'s'[: 2 - count]} and the model can be judged on one that it has not seen."
    train, validation = dataset.of_split("train"), dataset.of_split("validation")
    assert (len(train), len(validation), dataset.photo_ids("train")) == (count, count, dataset.photo_ids("validation"))
    assert dataset.tessera_count("train") == pytest.approx(3 * dataset.tessera_count("validation"), rel=0.2)
    for one, other in itertools.product(train, validation):
        if one.photo_id == other.photo_id:
            assert other.box_xyxy[0] - one.box_xyxy[2] == 16
            seen = [present_labels(part.read().labels).tolist() for part in (one, other)]
            assert not set(seen[0]) & set(seen[1])
            assert [len(labels) for labels in seen] == [one.count, other.count]


def test_only_what_is_in_force_counts_and_a_later_revision_takes_its_place(sqlite_store):
    photos = [approved_mosaic(sqlite_store, seed) for seed in range(4)]
    before = collect(sqlite_store).fingerprint
    gone = latest_annotation(sqlite_store, photos[3].id)
    turn_approval(sqlite_store, gone.draft_id, 1, Entry(Undo(), "Ben"), gone.number, withdrawn=True)
    fewer = np.where(LABELS > 12, 0, LABELS).astype(np.int32)
    later = approve(sqlite_store, photos[0], fewer)
    dataset = collect(sqlite_store)
    assert [part.photo_id for part in dataset.parts] == [photo.id for photo in photos[:3]]
    assert (dataset.parts[0].annotation_id, dataset.parts[0].count) == (later.id, 12)
    assert dataset.fingerprint != before


def test_regions_and_ignored_pixels_are_not_known(sqlite_store):
    ignored = np.zeros(LABELS.shape, bool)
    ignored[:2] = True
    for seed in range(3):
        approved_mosaic(sqlite_store, seed, ignored=ignored, region=(LEFT,), count=24)
    ground = collect(sqlite_store).parts[0].read()
    assert present_labels(ground.labels).tolist() == [row * 12 + column + 1 for row in range(4) for column in range(6)]
    assert ground.known[2:, :72].all()
    assert not ground.known[:2].any()
    assert not ground.known[:, 72:].any()


def test_nothing_approved_is_told(sqlite_store):
    with pytest.raises(DatasetError, match=r"Expected approved tesserae to learn from, found none\. Open a mosaic"):
        collect(sqlite_store)


def test_too_few_tesserae_of_one_mosaic_are_told(sqlite_store):
    approved_mosaic(sqlite_store, 0, np.where(LABELS > 20, 0, LABELS).astype(np.int32))
    with pytest.raises(DatasetError, match=r"at least 24 approved tesserae, .*found 20 tesserae\. Approve more of it, or 3 mosaics"):
        collect(sqlite_store)


def test_a_validation_mosaic_without_tesserae_is_told(sqlite_store):
    for seed in range(3):
        approved_mosaic(sqlite_store, seed, LABELS if seed < 2 else np.zeros_like(LABELS))
    with pytest.raises(DatasetError, match="Expected approved tesserae to check on, found none in the split validation"):
        collect(sqlite_store)
