"""Segmentations: revisions, provenance, label maps and scores that come back, and files that are shared."""

import threading
from datetime import UTC

import numpy as np
import pytest
from conftest import three_tesserae
from store_examples import add_grey, all_mortar, files_of, provenance, segment

import tesserae
from tesserae.errors import LabelMapError, StoreError
from tesserae.store.jobs import queue_job
from tesserae.store.photos import delete_photo
from tesserae.store.segmentations import (
    Scores,
    add_segmentation,
    delete_segmentation,
    get_segmentation,
    latest_segmentation,
    list_segmentations,
    read_labels,
    read_scores,
)

pytest_plugins = "store_fixtures"


def test_a_segmentation_comes_back_with_its_provenance(store):
    photo = add_grey(store)
    found = segment(store, photo)
    facts = provenance()
    assert (found.photo_id, found.count, found.revision) == (photo.id, 3, 1)
    assert (found.checkpoint, found.checkpoint_sha256, found.options) == ("tesserae_mini", "c" * 64, facts.options)
    assert (found.decode, found.decode_agreement, found.device, found.dtype) == ("window", 0.97, "cpu", "float32")
    assert (found.median_side_px, found.stages_s, found.elapsed_s) == (10.0, facts.stages_s, 0.75)
    assert (found.warnings, found.job_id, found.program_version) == (("Too coarse.",), None, tesserae.__version__)
    assert found.created_at.tzinfo is UTC
    assert get_segmentation(store, found.id) == found
    labels = read_labels(store, found)
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, three_tesserae())
    assert read_scores(store, found) == Scores({1: 0.9, 7: 0.5}, {2: 0.25})


def test_scores_may_be_numpy_figures_or_none_at_all(store):
    photo = add_grey(store)
    scores = Scores({np.int32(1): np.float32(0.5)}, {1: float("nan")})
    assert read_scores(store, add_segmentation(store, photo.id, three_tesserae(), scores, provenance())) == Scores({1: 0.5})
    assert read_scores(store, add_segmentation(store, photo.id, three_tesserae(), Scores(), provenance())) == Scores()


def test_missing_figures_are_none(store):
    found = segment(store, add_grey(store), all_mortar(), median_side_px=float("nan"), decode_agreement=None)
    assert (found.count, found.median_side_px, found.decode_agreement) == (0, None, None)
    assert get_segmentation(store, found.id) == found


def test_revisions_are_counted_per_photo_checkpoint_and_options(store):
    photo, other = add_grey(store, 1), add_grey(store, 2)
    made = [
        segment(store, photo),
        segment(store, photo, all_mortar()),
        segment(store, photo, checkpoint_sha256="d" * 64),
        segment(store, photo, options={"prompts": "grid", "cells": (2, 3)}),
        segment(store, other),
    ]
    assert [each.revision for each in made] == [1, 2, 1, 1, 1]
    assert list_segmentations(store, photo.id) == made[3::-1]
    assert list_segmentations(store, "unknown") == []
    assert latest_segmentation(store, photo.id, "c" * 64, {"cells": None, "prompts": "finder"}) == made[1]
    assert latest_segmentation(store, photo.id, "c" * 64, {"cells": [2, 3], "prompts": "grid"}) == made[3]
    assert latest_segmentation(store, photo.id, "c" * 64, {}) is None
    assert latest_segmentation(store, other.id, "d" * 64, provenance().options) is None


def test_revisions_made_at_once_all_count(store):
    photo = add_grey(store)
    threads = [threading.Thread(target=segment, args=(store, photo)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(each.revision for each in list_segmentations(store, photo.id)) == [1, 2, 3, 4]


def test_a_job_that_runs_again_adds_nothing_twice(store):
    photo, job = add_grey(store), queue_job(store, "segment", {})
    first = segment(store, photo, job_id=job.id)
    assert segment(store, photo, job_id=job.id) == first
    assert segment(store, photo, all_mortar(), job_id=job.id) == first
    assert files_of(store) == sorted([photo.file, first.file])
    second = segment(store, photo, job_id=queue_job(store, "segment", {"again": True}).id)
    assert (second.revision, second.file) == (2, first.file)


def test_a_shared_file_stays_until_its_last_segmentation_goes(store):
    photo = add_grey(store)
    first, second = segment(store, photo), segment(store, photo)
    assert first.file == second.file
    delete_segmentation(store, first.id)
    np.testing.assert_array_equal(read_labels(store, second), three_tesserae())
    delete_segmentation(store, second.id)
    assert files_of(store) == [photo.file]


def test_a_segmentation_that_is_gone_is_told(store):
    gone = segment(store, add_grey(store))
    delete_segmentation(store, gone.id)
    for ask in (get_segmentation, delete_segmentation):
        with pytest.raises(StoreError, match=f"no segmentation {gone.id[:12]}; it may have been deleted"):
            ask(store, gone.id)
    with pytest.raises(StoreError, match="no segmentation"):
        read_scores(store, gone)
    with pytest.raises(LabelMapError, match="no label map"):
        read_labels(store, gone)


def test_a_photo_that_is_gone_takes_no_segmentation(store):
    photo = add_grey(store)
    delete_photo(store, photo.id)
    with pytest.raises(StoreError, match="no photo"):
        segment(store, photo)
    assert files_of(store) == []


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((60, 40), np.int32), r"Expected a label map of 60 x 40 pixels, the size of “wall\.png”, found 40 x 60"),
        (np.zeros((40, 60)), "whole numbers"),
    ],
    ids=["size", "type"],
)
def test_what_is_no_label_map_of_this_photo_is_refused(labels, sentence, sqlite_store):
    photo = add_grey(sqlite_store)
    with pytest.raises(LabelMapError, match=sentence):
        segment(sqlite_store, photo, labels)
    assert files_of(sqlite_store) == [photo.file]
