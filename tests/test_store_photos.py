"""The collection's photos: added once, found by words, described by several people, deleted with all that belongs to them."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from store_examples import FACTS, add_grey, all_mortar, files_of, png_bytes, segment, sha256

from tesserae.errors import ConflictError, StoreError
from tesserae.photo import read_photo
from tesserae.store.photos import (
    add_photo,
    count_photos,
    delete_photo,
    edit_photo,
    facts_of,
    get_photo,
    list_photos,
    photo_path,
    what_goes,
)
from tesserae.store.segmentations import list_segmentations

pytest_plugins = "store_fixtures"


def test_a_photo_is_kept_with_what_reading_it_told(store):
    content = png_bytes()
    before = datetime.now(UTC)
    photo = add_photo(store, content, "wall é.png", FACTS)
    assert photo.id == sha256(content)
    assert photo.file == f"photos/{photo.id}.png"
    assert (store.home / photo.file).read_bytes() == content
    assert (photo.name, photo.width, photo.height, photo.format) == ("wall é.png", 60, 40, "PNG")
    assert (photo.bit_depth, photo.mode, photo.orientation, photo.profile) == (8, "RGB", 6, "Adobe RGB")
    assert photo.notes == ("Turned upright.",)
    assert (photo.title, photo.site, photo.remarks, photo.mm_per_px, photo.version) == ("", "", "", None, 1)
    assert before <= photo.added_at <= datetime.now(UTC)
    assert photo.added_at.tzinfo is UTC
    assert get_photo(store, photo.id) == photo
    assert photo_path(store, photo).read_bytes() == content


def test_the_facts_are_those_of_the_photo_that_was_read(sqlite_store, tmp_path):
    path = tmp_path / "wall.png"
    path.write_bytes(png_bytes())
    read = read_photo(path, max_pixels=10_000)
    photo = add_photo(sqlite_store, path, read.name, facts_of(read))
    assert (photo.id, photo.width, photo.height, photo.notes) == (read.id, 60, 40, read.notes)
    assert path.read_bytes() == png_bytes()


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif")])
def test_the_kept_file_ends_as_its_kind_does(kind, suffix, sqlite_store):
    assert add_photo(sqlite_store, b"abc", "x.bin", replace(FACTS, format=kind)).file.endswith(suffix)


def test_the_same_bytes_are_added_once(store):
    first = add_grey(store, name="first.png")
    edited = edit_photo(store, replace(first, title="Stag hunt"))
    assert add_grey(store, name="second.png") == edited
    assert list_photos(store) == [edited]
    assert files_of(store) == [first.file]


def test_what_no_database_takes_is_left_out_of_names(store):
    photo = add_photo(store, png_bytes(), "a\0b\udce9.png", replace(FACTS, profile="sRGB\0", notes=("n\0",)))
    assert (photo.name, photo.profile, photo.notes) == ("ab?.png", "sRGB", ("n",))
    assert get_photo(store, photo.id) == photo


@pytest.fixture
def three_photos(store):
    texts = [
        {"title": "Élysée, Medusa", "site": "Pella"},
        {"title": "Stag hunt", "site": "PELLA", "inventory_number": "A_12/100%", "period": "4th c. BC"},
        {"remarks": "Medusa is mentioned here only"},
    ]
    for level, text in enumerate(texts):
        edit_photo(store, replace(add_grey(store, level, f"wall{level}.PNG"), **text))
    return store


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", "wall2 wall1 wall0"),
        ("  ", "wall2 wall1 wall0"),
        ("pella", "wall1 wall0"),
        ("ÉLYSÉE", "wall0"),
        ("elysee", "wall0"),
        ("medusa", "wall0"),
        ("a_12/100%", "wall1"),
        ("a%12", ""),
        ("4TH", "wall1"),
        ("wall2.png", "wall2"),
        ("hunt pella", "wall1"),
        ("hunt medusa", ""),
        ("\\", ""),
    ],
)
def test_searching(search, found, three_photos):
    names = [photo.name.removesuffix(".PNG") for photo in list_photos(three_photos, search)]
    assert names == found.split()
    assert count_photos(three_photos, search) == len(names)


def test_a_page_of_the_list(three_photos):
    assert [photo.name for photo in list_photos(three_photos, limit=1, offset=1)] == ["wall1.PNG"]


def test_an_edit_takes_over_what_people_write_and_nothing_else(store):
    photo = add_grey(store)
    changes = {"title": " Stag hunt ", "site": "Pella", "inventory_number": "12", "period": "4th c. BC", "remarks": "a\nb", "credit": "me"}
    edited = edit_photo(store, replace(photo, **changes, mm_per_px=0.25, width=1, name="other.png"))
    assert edited == replace(photo, **changes | {"title": "Stag hunt"}, mm_per_px=0.25, version=2)
    assert get_photo(store, photo.id) == edited
    assert edit_photo(store, replace(edited, mm_per_px=None)).mm_per_px is None


def test_the_second_of_two_edits_is_refused(store):
    photo = add_grey(store)
    edit_photo(store, replace(photo, title="mine"))
    with pytest.raises(ConflictError, match=r"“mine” was changed by somebody else.*expected version 1, found 2.*repeat your change"):
        edit_photo(store, replace(photo, title="yours"))
    assert get_photo(store, photo.id).title == "mine"


def test_of_edits_at_once_one_wins(store):
    photo, outcomes = add_grey(store), []

    def edit(number):
        try:
            outcomes.append(edit_photo(store, replace(photo, title=f"title {number}")).title)
        except ConflictError:
            outcomes.append(None)

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [title for title in outcomes if title]
    assert winners == [get_photo(store, photo.id).title]
    assert (len(outcomes), get_photo(store, photo.id).version) == (4, 2)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale, sqlite_store):
    photo = add_grey(sqlite_store)
    with pytest.raises(StoreError, match="positive number of millimetres per pixel"):
        edit_photo(sqlite_store, replace(photo, mm_per_px=scale))
    assert get_photo(sqlite_store, photo.id) == photo


def test_a_photo_that_is_not_there_is_told(store):
    gone = add_grey(store)
    delete_photo(store, gone.id)
    for ask in (get_photo, what_goes, delete_photo):
        with pytest.raises(StoreError, match=f"no photo {gone.id[:12]}; it may have been deleted"):
            ask(store, gone.id)
    with pytest.raises(StoreError, match="no photo"):
        edit_photo(store, gone)


def test_a_lost_file_is_told(sqlite_store):
    photo = add_grey(sqlite_store)
    (sqlite_store.home / photo.file).unlink()
    with pytest.raises(StoreError, match=r"file of “wall\.png” is missing: expected .*add the photo again"):
        photo_path(sqlite_store, photo)
    assert add_grey(sqlite_store) == photo
    assert photo_path(sqlite_store, photo).read_bytes() == png_bytes()


def test_deleting_takes_what_was_announced_and_keeps_shared_files(store):
    photo, other = add_grey(store, 1), add_grey(store, 2)
    own = segment(store, photo)
    shared = segment(store, photo, all_mortar())
    kept = segment(store, other, all_mortar())
    assert shared.file == kept.file
    announced = what_goes(store, photo.id)
    assert announced.files == (store.home / photo.file, store.home / own.file)
    assert announced.size_bytes == sum(path.stat().st_size for path in announced.files)
    assert announced.segmentations == 2
    assert "“wall.png” removes the photo, what was written about it and 2 segmentations: 2 files, 0.0 MB" in announced.sentence
    assert delete_photo(store, photo.id) == announced
    assert list_photos(store) == [other]
    assert list_segmentations(store, photo.id) == []
    assert files_of(store) == sorted([other.file, kept.file])


@pytest.mark.parametrize(("count", "words"), [(0, "and no segmentations: 1 file,"), (1, "and 1 segmentation: 2 files")])
def test_the_question_before_deleting_counts(count, words, sqlite_store):
    photo = add_grey(sqlite_store)
    for _ in range(count):
        segment(sqlite_store, photo)
    assert words in what_goes(sqlite_store, photo.id).sentence
