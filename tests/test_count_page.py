"""The page that counts, run without a browser on a real collection: what it says, what it queues, and what it does not queue again."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np
import page_examples
import pytest
from conftest import save_grey, three_tesserae
from page_examples import box, button, press, run, texts
from PIL import Image
from store_examples import provenance

from tesserae.activation import activate
from tesserae.jobs.orders import SEGMENT, revision_options
from tesserae.jobs.work import do_job
from tesserae.options import RunOptions, SegmentOptions
from tesserae.service import run_file, save_run
from tesserae.settings import Settings
from tesserae.store.jobs import claim_next, fail_job, finish_job, list_jobs, queue_job, report_progress, request_cancel
from tesserae.store.photos import edit_photo, list_photos
from tesserae.store.schema import utc_now
from tesserae.store.segmentations import Scores, add_segmentation, list_segmentations
from tesserae.ui import count, progress, sample
from tesserae.ui.adding import add_file
from tesserae.ui.resources import get_queue, get_store

COUNT, SAMPLE, STOP = "Count the tesserae", "Open the sample", "Stop"
BASELINE, OTHER = "tesserae_mini", "sam2.1_hiera_tiny"

open_page = partial(page_examples.open_page, "count")


@pytest.fixture
def installed(weights_dir, tmp_path, monkeypatch):
    """The embedded model and one of the official ones seem to be there; the collection is empty."""
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    for name in (BASELINE, OTHER):
        (weights_dir / f"{name}.pt").write_text(name, encoding="utf-8")
    return weights_dir


@pytest.fixture
def store(installed):
    """The collection that the page opens, too."""
    store = get_store(Settings())
    yield store
    store.close()
    get_store.clear()
    get_queue.clear()


@pytest.fixture
def photo(store):
    return add_file(store, Settings(), png_bytes(), "wall.png").photo


def png_bytes(size=(60, 40), level=128):
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, format="PNG")
    return stream.getvalue()


def upload(app, name="wall.png", content=None):
    app.file_uploader[0].set_value((name, png_bytes() if content is None else content, "image/png"))
    return run(app)


def add_result(store, photo, name=BASELINE, way=None, labels=None, **changes):
    """Store a result as the job would."""
    facts = {
        "checkpoint": name,
        "checkpoint_sha256": hashlib.sha256(name.encode()).hexdigest(),
        "options": revision_options(RunOptions(name, way or SegmentOptions())),
        "warnings": (),
    }
    return add_segmentation(
        store, photo.id, three_tesserae() if labels is None else labels, Scores({1: 0.9}), provenance(**facts | changes)
    )


def work(store):
    """What the worker does with the next job."""
    job = claim_next(store, "worker")
    finish_job(store, job, do_job(store, Settings(), job, lambda share, stage: None))


# --- Opening and choosing ------------------------------------------------------------------------------------------------


def test_an_empty_page_says_what_to_do(store):
    app = open_page()
    assert "upload a photograph of a mosaic" in app.info[0].value
    assert button(app, COUNT).disabled
    assert (len(app.metric), len(app.error), len(app.warning)) == (0, 0, 0)


def test_an_uploaded_photo_goes_into_the_collection_and_is_opened(store):
    app = upload(open_page())
    (photo,) = list_photos(store)
    assert (photo.name, app.query_params["mosaic"]) == ("wall.png", photo.id)
    assert app.file_uploader[0].value is None
    assert "wall.png, 60 x 40 pixels." in texts(app.caption)
    assert "No colour profile is embedded" in texts(app.caption)
    assert not button(app, COUNT).disabled
    assert list_jobs(store) == []


def test_a_photo_that_is_there_already_is_opened_with_its_results(store, photo):
    add_file(store, Settings(), png_bytes(level=90), "other.png")
    add_result(store, photo)
    app = open_page()
    assert box(app, "Mosaic").value != photo.id
    upload(app)
    assert "is in the collection already" in texts(app.info)
    assert (box(app, "Mosaic").value, app.metric[0].value) == (photo.id, "3")


def test_an_event_that_was_sent_with_the_earlier_address_undoes_nothing(store, photo):
    app = open_page(mosaic=photo.id)
    other = add_file(store, Settings(), png_bytes(level=90), "other.png").photo
    run(app)
    box(app, "Mosaic").select(other.id)
    assert run(app).query_params["mosaic"] == other.id
    app.query_params.update(mosaic=photo.id, way="Fast")
    run(app)
    assert (box(app, "Mosaic").value, app.radio[0].value) == (other.id, "Careful")
    assert (app.query_params["mosaic"], app.query_params["way"]) == (other.id, "Careful")


def test_a_file_that_is_no_photo_is_refused_in_a_sentence(store):
    app = upload(open_page(), "wall.png", b"no picture at all")
    assert "wall.png was not added" in texts(app.error)
    assert list_photos(store) == []


def test_the_sample_is_opened(store, monkeypatch):
    monkeypatch.setattr("tesserae.ui.adding.sample_bytes", lambda: png_bytes((64, 64)))
    app = open_page()
    assert "it shows no real work" in button(app, SAMPLE).help
    press(app, SAMPLE)
    assert "sample.png, 64 x 64 pixels." in texts(app.caption)
    assert [photo.name for photo in list_photos(store)] == ["sample.png"]


def test_the_sample_is_the_same_mosaic_every_time(monkeypatch):
    monkeypatch.setattr(sample, "_SIZE_PX", 96)
    first, second = (sample.sample_bytes.__wrapped__() for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size == (96, 96)


def test_the_installed_models_are_offered_in_plain_words_the_default_one_at_first(store, photo):
    app = open_page()
    assert (box(app, "Model").options, box(app, "Model").value) == ([BASELINE, OTHER], BASELINE)
    assert "Comes with the program" in texts(app.caption)
    activate(Settings(), OTHER)
    app = open_page()
    assert box(app, "Model").value == OTHER
    assert "Published by Meta" in texts(app.caption)


def test_without_a_model_the_page_says_how_to_get_it(installed, store, photo):
    for name in (BASELINE, OTHER):
        (installed / f"{name}.pt").unlink()
    app = open_page()
    assert "No model is installed" in app.error[0].value
    assert button(app, COUNT).disabled


def test_a_model_file_without_a_record_is_mentioned(installed, store):
    (installed / "mine.pt").touch()
    assert "mine.pt has no record" in texts(open_page().warning)


def test_mosaic_model_and_way_stand_in_the_address(store, photo):
    add_file(store, Settings(), png_bytes(level=90), "other.png")
    app = open_page()
    box(app, "Mosaic").set_value(photo.id)
    box(app, "Model").set_value(OTHER)
    app.radio[0].set_value("Fast")
    run(app)
    again = open_page(**app.query_params)
    assert (box(again, "Mosaic").value, box(again, "Model").value, again.radio[0].value) == (photo.id, OTHER, "Fast")


def test_a_mosaic_that_is_gone_is_not_silently_replaced(store, photo):
    app = open_page(mosaic="f" * 64)
    assert "not in the collection any more" in texts(app.warning)
    assert box(app, "Mosaic").value == photo.id


# --- Counting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "options"),
    [("Careful", SegmentOptions()), ("Fast", SegmentOptions(fast=True)), ("Regular grid", SegmentOptions(prompts="grid"))],
    ids=["careful", "fast", "grid"],
)
def test_what_was_chosen_is_queued_as_a_job(way, options, store, photo):
    app = open_page()
    app.radio[0].set_value(way)
    box(app, "Model").set_value(OTHER)
    press(app, COUNT)
    (job,) = list_jobs(store)
    assert (job.kind, job.arguments["photo_id"]) == (SEGMENT, photo.id)
    assert [RunOptions.from_dict(words) for words in job.arguments["runs"]] == [RunOptions(OTHER, options)]


def test_the_workers_count_is_shown_large_with_downloads(store, photo, fake_model):
    fake_model.warnings = ("This may not be a mosaic.",)
    app = press(open_page(), COUNT)
    assert STOP in [each.label for each in app.button]
    work(store)
    run(app)
    assert [(metric.label, metric.value) for metric in app.metric] == [("Tesserae", "3"), ("Median side", "10.0 px")]
    assert "This may not be a mosaic." in texts(app.warning)
    assert [button.label for button in app.download_button] == ["Label map (TIFF)", "Table (CSV)", "Overlay (PNG)"]
    assert STOP not in [each.label for each in app.button]
    assert "Counted by tesserae_mini, careful, in" in texts(app.caption)


def test_a_reload_finds_the_running_job_and_queues_nothing(store, photo):
    press(open_page(), COUNT)
    report_progress(store, claim_next(store, "worker"), 0.25, f"{BASELINE}: outline")
    again = open_page()
    shown = str([element.proto for element in again.get("progress")]).replace("\\", "")
    assert "tesserae_mini: Outlining the tesserae (25%)" in shown
    press(again, COUNT)
    assert len(list_jobs(store)) == 1
    button(again, STOP).click()
    again.run()
    assert list_jobs(store)[0].cancel_requested
    assert "Stopping" in str([element.proto for element in open_page().get("progress")])


def test_what_was_counted_before_is_shown_and_not_counted_again(store, photo):
    careful = add_result(store, photo)
    add_result(store, photo, way=SegmentOptions(fast=True), labels=np.minimum(three_tesserae(), 1))
    app = open_page()
    assert app.metric[0].value == "1"
    press(app, COUNT)
    assert list_jobs(store) == []
    assert (app.metric[0].value, box(app, "Result").value, app.query_params["result"]) == ("3", careful.id, careful.id)
    assert open_page(**app.query_params).metric[0].value == "3"


def test_a_model_file_that_changed_counts_anew(installed, store, photo):
    add_result(store, photo, checkpoint_sha256="d" * 64)
    press(open_page(), COUNT)
    assert len(list_jobs(store)) == 1


def test_results_of_another_mosaic_are_not_shown(store, photo):
    add_result(store, photo)
    other = add_file(store, Settings(), png_bytes((50, 50)), "other.png").photo
    app = open_page(mosaic=other.id, result=list_segmentations(store, photo.id)[0].id)
    assert len(app.metric) == 0
    assert "was not counted yet" in texts(app.info)
    box(app, "Mosaic").set_value(photo.id)
    assert run(app).metric[0].value == "3"


def test_a_new_view_asks_the_model_nothing(store, photo, fake_model):
    app = press(open_page(), COUNT)
    work(store)
    run(app)
    for number, value in enumerate((False, True, True)):
        app.toggle[number].set_value(value)
        run(app)
    app.slider[0].set_value(80)
    run(app)
    assert (len(fake_model.calls), len(list_jobs(store))) == (1, 1)


def test_sizes_are_in_millimetres_once_the_scale_is_known(store, photo):
    add_result(store, photo)
    assert "The scale of this photo is not known" in texts(open_page().caption)
    edit_photo(store, replace(photo, mm_per_px=0.5))
    app = open_page()
    assert app.metric[1].value == "10.0 px = 5.0 mm"
    assert "The scale of this photo is not known" not in texts(app.caption)


def test_without_tesserae_there_is_no_side(store, photo):
    add_result(store, photo, labels=np.zeros((40, 60), np.int32), median_side_px=None)
    assert [metric.value for metric in open_page().metric] == ["0", "–"]


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda store: fail_job(store, claim_next(store, "worker"), "This photo is too dark. Take another."), "This photo is too dark."),
        (lambda store: request_cancel(store, list_jobs(store)[0].id), "The last run was stopped."),
    ],
    ids=["failed", "cancelled"],
)
def test_a_run_that_came_to_nothing_is_told_and_can_be_repeated(end, sentence, store, photo):
    press(open_page(), COUNT)
    end(store)
    app = open_page()
    assert sentence in texts(app.error, app.info)
    press(app, COUNT)
    assert list_jobs(store)[0].state == "queued"


def test_the_job_that_runs_is_told_of_before_one_that_was_stopped_in_the_queue(store, photo):
    first = queue_job(store, SEGMENT, {"photo_id": photo.id, "runs": [1]})
    second = queue_job(store, SEGMENT, {"photo_id": photo.id, "runs": [2]})
    assert progress.job_of(store, photo.id).id == first.id
    request_cancel(store, second.id)
    assert progress.job_of(store, photo.id).id == first.id


@pytest.mark.parametrize(
    ("states", "age_s", "sentence"),
    [
        (["queued"], 0, ""),
        (["queued"], 60, "does not seem to run"),
        (["running", "queued"], 60, ""),
        (["running"], 0, ""),
        (["running"], 60, "has not been heard of for 60 seconds"),
    ],
    ids=["just queued", "no worker", "worker busy", "running", "silent"],
)
def test_a_missing_worker_is_said_in_a_sentence(states, age_s, sentence, store, photo, monkeypatch):
    for number, state in enumerate(states):
        queue_job(store, SEGMENT, {"photo_id": photo.id, "runs": [number]})
        if state == "running":
            claim_next(store, "worker")
    job = next(job for job in list_jobs(store) if job.state == states[-1])
    long_ago = utc_now() - timedelta(seconds=age_s)
    said = progress.trouble_of(store, replace(job, created_at=long_ago, heartbeat_at=long_ago if job.heartbeat_at else None))
    assert sentence in said
    assert bool(sentence) == bool(said)


def test_the_missing_worker_is_said_on_the_page(store, photo, monkeypatch):
    monkeypatch.setattr(progress, "_PATIENCE_S", -1.0)
    assert "does not seem to run" in texts(press(open_page(), COUNT).warning)


# --- What is taken home, and what cannot be shown ------------------------------------------------------------------------


def test_the_downloads_are_the_files_of_the_command_line(store, tmp_path, fake_model):
    path = save_grey(tmp_path / "wall.png")
    photo = edit_photo(store, replace(add_file(store, Settings(), path.read_bytes(), path.name).photo, mm_per_px=0.5))
    press(open_page(), COUNT)
    work(store)
    (result,) = list_segmentations(store, photo.id)
    folder = save_run(tmp_path, run_file(path, RunOptions(), Settings()), mm_per_px=0.5)
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["count"] == result.count
    assert count.label_map_bytes(store, result) == (folder / "labels.tif").read_bytes()
    assert count.table_bytes(store, photo, result) == (folder / "tesserae.csv").read_bytes()
    assert count.overlay_bytes(store, photo, result, Settings()) == (folder / "overlay.png").read_bytes()


def test_a_lost_label_map_is_told_in_place_of_the_picture(store, photo):
    (store.home / add_result(store, photo).file).unlink()
    app = open_page()
    assert "There is no label map" in texts(app.error)
    assert app.metric[0].value == "3"


def test_a_lost_photo_is_told_in_place_of_the_picture(store, photo):
    (store.home / photo.file).unlink()
    assert "The file of “wall.png” is missing" in texts(open_page().error)
