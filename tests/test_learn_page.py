"""The page of the fine-tune in each of its states, with journals and job rows as the worker leaves them; nothing is trained."""

import json
from datetime import date
from functools import partial

import page_examples
import pytest
from dataset_examples import approved_mosaic
from learn_examples import BASE, NAME, end_run, facts, queue_run, write_run
from page_examples import button, press, run, texts

from tesserae.activation import activate, active_name
from tesserae.dataset import collect_dataset
from tesserae.jobs.orders import FINETUNE
from tesserae.settings import Settings
from tesserae.store.jobs import claim_next, fail_job, list_jobs, report_progress, request_cancel
from tesserae.ui.learn.begin import usual_base, usual_name
from tesserae.ui.options import installed_models
from tesserae.ui.resources import get_store

open_page = partial(page_examples.open_page, "learn")
BUTTON = "Learn from my corrections"


@pytest.fixture
def settings(tmp_path, monkeypatch, weights_dir):
    """The embedded model seems to be there; the collection is empty."""
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TESSERAE_DATABASE_URL", raising=False)
    (weights_dir / f"{BASE}.pt").touch()
    return Settings()


@pytest.fixture
def store(settings):
    """The collection that the page opens, too."""
    store = get_store(settings)
    yield store
    store.close()
    get_store.clear()


@pytest.fixture
def dataset(store, settings):
    approved_mosaic(store, 0)
    return collect_dataset(store, settings)


def install(settings, name=NAME, **record):
    (settings.weights / f"{name}.pt").touch()
    (settings.weights / f"{name}.json").write_text(json.dumps({"config": BASE, "parent": {"name": BASE}, **record}))


def links(app):
    return {link.proto.label: (link.proto.page, link.proto.query_string) for link in app.get("page_link")}


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def bar(app):
    return app.get("progress")[0].proto.text.replace("\\", "")


def pictures(app):
    return [image.caption for element in app.get("image") for image in element.proto.imgs]


def labels(app):
    return [each.label for each in app.button]


def test_with_nothing_approved_it_says_why_it_cannot_start_and_where_to_go(store):
    app = open_page()
    assert "It cannot learn yet. Expected approved tesserae to learn from, found none." in texts(app.info)
    assert button(app, BUTTON).disabled
    assert [page for page, _ in links(app).values()] == ["correct", "dataset"]


def test_one_press_orders_it_with_what_was_chosen_and_a_second_changes_nothing(store, dataset):
    app = open_page()
    assert "The model will learn from **32 tesserae** of **1 mosaic**, and be judged on **12 tesserae**" in texts(app.markdown)
    assert "each was cut in two" in texts(app.caption)
    assert app.text_input[0].value == f"learned-{date.today()}"
    app.text_input[0].set_value("kos")
    app.radio[0].set_value("paper")
    run(app)
    assert app.number_input[0].value == 9
    app.number_input[0].set_value(2)
    press(run(app), BUTTON)
    (job,) = list_jobs(store)
    asked = {name: job.arguments[name] for name in ("name", "base", "preset", "epochs")}
    assert (job.kind, asked) == (FINETUNE, {"name": "kos", "base": BASE, "preset": "paper", "epochs": 2})
    assert button(app, BUTTON).disabled
    assert queue_run(store, "another").id == job.id
    assert "kos is learning at the moment" in texts(app.caption)
    assert "Waiting for its turn" in bar(app)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("taken", "taken.pt is there already"), ("a/b", "cannot be the name"), (NAME, "was begun before and made no model")],
)
def test_a_name_that_cannot_be_is_told_before(name, sentence, store, settings, dataset):
    install(settings, "taken")
    write_run(settings, 0)
    app = open_page()
    app.text_input[0].set_value(name)
    assert sentence in texts(run(app).info)
    assert button(app, BUTTON).disabled


def test_a_run_is_followed_round_by_round_and_can_be_stopped(store, settings, dataset):
    write_run(settings, 3, facts(dataset.fingerprint))
    queue_run(store)
    report_progress(store, claim_next(store, "worker"), 0.4, "epoch 4 of 10")
    app = open_page()
    assert "Learning, round 4 of 10 (40%)" in bar(app)
    shown = {"Rounds finished": "3 of 10", "Time left, at most": "7 min", "Device": "cpu", "Memory": "1.5 GB"}
    assert metrics(app) == shown
    losses, checks = (json.loads(chart.proto.spec)["data"] for chart in app.get("plotly_chart"))
    assert [trace["name"] for trace in losses + checks] == [
        *("All together", "Outlines", "Score", "Finder"),
        *("F-measure", "Mean F1", "Area (IoU)", "Count error"),
    ]
    assert (losses[0]["x"], checks[0]["x"], len(checks[3]["y"])) == ([1, 2, 3], [0, 1, 2, 3], 4)
    assert "**Finder**: stones overlooked or invented" in texts(app.caption)
    assert app.select_slider[0].options == ["before", "round 1", "round 2", "round 3, the latest"]
    app.select_slider[0].set_value(1)
    assert pictures(run(app)) == ["before", "round 1"]
    button(app, "Stop").click()
    app.run()
    assert list_jobs(store)[0].cancel_requested
    assert "Stopping" in bar(app)


