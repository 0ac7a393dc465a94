"""The page that compares, run without a browser on a real collection; both models are files with any content, and none is ever run."""

import hashlib
import io
import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import page_examples
import pytest
import tifffile
from conftest import three_tesserae
from dataset_examples import approve
from page_examples import as_read, box, button, press, run, texts
from store_examples import add_grey, provenance

from tesserae.activation import activate
from tesserae.comparison import KINDS, compare_label_maps
from tesserae.deepzoom import build_pyramid
from tesserae.jobs.orders import SEGMENT, revision_options
from tesserae.options import RunOptions
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import claim_next, fail_job, finish_job, list_jobs, report_progress, request_cancel
from tesserae.store.photos import edit_photo
from tesserae.store.segmentations import Scores, add_segmentation
from tesserae.ui.compare import picture
from tesserae.ui.compare.choice import Side
from tesserae.ui.compare.colours import A_COLOUR, KIND_COLOURS, colour_table
from tesserae.ui.compare.picture import answer, box_around, make_layers
from tesserae.ui.compare.results import Compared
from tesserae.ui.options import METHODS
from tesserae.ui.viewer import ViewerEvent

BASELINE, OTHER, TUNED = "tesserae_mini", "sam2_hiera_tiny", "floor"

open_page = partial(page_examples.open_page, "compare")


@pytest.fixture
def installed(weights_dir, tmp_path, monkeypatch):
    """Two baselines and a fine-tuned model seem to be there; the collection is empty."""
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    for name in (BASELINE, OTHER, TUNED):
        (weights_dir / f"{name}.pt").write_text(name, encoding="utf-8")
    write_record(weights_dir)
    return weights_dir


@pytest.fixture
def store(installed):
    with open_store(Settings()) as store:
        yield store


@pytest.fixture
def photo(store):
    return add_grey(store)


def write_record(weights_dir, **facts):
    (weights_dir / f"{TUNED}.json").write_text(json.dumps({"config": BASELINE, **facts}), encoding="utf-8")


def other_map():
    """Beside `three_tesserae`: 1 is the same, 2 is divided, 7 is missing, and one is new."""
    labels = three_tesserae()
    labels[labels == 7] = 0
    labels[5:21, 20:27] = 3
    labels[30:34, 2:8] = 5
    return labels


def add_result(store, photo, name, labels, way="Careful", **changes):
    """Store a result as the job would."""
    facts = {
        "checkpoint": name,
        "checkpoint_sha256": hashlib.sha256(name.encode()).hexdigest(),
        "options": revision_options(RunOptions(name, METHODS[way][1])),
    }
    return add_segmentation(store, photo.id, labels, Scores(), provenance(**facts | changes))


def add_both(store, photo):
    return add_result(store, photo, BASELINE, three_tesserae()), add_result(store, photo, TUNED, other_map())


def choices(app):
    return {box.label: box.value for box in app.selectbox}


def viewer_message(app):
    message = app.get("bidi_component")[0].proto.bytes
    length = int.from_bytes(message[:4], "little")
    return json.loads(message[4 : 4 + length])


def tiff_bytes(labels):
    stream = io.BytesIO()
    tifffile.imwrite(stream, labels.astype(np.uint16))
    return stream.getvalue()


# --- Choosing -----------------------------------------------------------------------------------------------------------


def test_an_empty_collection_says_what_to_do(store):
    app = open_page()
    assert "The collection is empty" in app.info[0].value
    assert (len(app.error), len(app.metric)) == (0, 0)


def test_a_baseline_and_the_active_fine_tuned_model_are_proposed(installed, photo):
    assert choices(open_page())["Model B"] == TUNED
    for name in ("another", "zenith"):
        (installed / f"{name}.pt").write_text(name, encoding="utf-8")
        (installed / f"{name}.json").write_text(json.dumps({"config": BASELINE}), encoding="utf-8")
    activate(Settings(), "zenith")
    found = choices(open_page())
    assert (found["Model A"], found["Model B"]) == (BASELINE, "zenith")
    assert (found["How A looks"], found["How B looks"]) == ("Careful", "Careful")


