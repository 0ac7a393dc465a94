"""What a segmentation job stores and returns, with a model that answers at once."""

import pytest
from conftest import FakeModel, save_grey

import tesserae
from tesserae.errors import CheckpointError, StoreError
from tesserae.jobs.orders import SEGMENT, revision_options, segment_arguments
from tesserae.jobs.work import do_job
from tesserae.options import RunOptions, SegmentOptions
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.checkpoints import list_seen_checkpoints
from tesserae.store.jobs import claim_next, finish_job, queue_job
from tesserae.store.photos import add_photo, delete_photo, facts_of
from tesserae.store.segmentations import get_segmentation, list_segmentations, read_labels, read_scores
from tesserae.tilecache import open_cache

MINI, OTHER = RunOptions(), RunOptions(checkpoint="other")


class RememberingModel(FakeModel):
    """As the fake, and notes what it was given to remember with."""

    def __call__(self, image, checkpoint, options, *, memory=None, **given):
        self.memory = memory
        return super().__call__(image, checkpoint, options, **given)


@pytest.fixture
def model(monkeypatch):
    model = RememberingModel()
    monkeypatch.setattr("tesserae.service.segment_photo", model)
    return model


@pytest.fixture
def settings(tmp_path, weights_dir):
    """Two checkpoints whose content does not matter here."""
    (weights_dir / "tesserae_mini.pt").write_bytes(b"mini")
    (weights_dir / "other.pt").write_bytes(b"other")
    (weights_dir / "other.json").write_text('{"config": "tesserae_mini"}')
    return Settings(home=tmp_path / "home", database_url=None)


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture
def photo(store, tmp_path):
    path = save_grey(tmp_path / "wall.png")
    return add_photo(store, path, path.name, facts_of(read_photo(path, max_pixels=Settings().max_pixels)))


def run(store, settings, photo, *runs, heard=None):
    queue_job(store, SEGMENT, segment_arguments(photo.id, list(runs)))
    job = claim_next(store, "here")
    said = [] if heard is None else heard
    result = do_job(store, settings, job, lambda share, stage: said.append((share, stage)))
    finish_job(store, job, result)
    return job, [get_segmentation(store, each) for each in result["segmentations"]], result["counts"]


def test_each_checkpoint_gives_a_segmentation_with_its_provenance(model, store, settings, photo):
    model.warnings = ("Look.",)
    heard = []
    options = RunOptions(segment=SegmentOptions(prompts="grid", cells=(2, 3)), device="cpu", threads=1)
    job, (mini, other), counts = run(store, settings, photo, options, OTHER, heard=heard)
    assert (counts, mini.count, mini.checkpoint, other.checkpoint) == ([3, 3], 3, "tesserae_mini", "other")
    assert (mini.job_id, mini.device, mini.decode, mini.warnings) == (job.id, "cpu", "window", ("Look.",))
    assert mini.options == {"prompts": "grid", "cells": [2, 3], "decode": "auto", "fast": False, "tessera_px": None}
    assert int(read_labels(store, mini).max()) == 7
    assert read_scores(store, mini).predicted_iou[1] == 0.9
    assert heard == [(0.25, "tesserae_mini: segment"), (0.75, "other: segment")]
    assert (model.memory.photo_id, model.memory.cache) == (photo.id, open_cache(settings))
    assert [seen.name for seen in list_seen_checkpoints(store)] == ["tesserae_mini", "other"]


def test_what_was_run_before_is_not_run_again_whatever_the_device(model, store, settings, photo):
    _, (first,), _ = run(store, settings, photo, MINI)
    _, (again, other), counts = run(store, settings, photo, RunOptions(device="cpu", threads=1), OTHER)
    assert (again, counts, len(model.calls)) == (first, [3, 3], 2)
    assert other.id != first.id


@pytest.mark.parametrize("change", ["options", "file", "program"])
def test_it_is_run_again_when_something_changed(change, model, store, settings, photo, monkeypatch):
    _, (first,), _ = run(store, settings, photo, MINI)
    options = RunOptions(segment=SegmentOptions(fast=True)) if change == "options" else MINI
    if change == "file":
        (settings.weights / "tesserae_mini.pt").write_bytes(b"better")
    if change == "program":
        monkeypatch.setattr(tesserae, "__version__", "99.0")
    _, (second,), _ = run(store, settings, photo, options)
    assert len(model.calls) == 2
    assert {each.id for each in list_segmentations(store, photo.id)} == {first.id, second.id}


def test_options_of_a_revision_are_those_that_change_the_result():
    assert revision_options(RunOptions("a", device="cpu", threads=1)) == revision_options(RunOptions("b"))
    assert revision_options(RunOptions(segment=SegmentOptions(tessera_px=12.5))) != revision_options(RunOptions())


def test_a_checkpoint_that_is_not_here_is_told_with_what_to_do(model, store, settings, photo):
    with pytest.raises(CheckpointError, match="sam2_hiera_tiny is not installed; it is a download of"):
        run(store, settings, photo, RunOptions("sam2_hiera_tiny"))
    assert model.calls == []


def test_a_photo_that_was_deleted_is_told(model, store, settings, photo):
    delete_photo(store, photo.id)
    with pytest.raises(StoreError, match="deleted meanwhile"):
        run(store, settings, photo, MINI)


def test_a_job_of_an_unknown_kind_is_refused(store, settings):
    queue_job(store, "polish", {})
    with pytest.raises(StoreError, match=r"known kind \(segment, finetune\), found polish\. Update this program"):
        do_job(store, settings, claim_next(store, "here"), lambda share, stage: None)
