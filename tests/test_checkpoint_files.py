"""Renaming and deleting checkpoints, with their records and the default."""

import json
from pathlib import Path

import pytest

from tesserae.activation import activate, active_name, previous_name
from tesserae.checkpoint_files import delete_checkpoint, rename_checkpoint, what_goes
from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.errors import CheckpointError
from tesserae.settings import Settings


@pytest.fixture
def settings(tmp_path, weights_dir):
    for name in ("tesserae_mini", "sam2.1_hiera_tiny", "mine", "other"):
        (weights_dir / f"{name}.pt").write_bytes(name.encode())
    for name in ("mine", "other"):
        (weights_dir / f"{name}.json").write_text(json.dumps({"name": name, "config": EMBEDDED_NAME, "parent": "tesserae_mini"}))
    return Settings(home=tmp_path / "home")


def files_of(settings):
    return {path.name for path in settings.weights.iterdir()}


def refuse(*_):
    raise PermissionError(13, "Permission denied")


def test_renaming_moves_file_and_record(settings):
    renamed = rename_checkpoint(settings, "mine", " ravenna ")
    assert (renamed.name, renamed.record["name"], renamed.record["parent"]) == ("ravenna", "ravenna", "tesserae_mini")
    assert renamed.path.read_bytes() == b"mine"
    assert {"ravenna.pt", "ravenna.json"} <= files_of(settings)
    assert files_of(settings).isdisjoint({"mine.pt", "mine.json"})
    assert active_name(settings) == EMBEDDED_NAME


def test_the_default_and_those_before_it_follow_to_a_new_name(settings):
    activate(settings, "mine")
    rename_checkpoint(settings, "mine", "ravenna")
    assert active_name(settings) == "ravenna"
    activate(settings, "other")
    rename_checkpoint(settings, "ravenna", "kos")
    assert (active_name(settings), previous_name(settings)) == ("other", "kos")
    delete_checkpoint(settings, "kos")
    assert (active_name(settings), previous_name(settings)) == ("other", EMBEDDED_NAME)


@pytest.mark.parametrize(
    ("name", "new_name", "message"),
    [
        ("tesserae_mini", "a", "keeps its name"),
        ("sam2.1_hiera_tiny", "a", "keeps its name"),
        ("sam2_hiera_large", "a", "is not installed"),
        ("nothing", "a", "There is no checkpoint"),
        ("mine", "other", "never overwritten"),
        ("mine", "tesserae_mini", "belongs to a checkpoint"),
        ("mine", "../a", "cannot be the name"),
        ("mine", "", "cannot be the name"),
    ],
)
def test_renaming_is_refused(name, new_name, message, settings):
    before = files_of(settings)
    with pytest.raises(CheckpointError, match=message):
        rename_checkpoint(settings, name, new_name)
    assert files_of(settings) == before


def test_a_crash_while_renaming_leaves_the_old_one_complete(settings, monkeypatch):
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(CheckpointError, match="could not be renamed"):
        rename_checkpoint(settings, "mine", "ravenna")
    assert {"mine.pt", "mine.json"} <= files_of(settings)
    assert "ravenna.pt" not in files_of(settings)


def test_what_goes_is_said_before(settings):
    activate(settings, "mine")
    removal = what_goes(settings, "mine")
    assert [path.name for path in removal.files] == ["mine.pt", "mine.json"]
    assert removal.sentence.startswith("Deleting removes mine.pt and mine.json, 0.0 MB. It is the default model; tesserae_mini takes")
    assert "This cannot be undone" in removal.sentence
    assert "It can be fetched again." in what_goes(settings, "sam2.1_hiera_tiny").sentence


def test_deleting_removes_file_and_record_and_the_embedded_one_is_the_default_again(settings):
    activate(settings, "mine")
    delete_checkpoint(settings, "mine")
    assert files_of(settings).isdisjoint({"mine.pt", "mine.json"})
    assert active_name(settings) == EMBEDDED_NAME
    activate(settings, "other")
    delete_checkpoint(settings, "sam2.1_hiera_tiny")
    assert active_name(settings) == "other"


@pytest.mark.parametrize(
    ("name", "message"),
    [("tesserae_mini", "always stays"), ("sam2_hiera_large", "is not installed"), ("nothing", "There is no checkpoint")],
)
def test_deleting_is_refused(name, message, settings):
    with pytest.raises(CheckpointError, match=message):
        delete_checkpoint(settings, name)


def test_a_file_that_cannot_be_deleted_is_told(settings, monkeypatch):
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(CheckpointError, match="could not be deleted"):
        delete_checkpoint(settings, "mine")