def test_without_a_fine_tuned_model_another_baseline_is_proposed(installed, photo):
    (installed / f"{TUNED}.pt").unlink()
    found = choices(open_page())
    assert (found["Model A"], found["Model B"]) == (BASELINE, OTHER)


def test_one_model_alone_can_be_compared_with_itself_in_another_way(installed, store, photo):
    for name in (TUNED, OTHER):
        (installed / f"{name}.pt").unlink()
    app = open_page()
    assert "Only one is installed; the page **Models**" in texts(app.info)
    add_result(store, photo, BASELINE, three_tesserae())
    add_result(store, photo, BASELINE, other_map(), "Fast")
    box(app, "How B looks").set_value("Fast")
    run(app)
    assert [metric.value for metric in app.metric] == ["3", "4", "1", "3"]
    assert "tesserae\\_mini \\(fast\\)" in app.metric[1].label


def test_without_a_model_the_page_says_how_to_get_one(installed, photo):
    for name in (BASELINE, TUNED, OTHER):
        (installed / f"{name}.pt").unlink()
    assert "No model is installed" in open_page().error[0].value


def test_a_model_without_a_record_is_mentioned(installed, photo):
    (installed / "mine.pt").touch()
    assert "mine.pt has no record" in texts(open_page().warning)


def test_the_choice_stands_in_the_address(installed, photo):
    app = open_page()
    box(app, "Model B").set_value(OTHER)
    run(app)
    assert choices(open_page(**app.query_params))["Model B"] == OTHER


# --- Running ------------------------------------------------------------------------------------------------------------


def test_both_models_are_queued_as_one_job_that_a_reload_finds_again(store, photo):
    app = open_page()
    assert "have not both looked at this mosaic yet" in app.info[0].value
    press(app, "Compare")
    (job,) = list_jobs(store)
    assert (job.kind, job.arguments["photo_id"]) == (SEGMENT, photo.id)
    assert [each["checkpoint"] for each in job.arguments["runs"]] == [BASELINE, TUNED]
    claimed = claim_next(store, "worker")
    report_progress(store, claimed, 0.25, "floor: embed")
    again = open_page()
    assert button(again, "Compare").disabled
    assert "25%" in str([element.proto for element in again.get("progress")])
    assert len(list_jobs(store)) == 1
    button(again, "Stop").click()
    again.run()
    assert list_jobs(store)[0].cancel_requested


def test_what_the_job_has_made_is_shown_by_the_next_run_of_the_page(store, photo):
    app = press(open_page(), "Compare")
    claimed = claim_next(store, "worker")
    add_both(store, photo)
    finish_job(store, claimed, {})
    run(app)
    assert app.metric[0].value == "3"


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (lambda store: fail_job(store, claim_next(store, "worker"), "The memory is too small."), "The memory is too small."),
        (lambda store: request_cancel(store, list_jobs(store)[0].id), "The last run was stopped."),
    ],
    ids=["failed", "cancelled"],
)
def test_a_run_that_came_to_nothing_is_told_and_can_be_repeated(end, sentence, store, photo):
    press(open_page(), "Compare")
    end(store)
    app = open_page()
    assert sentence in texts(app.error, app.info)
    press(app, "Compare")
    assert [job.state for job in list_jobs(store)] == ["queued", list_jobs(store)[1].state]


@pytest.mark.parametrize(
    "changes",
    [{"program_version": "0.0.1"}, {"checkpoint_sha256": "d" * 64}],
    ids=["older program", "other file"],
)
def test_results_that_the_job_would_make_anew_are_not_shown(changes, store, photo):
    add_result(store, photo, BASELINE, three_tesserae())
    add_result(store, photo, TUNED, other_map(), **changes)
    assert len(open_page().metric) == 0


# --- Figures ------------------------------------------------------------------------------------------------------------


def test_counts_and_differences_are_said(store, photo):
    add_both(store, photo)
    app = open_page()
    assert [(metric.value, metric.delta) for metric in app.metric] == [("3", ""), ("4", "+1"), ("1", ""), ("3", "")]
    said = texts(app.markdown)
    assert "floor finds 4 tesserae, tesserae_mini 3: 1 more (+33.3 %)." in said
    assert "Found by floor only: 1; by tesserae_mini only: 1." in said
    assert "At 1 place floor divides what tesserae_mini joins: 2 tesserae instead of 1." in said
    assert "0.8 s on cpu (float32)" in texts(app.caption)
    assert "A: Too coarse." in texts(app.warning)
    assert "Found only by B, floor" in app.get("html")[0].proto.body
    assert not app.error


