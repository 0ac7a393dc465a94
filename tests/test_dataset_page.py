"""The page of the dataset with a real collection: figures, cards, sides chosen by hand, downloads, and an upload taken over."""

import io
import zipfile
from functools import partial

import numpy as np
import page_examples
import pytest
from dataset_examples import LABELS, add_picture, approve, approved_mosaic, picture
from page_examples import button, run, texts
from PIL import Image

from tesserae.dataset import find_members
from tesserae.settings import Settings
from tesserae.store.photos import photo_path
from tesserae.ui.dataset.exchange import folder_bytes, zip_bytes
from tesserae.ui.dataset.pictures import approved_picture
from tesserae.ui.resources import get_store

open_page = partial(page_examples.open_page, "dataset")
LEFT = ((0.0, 0.0), (72.0, 0.0), (72.0, 48.0), (0.0, 48.0))


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The collection that the page opens, too."""
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TESSERAE_DATABASE_URL", raising=False)
    store = get_store(Settings())
    yield store
    store.close()
    get_store.clear()


def figures(app):
    return [(metric.value, metric.delta) for metric in app.metric]


def test_an_empty_dataset_says_what_to_do(store):
    app = open_page()
    assert "Open a mosaic on the page Correct" in texts(app.info)
    assert (len(app.metric), [each.label for each in app.button]) == (0, [])


def test_cards_tell_what_is_approved_and_a_side_is_chosen_under_a_name(store):
    approved_mosaic(store, 0)
    approved_mosaic(store, 1, region=(LEFT,), count=24, author="Ben")
    stream = io.BytesIO()
    Image.fromarray(picture(0)[::-1]).save(stream, format="PNG")
    approve(store, add_picture(store, stream.getvalue(), "copy.png"), LABELS[::-1].copy())
    app = open_page()
    said = texts(app.markdown, app.caption)
    assert "24 tesserae in a part of the photo, 1 region, approved by Ben on" in said
    assert "Shows the same as “wall0.png”, and stays on the same side." in said
    assert "1 more mosaic and the model can be judged on one that it has not seen." in said
    assert [box.disabled for box in app.selectbox] == [True] * 3
    app = open_page(name="Anna")
    assert [box.value for box in app.selectbox] == ["train"] * 3
    app.selectbox[0].set_value("validation")
    run(app)
    assert [box.value for box in app.selectbox] == ["validation", "train", "validation"]
    assert figures(app) == [("24 tesserae", "1 photo"), ("96 tesserae", "2 photos"), ("0 tesserae", "0 photos")]
    assert texts(app.caption).count("Chosen by Anna on") == 2


def test_one_mosaic_of_few_tesserae_is_shown_though_nothing_can_be_learned(store):
    approved_mosaic(store, 0, np.where(LABELS > 20, 0, LABELS).astype(np.int32))
    app = open_page()
    assert "needs at least 24 approved tesserae" in texts(app.info)
    assert len(app.selectbox) == 1


def test_a_lost_photo_is_told(store):
    photo = approved_mosaic(store, 0)
    photo_path(store, photo).unlink()
    assert "The file of “wall0.png” is missing" in texts(open_page().error)


def test_the_picture_shows_what_is_known_and_fades_the_rest(store):
    approved_mosaic(store, 0, region=(LEFT,), count=24)
    (member,) = find_members(store, Settings())
    shown = np.asarray(Image.open(io.BytesIO(approved_picture(store, Settings(), member))), np.int16)
    assert shown.shape == (292, 480, 3)
    spread = (shown.max(axis=2) - shown.min(axis=2)).mean(axis=0)
    assert spread[:400].mean() > 20
    assert spread[-30:].mean() < 5


def test_downloads_can_be_taken_over_by_upload(store):
    for seed in range(2):
        approved_mosaic(store, seed, region=(LEFT,), count=24)
    settings = Settings()
    whole, masks = zip_bytes(store, settings), folder_bytes(store, settings, "masks")
    with zipfile.ZipFile(io.BytesIO(masks)) as archive:
        assert b"wall1.jpg was cut to the part that is approved." in archive.read("notes.txt")
    app = open_page()
    app.file_uploader[0].set_value(("set.zip", whole, "application/zip"))
    run(app)
    button(app, "Take it over").click()
    run(app)
    assert "Nothing was taken over" in texts(app.success)
    app.file_uploader[0].set_value(("masks.zip", masks, "application/zip"))
    run(app)
    button(app, "Take it over").click()
    run(app)
    assert "Who vouches for these annotations?" in texts(app.error)
