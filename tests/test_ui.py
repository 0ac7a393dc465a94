"""The app, run without a browser: what it says, what it asks the model for, and what it does not ask again."""

import io
import threading
import time

import numpy as np
import pytest
from conftest import PROJECT_DIR, save_grey, three_tesserae
from PIL import Image
from streamlit.testing.v1 import AppTest

from tesserae.errors import PhotoError
from tesserae.photo import read_photo
from tesserae.segment import SegmentOptions
from tesserae.service import RunOptions, run_photo, save_run
from tesserae.settings import Settings
from tesserae.ui import photos, preview, running, view

COUNT, SAMPLE, STOP = "Count the tesserae", "Open the sample", "Stop"


@pytest.fixture
def installed(weights_dir):
    """The embedded model and one of the official ones seem to be there."""
    for name in ("tesserae_mini", "sam2.1_hiera_tiny"):
        (weights_dir / f"{name}.pt").touch()
    return weights_dir


@pytest.fixture
def app(installed, fake_model):
    return AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=30).run()


def png_bytes(size=(60, 40), level=128):
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, format="PNG")
    return stream.getvalue()


def upload(app, name="wall.png", content=None):
    app.file_uploader[0].set_value((name, png_bytes() if content is None else content, "image/png"))
    app.run()
    assert not app.exception
    return app


def press(app, label):
    next(button for button in app.button if button.label == label).click()
    app.run()
    assert not app.exception
    return app


def button(app, label):
    return next(button for button in app.button if button.label == label)


def texts(elements):
    return " ".join(element.value for element in elements)


# --- Choosing -----------------------------------------------------------------------------------------------------------


def test_an_empty_page_says_what_to_do(app):
    assert not app.exception
    assert "upload a photograph of a mosaic" in app.info[0].value
    assert button(app, COUNT).disabled
    assert (len(app.metric), len(app.error), len(app.warning)) == (0, 0, 0)


def test_an_uploaded_photo_is_described_and_can_be_counted(app, fake_model):
    upload(app)
    assert "wall.png, 60 x 40 pixels." in texts(app.caption)
    assert "No colour profile is embedded" in texts(app.caption)
    assert not button(app, COUNT).disabled
    assert fake_model.calls == []


def test_a_file_that_is_no_photo_is_refused_in_a_sentence(app):
    upload(app, "wall.png", b"no picture at all")
    assert len(app.error) == 1
    assert "wall.png" in app.error[0].value
    assert len(app.metric) == 0


def test_the_sample_is_called_synthetic_and_empties_the_upload_field(app, monkeypatch):
    monkeypatch.setattr(photos, "sample_bytes", lambda: png_bytes((64, 64)))
    press(upload(app), SAMPLE)
    assert "synthetic" in texts(app.caption)
    assert "sample.png, 64 x 64 pixels." in texts(app.caption)
    assert app.file_uploader[0].value is None
    upload(app, "other.png")
    assert "other.png, 60 x 40" in texts(app.caption)
    assert "synthetic" not in texts(app.caption)


def test_the_sample_is_the_same_mosaic_every_time(monkeypatch):
    monkeypatch.setattr(photos, "SAMPLE_SIZE_PX", 96)
    first, second = (photos.sample_bytes.__wrapped__() for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (96, 96)


def test_the_installed_models_are_offered_in_plain_words(app):
    assert app.selectbox[0].options == ["tesserae_mini (comes with the program)", "sam2.1_hiera_tiny (published by Meta)"]


def test_without_a_model_the_page_says_how_to_get_it(weights_dir, fake_model):
    app = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=30).run()
    assert "No model is installed" in app.error[0].value
    assert button(app, COUNT).disabled
    assert button(upload(app), COUNT).disabled


def test_a_model_file_without_a_record_is_mentioned(installed, fake_model):
    (installed / "mine.pt").touch()
    app = AppTest.from_file(str(PROJECT_DIR / "app.py"), default_timeout=30).run()
    assert "mine.pt has no record" in app.warning[0].value


# --- Counting -----------------------------------------------------------------------------------------------------------


def test_the_count_is_shown_large_with_warnings_and_downloads(app, fake_model):
    fake_model.warnings = ("This may not be a mosaic.",)
    press(upload(app), COUNT)
    assert [(metric.label, metric.value) for metric in app.metric] == [("Tesserae", "3"), ("Median side", "10.0 px")]
    assert app.warning[0].value == "This may not be a mosaic."
    assert [button.label for button in app.download_button] == ["Label map (TIFF)", "Table (CSV)", "Overlay (PNG)"]
    assert STOP not in [button.label for button in app.button]
    assert "model tesserae_mini, prompts by finder" in texts(app.caption)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("Careful", SegmentOptions()),
        ("Fast", SegmentOptions(fast=True)),
        ("Regular grid", SegmentOptions(prompts="grid")),
    ],
    ids=["careful", "fast", "grid"],
)
def test_what_was_chosen_reaches_the_model(method, options, app, fake_model):
    upload(app)
    app.radio[0].set_value(method)
    app.selectbox[0].set_value("sam2.1_hiera_tiny")
    press(app, COUNT)
    assert fake_model.calls == [((40, 60, 3), "sam2.1_hiera_tiny", options, "auto", None)]


