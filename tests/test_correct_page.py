"""The page that corrects, run without a browser on a real collection: what it offers, opens, says and keeps."""

import io
from functools import partial

import numpy as np
import page_examples
import pytest
from conftest import three_tesserae
from page_examples import box, button, press, run, texts
from PIL import Image
from store_examples import segment

from tesserae.correcting import apply, open_desk
from tesserae.corrections.operations import Delete
from tesserae.settings import Settings
from tesserae.store.annotations import list_annotations
from tesserae.store.drafts import create_draft, list_drafts, note_editor, open_draft
from tesserae.ui.adding import add_file
from tesserae.ui.correct.desks import get_desk
from tesserae.ui.resources import get_store

OPEN = "Correct this result"

open_page = partial(page_examples.open_page, "correct")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The collection that the page opens, too."""
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    store = get_store(Settings())
    yield store
    store.close()
    get_store.clear()
    get_desk.clear()


@pytest.fixture
def photo(store):
    stream = io.BytesIO()
    Image.new("RGB", (60, 40), (128, 128, 128)).save(stream, format="PNG")
    return add_file(store, Settings(), stream.getvalue(), "wall.png").photo


@pytest.fixture
def draft(store, photo):
    return open_draft(store, segment(store, photo), "Anna")


@pytest.fixture
def opened(draft):
    """The page with a draft open, and a visitor's name."""
    return open_page(mosaic=draft.photo_id, draft=draft.id, name="Berta")


def count(app):
    return app.metric[0].value


def panel(app, name):
    next(group for group in app.button_group if name in group.options).set_value(name)
    return run(app)


def test_an_empty_collection_says_what_to_do(store):
    assert "Add a photograph of a mosaic" in texts(open_page().info)


def test_a_mosaic_without_a_result_says_what_to_do(photo):
    assert "counted on the page" in texts(open_page(mosaic=photo.id).info)


def test_a_result_is_opened_once_and_gone_on_with(store, photo):
    segment(store, photo)
    app = press(open_page(mosaic=photo.id), OPEN)
    assert count(app) == str(len(np.unique(three_tesserae())) - 1)
    assert len(list_drafts(store, photo.id)) == 1
    again = open_page(mosaic=photo.id)
    assert OPEN not in [each.label for each in again.button]
    assert count(again) == count(app)
    assert len(list_drafts(store, photo.id)) == 1


def test_what_others_did_is_shown_and_can_be_undone_and_done_again(store, draft, opened):
    before = int(count(opened))
    apply(open_desk(store, draft.id), Delete((1,)), "Anna")
    app = run(opened)
    assert (count(app), app.metric[0].delta) == (str(before - 1), "-1 by hand")
    app = press(app, "Undo")
    assert count(app) == str(before)
    assert "Taken back: 1 tessera more" in texts(app.success)
    app = press(app, "Redo")
    assert count(app) == str(before - 1)
    assert "3 entries in the log, all saved" in texts(app.caption)


def test_nothing_can_be_undone_at_first(opened):
    assert button(opened, "Undo").disabled
    assert button(opened, "Redo").disabled


def test_a_drawing_that_says_nothing_changes_nothing(store, draft, opened):
    app = press(opened, "Nearer")
    assert not open_desk(store, draft.id).log
    assert not app.warning


def test_somebody_else_on_the_mosaic_is_named(store, draft, opened):
    assert not opened.info
    note_editor(store, draft.id, "another session", "Anna")
    assert "Anna also has this mosaic open" in texts(run(opened).info)


def test_the_history_names_who_did_what(store, draft, opened):
    assert "Nothing was corrected yet" in texts(panel(opened, "History").caption)
    apply(open_desk(store, draft.id), Delete((1,)), "Anna")
    table = run(opened).dataframe[0].value
    assert table[["No.", "What", "Who"]].to_numpy().tolist() == [[1, "Deleted tessera 1", "Anna"]]


def test_the_whole_mosaic_is_approved_under_a_name(store, draft, opened):
    app = press(panel(opened, "Approve"), "Approve it")
    assert [(each.author, each.region_xy) for each in list_annotations(store, draft.photo_id)] == [("Berta", None)]
    assert "Revision 1: 3 tesserae, all of it, approved by Berta" in texts(app.markdown)


def test_nobody_approves_without_a_name(draft):
    app = panel(open_page(mosaic=draft.photo_id, draft=draft.id), "Approve")
    assert "Write your name" in texts(app.caption)


def test_several_drafts_are_told_apart(store, photo, draft):
    other = create_draft(store, photo.id, three_tesserae(), "import", ("Two pieces were joined.",), "Carla")
    app = open_page(mosaic=photo.id, draft=other.id)
    names = box(app, "Corrections").options
    assert len(names) == 2
    assert any(name.startswith("An imported annotation") and name.endswith("by Carla") for name in names)


def test_an_annotation_from_elsewhere_begins_a_draft(store, photo):
    stream = io.BytesIO()
    Image.fromarray((three_tesserae() > 0).astype(np.uint8) * 255).save(stream, format="PNG")
    app = open_page(mosaic=photo.id)
    app.file_uploader[0].set_value(("mask.png", stream.getvalue(), "image/png"))
    app = press(run(app), "Begin with it")
    assert [each.origin for each in list_drafts(store, photo.id)] == ["import"]
    assert app.metric


def test_an_annotation_of_another_size_is_refused_in_a_sentence(store, photo):
    stream = io.BytesIO()
    Image.new("L", (30, 30), 255).save(stream, format="PNG")
    app = open_page(mosaic=photo.id)
    app.file_uploader[0].set_value(("mask.png", stream.getvalue(), "image/png"))
    app = press(run(app), "Begin with it")
    assert "30 x 30" in texts(app.error)
    assert not list_drafts(store, photo.id)
