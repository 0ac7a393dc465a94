"""The page Mosaics with a real collection: adding, finding, describing, conflicts, scale, deleting."""

import io
from dataclasses import replace

import pytest
from page_examples import page, press, run, texts
from PIL import Image
from store_examples import segment

from tesserae.settings import Settings
from tesserae.store.photos import count_photos, edit_photo, get_photo, list_photos
from tesserae.ui import adding
from tesserae.ui.adding import add_file
from tesserae.ui.mosaics import PAGE_SIZE
from tesserae.ui.pictures import PYRAMIDS_FOLDER
from tesserae.ui.resources import get_store
from tesserae.ui.thumbnails import THUMBNAILS_FOLDER, thumbnail_path
from tesserae.ui.viewer import ViewerEvent


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("TESSERAE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TESSERAE_DATABASE_URL", raising=False)
    return Settings()


@pytest.fixture
def store(settings):
    """The collection that the page opens, too."""
    store = get_store(settings)
    yield store
    store.close()
    get_store.clear()


@pytest.fixture
def app(store):
    return page("mosaics")


def png_bytes(level=128, size=(60, 40)):
    stream = io.BytesIO()
    Image.new("RGB", size, (level, level, level)).save(stream, format="PNG")
    return stream.getvalue()


def add(store, settings, level=128, name="wall.png", **entries):
    record = add_file(store, settings, png_bytes(level), name).photo
    return edit_photo(store, replace(record, **entries)) if entries else record


def opened(app, record):
    app.query_params["mosaic"] = record.id
    return run(app)


def labels(elements):
    return [element.label for element in elements]


def field(app, label):
    return next(each for each in (*app.text_input, *app.text_area, *app.number_input, *app.selectbox) if each.label == label)


# --- Adding -------------------------------------------------------------------------------------------------------------


def test_an_empty_collection_says_what_to_do(app):
    run(app)
    assert "The collection is empty" in app.info[0].value
    assert labels(app.text_input) == []


def test_several_photos_are_added_and_a_bad_one_is_refused_alone(app, store):
    run(app)
    files = [("floor_1.png", png_bytes(10)), ("text.png", b"no picture"), ("wall.png", png_bytes(20))]
    app.file_uploader[0].set_value([(name, content, "image/png") for name, content in files])
    run(app)
    assert {photo.name for photo in list_photos(store)} == {"floor_1.png", "wall.png"}
    assert "2 photos added: floor_1.png, wall.png." in texts(app.success)
    assert "text.png was not added." in texts(app.error)
    assert app.file_uploader[0].value == []
    assert {"floor\\_1\\.png", "wall\\.png"} <= set(labels(app.button))
    assert all(thumbnail_path(store.home, photo.id).is_file() for photo in list_photos(store))
    assert all((store.home / PYRAMIDS_FOLDER / f"{photo.id}.pyramid").is_file() for photo in list_photos(store))


def test_bytes_that_are_there_already_are_not_added_twice(app, store, settings):
    add(store, settings, title="Orpheus")
    run(app)
    app.file_uploader[0].set_value([("again.png", png_bytes(), "image/png")])
    run(app)
    assert count_photos(store) == 1
    assert "again.png is in the collection already, as “Orpheus”" in texts(app.info)


def test_the_sample_is_added_with_one_button(app, store, monkeypatch):
    monkeypatch.setattr(adding, "sample_bytes", lambda: png_bytes(77))
    press(run(app), "Add the sample")
    assert [photo.name for photo in list_photos(store)] == ["sample.png"]


def test_a_photo_stays_when_its_pictures_cannot_be_made(store, settings, caplog):
    (store.home / THUMBNAILS_FOLDER).write_text("a file where the folder should be")
    outcome = add_file(store, settings, png_bytes(), "wall.png")
    assert outcome.photo == get_photo(store, outcome.photo.id)
    assert "its pictures could not be made" in caplog.text


# --- The library --------------------------------------------------------------------------------------------------------


def test_search_finds_by_what_was_written(app, store, settings):
    add(store, settings, 1, "a.png", title="Orpheus", site="Paphos")
    add(store, settings, 2, "b.png", title="Dolphins", site="Delos")
    run(app)
    app.text_input[0].set_value("delos")
    run(app)
    assert "Dolphins" in labels(app.button)
    assert "Orpheus" not in labels(app.button)
    assert "1 mosaic found" in texts(app.caption)
    app.text_input[0].set_value("volcano")
    run(app)
    assert "matches “volcano”" in texts(app.info)


def test_a_large_collection_has_pages(app, store, settings, monkeypatch):
    monkeypatch.setattr(adding, "_prepare_pictures", lambda *_: None)
    for level in range(PAGE_SIZE + 1):
        add(store, settings, level, f"m{level}.png")
    run(app)
    assert len([button for button in app.button if button.key and button.key.startswith("open ")]) == PAGE_SIZE
    app.pagination[0].set_value(2)
    run(app)
    assert [button.label for button in app.button if button.key and button.key.startswith("open ")] == ["m0\\.png"]


