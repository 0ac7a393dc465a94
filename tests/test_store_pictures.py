"""Cached pictures go with the photo or result that they show, and are where the pages put them."""

import logging

from store_examples import add_grey, all_mortar, files_of, segment

from tesserae.store.files import EMBEDDINGS
from tesserae.store.photos import delete_photo
from tesserae.store.pictures import PYRAMIDS, THUMBNAILS, list_pictures, pictures_of
from tesserae.store.segmentations import delete_segmentation
from tesserae.tilecache import TileCache
from tesserae.ui.pictures import _place
from tesserae.ui.thumbnails import thumbnail_path

pytest_plugins = "store_fixtures"


def draw_all(store, *records):
    """Stand in for the pictures of photos and segmentations."""
    for record in records:
        for path in pictures_of(store.home, content_id(record)):
            path.parent.mkdir(exist_ok=True)
            path.touch()


def content_id(record):
    return record.file.split("/")[1].split(".")[0]


def test_the_pages_put_them_where_the_store_looks_for_them(sqlite_store):
    assert pictures_of(sqlite_store.home, "a") == (_place(sqlite_store, "a"), thumbnail_path(sqlite_store.home, "a"))


def test_a_deleted_photo_takes_its_pictures_and_those_of_its_results_with_it(store):
    photo, other = add_grey(store, 1), add_grey(store, 2)
    own, shared, others = segment(store, photo), segment(store, photo, all_mortar()), segment(store, other, all_mortar())
    assert shared.file == others.file
    draw_all(store, photo, other, own, shared)
    delete_photo(store, photo.id)
    left = sorted(path for record in (other, others) for path in pictures_of(store.home, content_id(record)))
    assert list_pictures(store.home) == left


def test_a_deleted_segmentation_takes_its_pictures_with_it(store):
    photo = add_grey(store)
    made = segment(store, photo)
    draw_all(store, photo, made)
    delete_segmentation(store, made.id)
    assert files_of(store) == sorted([photo.file, *(path.relative_to(store.home).as_posix() for path in pictures_of(store.home, photo.id))])


def test_a_picture_that_cannot_be_removed_is_logged_and_left(sqlite_store, caplog):
    photo = add_grey(sqlite_store)
    pyramid, _ = pictures_of(sqlite_store.home, photo.id)
    pyramid.mkdir(parents=True)
    with caplog.at_level(logging.WARNING):
        delete_photo(sqlite_store, photo.id)
    assert "shows what was deleted, but cannot be removed" in caplog.text
    assert list_pictures(sqlite_store.home) == [pyramid]


def test_other_files_are_no_pictures(tmp_path):
    for folder, name in ((PYRAMIDS, "notes.txt"), (THUMBNAILS, "mine.jpg"), (EMBEDDINGS, f"{'a' * 64}.jpg")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    assert list_pictures(tmp_path) == []
    assert TileCache(tmp_path / EMBEDDINGS, 1).size_bytes() == 0