def test_areas_are_in_pixels_until_the_scale_is_known(store, photo):
    add_both(store, photo)
    app = open_page()
    assert "areas are given in pixels" in texts(app.caption)
    assert "Area, pixels" in app.get("plotly_chart")[0].proto.spec
    edit_photo(store, replace(photo, mm_per_px=0.5))
    app = open_page()
    assert "areas are given in pixels" not in texts(app.caption)
    assert "pixels" not in app.get("plotly_chart")[0].proto.spec
    assert "Area in A, mm²" in app.dataframe[0].value


def test_two_empty_results_have_no_histogram(store, photo):
    for name in (BASELINE, TUNED):
        add_result(store, photo, name, np.zeros((40, 60), np.int32))
    app = open_page()
    assert len(app.get("plotly_chart")) == 0
    assert "Neither" in texts(app.markdown)
    assert "Nothing differs here." in texts(app.markdown)


@pytest.mark.parametrize(("split", "warned"), [("train", True), ("validation", True), ("test", False)])
def test_a_photo_that_served_in_training_is_named_where_the_figures_stand(split, warned, installed, store, photo):
    write_record(installed, photo_ids={split: [photo.id], "other": []})
    add_both(store, photo)
    assert ("served in training floor (B)" in texts(open_page().warning)) == warned


def test_a_lost_label_map_is_told_in_a_sentence(store, photo):
    first, _ = add_both(store, photo)
    (store.home / first.file).unlink()
    assert "There is no label map" in open_page().error[0].value


def test_a_lost_photo_is_told_in_place_of_the_pictures(store, photo):
    add_both(store, photo)
    (store.home / photo.file).unlink()
    app = open_page()
    assert "The file of “wall.png” is missing" in as_read(app.error[0])
    assert app.metric[0].value == "3"


# --- Pictures and places ------------------------------------------------------------------------------------------------


def test_the_three_views_share_one_viewer(store, photo):
    add_both(store, photo)
    app = open_page()
    seen = []
    for view in ("Side by side", "Swipe", "Differences"):
        app.segmented_control[0].set_value(view) if hasattr(app, "segmented_control") else app.button_group[0].set_value([view])
        message = viewer_message(run(app))
        seen.append((message["mode"], [layer["name"] for layer in message["layers"]]))
    names = ["A: tesserae_mini", "B: floor"]
    assert seen == [("side", names), ("swipe", names), ("single", ["Differences"])]
    assert (store.home / "pyramids").is_dir()


def test_next_and_previous_lead_the_viewer_from_place_to_place(store, photo):
    add_both(store, photo)
    app = open_page()
    assert "the most important of 3 places" in texts(app.markdown)
    assert button(app, "Previous").disabled
    press(app, "Next")
    assert "Place 1 of 3: **divided**, tessera 2 of A and 2, 3 of B" in texts(app.markdown)
    assert viewer_message(app)["look_at"] == {"turn": 1, "box": [0, 0, 60, 40]}
    press(press(app, "Next"), "Next")
    assert "Place 3 of 3: **only B**, tessera 5 of B" in texts(app.markdown)
    assert button(app, "Next").disabled
    press(app, "Previous")
    assert "Place 2 of 3: **only A**, tessera 7 of A" in texts(app.markdown)
    assert viewer_message(app)["look_at"]["turn"] == 4


def test_the_table_lists_the_places_in_the_same_order(store, photo):
    add_both(store, photo)
    table = open_page().dataframe[0].value
    assert table["Difference"].tolist() == ["divided", "only A", "only B"]
    assert table["Tesserae of B"].tolist() == ["2, 3", "", "5"]
    assert table["Area in A, pixels"].tolist() == [256, 100, 0]