def test_a_card_whose_picture_is_lost_can_still_be_opened(app, store, settings):
    record = add(store, settings)
    for path in (store.home / record.file, thumbnail_path(store.home, record.id), store.home / PYRAMIDS_FOLDER / f"{record.id}.pyramid"):
        path.unlink()
    run(app)
    assert "cannot be shown" in texts(app.caption)
    press(app, "wall\\.png")
    assert "is missing" in texts(app.error)
    assert field(app, "Title").value == ""


# --- One mosaic ---------------------------------------------------------------------------------------------------------


def test_opening_puts_the_mosaic_into_the_address_and_closing_takes_it_out(app, store, settings):
    record = add(store, settings, title="Orpheus")
    press(run(app), "Orpheus")
    assert app.query_params["mosaic"] in (record.id, [record.id])
    assert app.title[0].value == "Orpheus"
    assert len(app.get("bidi_component")) == 1
    press(app, "All mosaics")
    assert "mosaic" not in app.query_params
    assert app.title[0].value == "Mosaics"


def test_an_address_of_a_mosaic_that_is_gone_is_told_with_a_way_back(app, store):
    app.query_params["mosaic"] = "f" * 64
    run(app)
    assert "has no photo ffffffffffff" in app.error[0].value
    assert "Mosaics" in press(app, "All mosaics").title[0].value


def test_what_people_write_is_stored(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    for label, text in {"Title": "Orpheus", "Inventory number": "A 12", "Notes": "two\nlines", "Credit": "© N. N."}.items():
        field(app, label).set_value(text)
    press(app, "Save")
    kept = get_photo(store, record.id)
    assert (kept.title, kept.inventory_number, kept.remarks, kept.credit) == ("Orpheus", "A 12", "two\nlines", "© N. N.")
    assert app.title[0].value == "Orpheus"


def test_an_edit_after_somebody_elses_is_refused_and_shown(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    edit_photo(store, replace(record, title="Theirs", site="Delos"))
    field(app, "Title").set_value("Mine")
    press(app, "Save")
    assert "was changed by somebody else" in texts(app.error)
    assert app.table[0].value["In your fields"].tolist() == ["Mine", ""]
    assert field(app, "Title").value == "Theirs"
    field(app, "Title").set_value("Agreed")
    press(app, "Save")
    assert not app.error
    assert get_photo(store, record.id).title == "Agreed"


def test_results_are_listed(app, store, settings):
    record = add(store, settings)
    segment(store, record)
    opened(app, record)
    assert app.dataframe[0].value["Tesserae"].tolist() == [3]


def test_deleting_says_what_goes_and_removes_the_pictures_too(app, store, settings):
    record = add(store, settings, title="Orpheus")
    opened(app, record)
    assert "Deleting “Orpheus” removes the photo" in texts(app.markdown)
    press(app, "Delete for good")
    assert count_photos(store) == 0
    assert "The collection is empty" in texts(app.info)
    assert list(store.home.rglob(f"*{record.id}*")) == []


# --- Scale --------------------------------------------------------------------------------------------------------------


def test_a_typed_scale_is_stored_and_can_be_taken_back(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    assert "No scale yet" in texts(app.markdown)
    field(app, "Millimetres per pixel").set_value(0.25)
    run(app)
    press(app, "Save the scale")
    assert get_photo(store, record.id).mm_per_px == 0.25
    assert "0.25 mm per pixel; the photo shows 1.5 cm by 1 cm." in texts(app.markdown)
    press(app, "Remove the scale")
    assert get_photo(store, record.id).mm_per_px is None
    assert field(app, "Millimetres per pixel").value is None


def test_a_scale_of_zero_is_refused_in_a_sentence(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    field(app, "Millimetres per pixel").set_value(0.0)
    run(app)
    press(app, "Save the scale")
    assert "positive number of millimetres" in texts(app.error)


def test_two_clicks_and_a_length_give_the_scale(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    app.radio[0].set_value("Two clicks on a scale bar")
    run(app)
    assert "Click on one end" in texts(app.markdown)
    click(app, record, 5.0, 10.0)
    assert "other end" in texts(app.markdown)
    click(app, record, 55.0, 10.0)
    assert "50 pixels apart" in texts(app.markdown)
    assert "zoom in" in texts(app.caption)
    field(app, "Length between the two points").set_value(2.0)
    run(app)
    press(app, "Use this scale")
    assert get_photo(store, record.id).mm_per_px == pytest.approx(20 / 50)


def test_a_third_click_begins_anew_and_clicks_count_only_while_measuring(app, store, settings):
    record = add(store, settings)
    opened(app, record)
    click(app, record, 5.0, 5.0)
    app.radio[0].set_value("Two clicks on a scale bar")
    run(app)
    for x in (1.0, 2.0, 3.0):
        click(app, record, x, 1.0)
    assert "other end" in texts(app.markdown)


def test_a_photo_too_coarse_for_fine_work_is_told(app, store, settings):
    record = add(store, settings, mm_per_px=0.5)
    opened(app, record)
    assert "fewer than 10 pixels" in texts(app.warning)


def click(app, record, x, y):
    """Let the viewer's memory hold a click, as it does when the browser has sent one."""
    app.session_state[f"mosaic {record.id}.viewer"]["click"] = ViewerEvent(x, y, 0)
    run(app)
