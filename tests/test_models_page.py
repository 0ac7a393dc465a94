"""The page Models: records in words, the default, fetching, importing, renaming, deleting; no model is run."""

import json

import pytest
import torch
from page_examples import page, run, texts

from tesserae.activation import activate, active_name
from tesserae.architecture import build_model
from tesserae.checkpoints import EMBEDDED_NAME, find_checkpoint
from tesserae.errors import DownloadError
from tesserae.settings import Settings
from tesserae.ui import models
from tesserae.ui.models import DOWNLOADS_FOLDER, IMPORT_FOLDER

MINE = {
    "config": EMBEDDED_NAME,
    "parent": "sam2_hiera_large",
    "photos": {"training": ["a", "b", "c"], "held out": ["d"]},
    "scores": {"IoU": 0.91024, "recall": None},
    "date": "2026-03-05T10:00:00+00:00",
}


@pytest.fixture
def settings(tmp_path, monkeypatch, weights_dir):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    for name in ("tesserae_mini", "sam2.1_hiera_tiny", "mine"):
        (weights_dir / f"{name}.pt").write_bytes(b"weights")
    (weights_dir / "mine.json").write_text(json.dumps(MINE))
    return Settings()


@pytest.fixture
def app(settings):
    return page("models")


def press_key(app, key):
    app.button(key=key).click()
    return run(app)


def subheaders(app):
    return [each.value.replace("\\", "") for each in app.subheader]


def cells(app):
    return " | ".join(str(cell).replace("\\", "") for table in app.table for cell in table.value.to_numpy().ravel())


def test_every_checkpoint_is_shown_with_its_record(app):
    run(app)
    assert subheaders(app) == ["tesserae_mini", "sam2.1_hiera_tiny", "mine"]
    shown = cells(app)
    for words in ("sam2_hiera_large", "photos: 3 in training, 1 in held out", "2026-03-05", "0.9102", "not recorded", "SAM 2.1 tiny"):
        assert words in shown
    assert "The default" in texts(app.markdown)


def test_missing_ones_say_what_they_bring_and_how_to_place_them(app, settings):
    run(app)
    titles = [each.label.replace("\\", "") for each in app.expander if each.label != "Whole record"]
    assert len(titles) == 7
    assert "sam2_hiera_large, published by Meta, 898 MB" in titles
    shown, told = cells(app), texts(app.markdown)
    assert "89.00 % as it is, 91.02 % after fine-tuning" in shown
    assert "none published; arXiv 2512.18406 used sam2_hiera_large" in shown
    checkpoint = find_checkpoint("sam2_hiera_large", settings.weights, settings.checkpoint_url)
    for words in (checkpoint.url, str(checkpoint.path), checkpoint.sha256):
        assert words in told


def test_a_file_without_a_record_is_mentioned(app, settings):
    (settings.weights / "stray.pt").touch()
    assert "stray.pt has no record" in texts(run(app).warning)


def test_the_default_can_be_changed_and_changed_back(app, settings):
    press_key(run(app), "activate mine")
    assert active_name(settings) == "mine"
    assert subheaders(app)[0] == "mine"
    press_key(app, "roll back")
    assert active_name(settings) == EMBEDDED_NAME
    assert "roll back" not in [button.key for button in app.button]


def test_a_checkpoint_is_renamed(app, settings):
    run(app)
    app.text_input(key="new name mine").set_value("ravenna")
    run(app)
    press_key(app, "rename mine")
    assert subheaders(app) == ["tesserae_mini", "sam2.1_hiera_tiny", "ravenna"]


def test_a_name_that_is_not_allowed_is_told(app):
    run(app)
    app.text_input(key="new name mine").set_value("a/b")
    run(app)
    press_key(app, "rename mine")
    assert "cannot be the name of a checkpoint" in texts(app.error)
    assert "mine" in subheaders(app)


def test_a_checkpoint_is_deleted_after_saying_what_goes(app, settings):
    activate(settings, "mine")
    run(app)
    assert "Deleting removes mine.pt and mine.json" in texts(app.markdown)
    press_key(app, "delete mine")
    assert not (settings.weights / "mine.pt").exists()
    assert subheaders(app) == ["tesserae_mini", "sam2.1_hiera_tiny"]
    assert active_name(settings) == EMBEDDED_NAME


def test_the_embedded_one_can_neither_be_renamed_nor_deleted(app):
    run(app)
    keys = [button.key for button in app.button]
    assert [key for key in keys if key in ("rename tesserae_mini", "delete tesserae_mini", "rename sam2.1_hiera_tiny")] == []
    assert "delete sam2.1_hiera_tiny" in keys


def test_a_damaged_file_is_told(app):
    press_key(run(app), "verify sam2.1_hiera_tiny")
    assert "has the wrong size" in texts(app.error)


def test_fetching_shows_progress_and_resumes_in_the_folder_of_downloads(app, settings, monkeypatch):
    part = settings.home / DOWNLOADS_FOLDER / "sam2_hiera_tiny.pt.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(1_000_000))
    seen = []

    def fetch(checkpoint, *, partial_dir, progress):
        for done in (10_000_000, 156_000_000):
            progress(done, 156_000_000)
        seen.append((checkpoint.name, partial_dir))
        checkpoint.path.touch()

    monkeypatch.setattr(models, "fetch_checkpoint", fetch)
    run(app)
    assert "1 MB have arrived already" in texts(app.caption)
    press_key(app, "fetch sam2_hiera_tiny")
    assert seen == [("sam2_hiera_tiny", settings.home / DOWNLOADS_FOLDER)]
    assert "sam2_hiera_tiny" in subheaders(app)


def test_a_download_that_fails_is_told_and_another_can_be_tried(app, monkeypatch):
    def fetch(checkpoint, **_):
        raise DownloadError("The server cannot be reached.")

    monkeypatch.setattr(models, "fetch_checkpoint", fetch)
    run(app)
    for name in ("sam2_hiera_tiny", "sam2_hiera_small"):
        press_key(app, f"fetch {name}")
        assert "The server cannot be reached." in texts(app.error)


def test_only_one_file_is_fetched_at_a_time(app):
    run(app)
    lock = models._download_lock()
    with lock:
        press_key(app, "fetch sam2_hiera_tiny")
    assert "Another file is being fetched" in texts(app.error)


def submit(app):
    next(button for button in app.button if button.label == "Import").click()
    return run(app)


def test_importing_nothing_is_told(app):
    assert "No file was chosen" in texts(submit(run(app)).error)


def test_a_placed_file_is_imported(app, settings):
    placed = settings.home / IMPORT_FOLDER / "theirs.pt"
    placed.parent.mkdir(parents=True)
    torch.save({"model": build_model(EMBEDDED_NAME).state_dict()}, placed)
    run(app)
    next(each for each in app.selectbox if each.label.startswith("or a file")).set_value(placed)
    submit(app)
    assert "theirs" in subheaders(app)
    assert placed.is_file()


def test_an_upload_that_is_no_checkpoint_is_told_and_leaves_nothing_behind(app, settings):
    run(app)
    app.file_uploader[0].set_value(("theirs.pt", b"nothing", "application/octet-stream"))
    submit(app)
    assert "theirs.pt" in texts(app.error)
    assert list((settings.home / IMPORT_FOLDER).iterdir()) == []
    assert not (settings.weights / "theirs.pt").exists()
