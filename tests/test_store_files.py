"""Files named by their content: atomic, flushed, replaced when damaged, and used by rows or not."""

import errno
import logging

import pytest
from store_examples import add_grey, all_mortar, files_of, png_bytes, segment, sha256

from tesserae.errors import OutputError, StoreError
from tesserae.store import files, references
from tesserae.store.files import keep_file
from tesserae.store.photos import delete_photo, list_photos
from tesserae.store.references import adding_file, drop_unused_files, is_used, set_aside, used_files

pytest_plugins = "store_fixtures"

NAME = f"photos/{sha256(b'abc')}.png"


def keep(home, content=b"abc"):
    return keep_file(home, "photos", ".png", lambda part: part.write_bytes(content))


def test_a_file_is_named_by_its_content_and_kept_once(tmp_path):
    assert keep(tmp_path) == NAME
    before = (tmp_path / NAME).stat()
    assert keep(tmp_path) == NAME
    assert (tmp_path / NAME).stat().st_ino == before.st_ino
    assert (tmp_path / NAME).read_bytes() == b"abc"
    assert [path.name for path in (tmp_path / "photos").iterdir()] == [NAME.removeprefix("photos/")]


def test_a_damaged_file_is_replaced(tmp_path):
    keep(tmp_path)
    (tmp_path / NAME).write_bytes(b"ab")
    keep(tmp_path)
    assert (tmp_path / NAME).read_bytes() == b"abc"


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, r"The disk ran full while writing to .*photos \(No space left on device\)\. Nothing was changed: make room"),
        (errno.EACCES, r"photos could not be used \(Permission denied\).*TESSERAE_HOME"),
    ],
    ids=["full", "forbidden"],
)
@pytest.mark.parametrize("step", ["fill", "fsync", "replace"])
def test_a_disk_that_refuses_leaves_nothing_half_made(step, number, sentence, tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(number, "No space left on device" if number == errno.ENOSPC else "Permission denied")

    def fill(part):
        part.write_bytes(b"abc")
        if step == "fill":
            refuse()

    if step != "fill":
        monkeypatch.setattr(files.os, step, refuse)
    with pytest.raises(OutputError, match=sentence):
        keep_file(tmp_path, "photos", ".png", fill)
    assert list((tmp_path / "photos").iterdir()) == []


def test_windows_cannot_flush_folders(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.os, "open", refuse)
    with pytest.raises(OutputError, match="could not be used"):
        keep(tmp_path)
    monkeypatch.setattr(files, "_FOLDERS_OPEN", False)
    assert keep(tmp_path, b"other") == f"photos/{sha256(b'other')}.png"


def test_the_full_disk_is_told_and_the_collection_stays_as_it_was(sqlite_store, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="disk ran full"):
        add_grey(sqlite_store)
    assert (list_photos(sqlite_store), files_of(sqlite_store)) == ([], [])


def test_a_file_that_was_deleted_before_its_row_came_is_kept_again(store, monkeypatch):
    kept = []

    def keep_then_lose(*arguments):
        kept.append(keep_file(*arguments))
        if len(kept) == 1:  # at this moment another process deletes the last row with the same content
            drop_unused_files(store, kept)
        return kept[-1]

    monkeypatch.setattr(references, "keep_file", keep_then_lose)
    with adding_file(store, "photos", ".png", lambda part: part.write_bytes(b"abc")) as (_, file):
        assert (store.home / file).read_bytes() == b"abc"
    assert kept == [NAME, NAME]


@pytest.mark.parametrize("error", [StoreError("The database is full."), KeyboardInterrupt()], ids=["database", "ctrl-c"])
def test_a_file_whose_row_does_not_come_goes_again(error, store):
    with pytest.raises(type(error)), adding_file(store, "photos", ".png", lambda part: part.write_bytes(b"abc")):
        raise error
    assert files_of(store) == []


def test_a_file_that_another_row_uses_stays_when_a_row_does_not_come(store):
    photo = add_grey(store)
    with pytest.raises(StoreError), adding_file(store, "photos", ".png", lambda part: part.write_bytes(png_bytes())) as (_, file):
        raise StoreError("The database is full.")
    assert files_of(store) == [photo.file] == [file]


def test_a_file_whose_row_does_not_come_is_left_to_a_repair_when_the_database_is_gone(sqlite_store, monkeypatch, caplog):
    def refuse(*_):
        raise StoreError("The database is gone.")

    monkeypatch.setattr(references, "is_used", refuse)
    with pytest.raises(StoreError, match="full"), adding_file(sqlite_store, "photos", ".png", lambda part: part.write_bytes(b"abc")):
        raise StoreError("The database is full.")
    assert "left to a repair: The database is gone." in caplog.text
    assert files_of(sqlite_store) == [NAME]


def test_only_files_without_a_row_are_dropped(store):
    photo = add_grey(store)
    first, second = segment(store, photo), segment(store, photo, all_mortar())
    stray = keep_file(store.home, "labels", ".tif", lambda part: part.write_bytes(b"abc"))
    drop_unused_files(store, [photo.file, first.file, second.file, stray, "labels/gone.tif"])
    assert files_of(store) == sorted([photo.file, first.file, second.file])
    with store.reading() as session:
        assert used_files(session) == {photo.file, first.file, second.file}
        assert [is_used(session, file) for file in (photo.file, first.file, stray)] == [True, True, False]


def test_a_file_that_cannot_be_deleted_is_logged_and_left(sqlite_store, caplog):
    photo = add_grey(sqlite_store)
    path = sqlite_store.home / photo.file
    path.unlink()
    path.mkdir()
    with caplog.at_level(logging.WARNING):
        delete_photo(sqlite_store, photo.id)
    assert "belongs to no record any more, but cannot be deleted" in caplog.text
    assert list_photos(sqlite_store) == []


def test_setting_aside_never_overwrites_and_never_takes_what_is_used(store):
    used = add_grey(store).file
    for content in (b"1", b"2", b"3"):
        (store.home / "photos" / "old.png").write_bytes(content)
        assert set_aside(store, "photos/old.png", "strays") is not None
    assert set_aside(store, used, "strays") is None
    assert set_aside(store, "photos/gone.png", "strays") is None
    assert files_of(store) == sorted([used, "strays/old.png", "strays/old_2.png", "strays/old_3.png"])
    assert (store.home / "strays" / "old_3.png").read_bytes() == b"3"


def test_what_cannot_be_set_aside_is_told(sqlite_store):
    add_grey(sqlite_store)
    (sqlite_store.home / "photos" / "old.png").write_bytes(png_bytes(3))
    (sqlite_store.home / "strays").write_text("in the way")
    with pytest.raises(OutputError, match=r"old\.png could not be used"):
        set_aside(sqlite_store, "photos/old.png", "strays")