def test_a_row_of_the_table_leads_the_viewer_too(store, photo, monkeypatch):
    places = compare_label_maps(three_tesserae(), other_map()).differences
    state = {"steps table": SimpleNamespace(selection=SimpleNamespace(rows=[2]))}
    monkeypatch.setattr("streamlit.session_state", state)
    picture._go_to_selected("viewer", "steps", places, photo)
    assert state["steps"] == 2
    assert state["viewer.viewer"]["look_at"]["box"] == (0, 0, 48, 40)
    state["steps table"].selection.rows = []
    picture._go_to_selected("viewer", "steps", places, photo)
    assert state["viewer.viewer"]["turn"] == 1


def test_a_long_table_is_cut_and_says_so(store, photo, monkeypatch):
    monkeypatch.setattr(picture, "MOST_ROWS", 2)
    add_both(store, photo)
    app = open_page()
    assert len(app.dataframe[0].value) == 2
    assert "The 2 most important of 3; the file has all of them." in texts(app.caption)


@pytest.fixture
def compared(store, photo, installed):
    results = add_both(store, photo)
    sides = tuple(Side(letter, None, "Careful", name) for letter, name in (("A", "Old"), ("B", "New")))
    return Compared(photo, sides, results, compare_label_maps(three_tesserae(), other_map()))


@pytest.fixture
def pyramids(tmp_path):
    grey = np.full((40, 60, 3), 128, np.uint8)
    arrays = {"photo": grey, "a": three_tesserae(), "b": other_map()}
    photo, *labels = [build_pyramid(array, tmp_path / name) for name, array in arrays.items()]
    return photo, labels


def pixels(layer):
    return layer.render((0.0, 0.0, 60.0, 40.0), (60, 40))