@pytest.mark.parametrize("promoted", [True, False])
def test_what_came_of_a_run_is_told_and_the_default_can_be_changed_and_changed_back(promoted, store, settings, dataset):
    photo_id = dataset.parts[0].photo_id
    install(settings, photo_ids={"train": [photo_id], "validation": [photo_id], "test": []})
    end_run(write_run(settings, 3), promoted=promoted)
    if promoted:
        activate(settings, NAME)
    app = open_page()
    assert "Trained on 1 mosaic, 36 tesserae." in texts(app.markdown)
    said, reason = ("It was made the default model.", "against 70.0") if promoted else ("the default model stayed", "not better by enough")
    assert said in texts(app.success, app.info)
    assert reason in texts(app.success, app.info)
    assert len(app.table) == 1 + promoted  # the second one is of the test mosaics
    row = {title: cell.replace("\u00a0", " ") for title, cell in app.table[0].value.loc["wall"].items()}
    assert (row["Tesserae"], row["Found"], row["Count error"]) == ("100", "90 → 98", "-10.0 % → -2.0 %")
    assert links(app)["Compare with the baseline"] == ("compare", f"model_a={BASE}&model_b={NAME}&mosaic={photo_id}")
    if not promoted:
        press(app, "Make it the default")
    assert active_name(settings) == NAME
    assert "Make it the default" not in labels(app)
    press(app, f"Roll back to {BASE.replace('_', chr(92) + '_')}")
    assert active_name(settings) == BASE
    assert "Make it the default" in labels(app)


def test_a_model_that_is_gone_is_told(store, settings, dataset):
    end_run(write_run(settings, 1), promoted=True)
    app = open_page()
    assert "was deleted or renamed since" in texts(app.caption)
    assert labels(app) == [BUTTON]


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda store: fail_job(store, claim_next(store, "worker"), "The disk is full."), "2 of 10 rounds finished. The disk is full."),
        (lambda store: request_cancel(store, list_jobs(store)[0].id), "It was stopped, 2 of 10 rounds finished."),
    ],
    ids=["failed", "stopped"],
)
def test_a_run_that_was_cut_off_goes_on_by_the_same_order(end, sentence, store, settings, dataset):
    write_run(settings, 2, facts(dataset.fingerprint))
    first = queue_run(store)
    end(store)
    app = open_page()
    assert sentence in texts(app.error, app.info)
    press(app, "Go on")
    again, _ = list_jobs(store)
    assert (again.state, again.arguments) == ("queued", first.arguments)
    assert "Waiting for its turn: shorter work goes first, then round 3 begins" in bar(app)


def test_what_failed_before_it_began_can_be_tried_again(store, dataset):
    queue_run(store)
    fail_job(store, claim_next(store, "worker"), "The base is not installed.")
    app = open_page()
    assert "It came to nothing, 0 rounds finished. The base is not installed." in texts(app.error)
    press(app, "Try again")
    assert [job.state for job in list_jobs(store)] == ["queued", "failed"]


def test_a_run_of_other_mosaics_or_of_the_command_line_does_not_go_on(store, settings, dataset):
    write_run(settings, 0)
    assert "begun on the command line" in texts(open_page().caption)
    queue_run(store)
    request_cancel(store, list_jobs(store)[0].id)
    app = open_page()
    assert "What is approved has changed since it began" in texts(app.caption)
    assert labels(app) == [BUTTON]


def test_the_base_is_the_untuned_model_behind_the_default(settings):
    install(settings, "floor")
    install(settings, "wall", parent="floor")
    install(settings, "alone", parent=None)
    installed = installed_models(settings)
    assert [usual_base(installed, name) for name in ("wall", "alone", BASE, "gone")] == [BASE, "alone", BASE, BASE]


def test_a_second_name_of_a_day_has_a_number(settings):
    install(settings, "learned-2026-11-26")
    assert usual_name(settings, date(2026, 11, 26)) == "learned-2026-11-26-2"