def test_no_run_is_repeated_when_only_the_view_changes(app, fake_model):
    press(upload(app), COUNT)
    for number, value in enumerate((False, True)):
        app.toggle[number].set_value(value)
        app.run()
    app.slider[0].set_value(80)
    app.number_input[0].set_value(0.5)
    app.run()
    assert not app.exception
    assert len(fake_model.calls) == 1
    assert [metric.value for metric in app.metric] == ["3", "10.0 px = 5.0 mm"]


def test_another_photo_drops_the_result(app, fake_model):
    press(upload(app), COUNT)
    upload(app, "other.png", png_bytes((50, 50)))
    assert len(app.metric) == 0
    assert "other.png, 50 x 50 pixels." in texts(app.caption)
    press(app, COUNT)
    assert [call[0] for call in fake_model.calls] == [(40, 60, 3), (50, 50, 3)]


def test_an_error_of_the_run_is_shown_as_it_is_and_the_next_run_works(app, fake_model):
    fake_model.error = PhotoError("This photo is too dark. Take another.")
    press(upload(app), COUNT)
    assert app.error[0].value == "This photo is too dark. Take another."
    fake_model.error = None
    press(app, COUNT)
    assert app.metric[0].value == "3"


def test_a_fault_of_the_program_is_not_hidden(app, fake_model):
    fake_model.error = ZeroDivisionError("a fault")
    upload(app)
    button(app, COUNT).click()
    app.run()
    assert "a fault" in app.exception[0].message


def test_a_large_photo_is_shown_smaller_and_the_page_says_so(app, fake_model, monkeypatch):
    monkeypatch.setattr(view, "PREVIEW_PX", 30)
    press(upload(app), COUNT)
    assert "Shown at 30 x 20 pixels; the photo, the count and the downloads have 60 x 40." in texts(app.caption)


def test_a_run_waits_for_its_turn():
    lock, waited = threading.Lock(), []
    lock.acquire()
    threading.Timer(0.2, lock.release).start()
    started = time.perf_counter()
    with running._turn(lock, lambda: waited.append(1)):
        assert lock.locked()
    assert time.perf_counter() - started >= 0.15
    assert not lock.locked()


def test_a_stop_while_waiting_or_running_leaves_the_lock_as_it_was(monkeypatch):
    class StopScript(BaseException):
        pass

    def stop():
        raise StopScript

    monkeypatch.setattr(running, "_WAIT_S", 0.01)
    lock = threading.Lock()
    with pytest.raises(StopScript), running._turn(lock, stop):
        stop()
    assert not lock.locked()
    lock.acquire()
    with pytest.raises(StopScript), running._turn(lock, stop):
        pytest.fail("the lock was taken by somebody else")
    assert lock.locked()


# --- What is taken home, and what is shown ------------------------------------------------------------------------------


def test_the_downloads_are_the_files_of_the_command_line(installed, fake_model, tmp_path):
    photo = read_photo(save_grey(tmp_path / "wall.png"), max_pixels=10_000)
    run = run_photo(photo, RunOptions(), Settings())
    folder = save_run(tmp_path, run, mm_per_px=0.5)
    assert view.label_map_bytes(run) == (folder / "labels.tif").read_bytes()
    assert view.table_bytes(run, 0.5) == (folder / "tesserae.csv").read_bytes()
    assert view.overlay_bytes(run) == (folder / "overlay.png").read_bytes()


@pytest.mark.parametrize(("longest_px", "shape"), [(60, (40, 60)), (100, (40, 60)), (30, (20, 30)), (1, (1, 1))], ids=str)
def test_previews_keep_the_proportions_and_invent_no_labels(longest_px, shape):
    labels = three_tesserae()
    reduced = preview.reduce_labels(labels, longest_px)
    image = preview.reduce_image(np.zeros((40, 60, 3), np.uint8), longest_px)
    assert (reduced.shape, image.shape) == (shape, (*shape, 3))
    assert set(np.unique(reduced)) <= {0, 1, 2, 7}
    if shape == (20, 30):
        assert set(np.unique(reduced)) == {0, 1, 2, 7}


def test_without_tesserae_there_is_no_side():
    assert view._side_in_words(float("nan"), 0.5) == "–"