def test_only_what_differs_is_coloured(compared, pyramids):
    photo, labels = pyramids
    (layer,) = make_layers("single", photo, labels, compared, KINDS[1:])
    picture = pixels(layer)
    blend = {kind: (np.array(colour) + 128) // 2 for kind, colour in KIND_COLOURS.items()}
    for kind, (x, y) in {"only_a": (45, 30), "only_b": (5, 32), "split": (31, 12)}.items():
        np.testing.assert_allclose(picture[y, x], blend[kind], atol=1)
    np.testing.assert_array_equal(picture[8, 7], 128)
    np.testing.assert_array_equal(picture[2:14, 1:13], 128)
    (layer,) = make_layers("single", photo, labels, compared, ["only_b"])
    np.testing.assert_array_equal(pixels(layer)[30, 45], 128)


def test_each_side_shows_its_own_tesserae(compared, pyramids):
    photo, labels = pyramids
    a, b = make_layers("side", photo, labels, compared, KINDS[1:])
    assert (a.name, b.name) == ("A: Old", "B: New")
    np.testing.assert_array_equal(pixels(a)[3, 2], A_COLOUR)
    np.testing.assert_array_equal(pixels(b)[30, 45], 128)
    assert pixels(a)[30, 45].tolist() != [128, 128, 128]
    assert a.revision != make_layers("side", photo, labels, compared, ["moved"])[0].revision


def test_a_click_tells_what_both_models_have_there(compared, pyramids):
    _, labels = pyramids
    assert answer(labels, compared, ViewerEvent(45, 30, 0)) == "A, Old: tessera 7, 100 pixels, only A. B, New: mortar."
    scaled = replace(compared, photo=replace(compared.photo, mm_per_px=0.5))
    assert (
        answer(labels, scaled, ViewerEvent(3, 4, 1))
        == "A, Old: tessera 1, 25.0 mm², same in both. B, New: tessera 1, 25.0 mm², same in both."
    )


def test_a_place_is_shown_with_its_surroundings_within_the_photo():
    place = {"box_x0": 100, "box_y0": 10, "box_x1": 160, "box_y1": 30}
    assert box_around(place, (190, 1000)) == (40, 0, 190, 90)
    assert box_around(place | {"box_x1": 110}, (1000, 1000)) == (60, 0, 150, 70)


def test_colours_know_every_label():
    found = compare_label_maps(three_tesserae(), other_map()).a
    table = colour_table(found, ["only_a"])
    assert table.shape == (8, 4)
    assert table[7].tolist() == [*A_COLOUR, 255]
    assert (table[[0, 1, 2], 3] == 0).all()


# --- Truth --------------------------------------------------------------------------------------------------------------


def give_truth(app, name, content):
    app.file_uploader[0].set_value((name, content, "application/octet-stream"))
    return run(app)


def test_truth_marks_the_better_one(store, photo):
    add_both(store, photo)
    app = open_page()
    assert "not which of them is right" in texts(app.caption)
    give_truth(app, "truth.tif", tiff_bytes(three_tesserae()))
    table = app.dataframe[-1].value.set_index("Figure")
    assert table.loc["Tesserae found", ["A", "B", "Better"]].tolist() == ["100.0 %", "66.7 %", "A"]
    assert table.loc["Area, IoU", "Published"] == "89.0 % → 91.0 %"
    assert "tesserae_mini is nearer to the truth in" in texts(app.markdown)


def test_what_is_approved_is_the_truth_until_a_file_is_given(store, photo):
    add_both(store, photo)
    approve(store, photo, three_tesserae(), author="Anna")
    app = open_page()
    assert "Truth: 3 tesserae in the whole photo, approved by Anna on" in texts(app.caption)
    shown = app.dataframe[-1].value.set_index("Figure")
    assert shown.loc["Tesserae found", ["A", "B", "Better"]].tolist() == ["100.0 %", "66.7 %", "A"]
    give_truth(app, "truth.tif", tiff_bytes(other_map()))
    assert "approved by Anna" not in texts(app.caption)
    assert app.dataframe[-1].value.set_index("Figure").loc["Tesserae found", "Better"] == "B"


def test_where_nothing_is_approved_nothing_is_measured(store, photo):
    add_both(store, photo)
    approve(store, photo, three_tesserae(), region=(((0.0, 0.0), (16.0, 0.0), (16.0, 24.0), (0.0, 24.0)),), count=1)
    app = open_page()
    assert "1 tessera in a part of the photo, 1 region, approved by Anna" in texts(app.caption)
    assert "Only there both were measured." in texts(app.caption)
    shown = app.dataframe[-1].value.set_index("Figure")
    assert shown.loc["Tesserae found", ["A", "B", "Better"]].tolist() == ["100.0 %", "100.0 %", "–"]


def test_marked_points_are_taken_by_the_photos_name_or_as_chosen(store, photo):
    add_both(store, photo)
    entry = {"kind": "points", "x": 0, "y": 0, "side": 40, "tessera_px": 4, "points": [[7, 8], [28, 13]]}
    app = give_truth(open_page(), "marks.json", json.dumps({"floor": entry | {"points": []}, "wall": entry}).encode())
    chosen = next(box for box in app.selectbox if box.label.startswith("Entry"))
    assert chosen.value == "wall"
    assert app.dataframe[-1].value["Figure"].tolist()[1:] == [
        "Marks found",
        "Outlines with one mark",
        "F1 of the marks",
        "Outlines with several marks",
        "Marks on mortar",
    ]
    chosen.set_value("floor")
    run(app)
    assert app.dataframe[-1].value["A"].tolist()[1] == "–"
    app = give_truth(open_page(), "marks.json", json.dumps({"one": entry}).encode())
    assert not any(box.label.startswith("Entry") for box in app.selectbox)


def test_a_binary_mask_is_taken_with_a_note(store, photo):
    add_both(store, photo)
    app = give_truth(open_page(), "mask.tif", tiff_bytes(np.where(three_tesserae() > 0, 65535, 0)))
    assert "The annotation is a binary mask" in texts(app.caption)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("truth.tif", b"no picture", "truth.tif should be an image of tesserae"),
        ("marks.json", b"{", "should be a JSON file of marked points"),
        ("truth.tif", tiff_bytes(np.array([[1, 2], [3, 0]])), "should have one size"),
    ],
    ids=["damaged", "broken json", "another size"],
)
def test_truth_that_cannot_be_used_is_told_in_a_sentence(name, content, sentence, store, photo):
    add_both(store, photo)
    app = give_truth(open_page(), name, content)
    assert sentence in as_read(app.error[0])
    assert app.metric[0].value == "3"
