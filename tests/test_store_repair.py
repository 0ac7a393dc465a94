"""Where files and rows do not agree: crashes in between are simulated, found, explained and mended without loss."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECT_DIR
from store_examples import add_grey, all_mortar, files_of, png_bytes, segment, sha256

from tesserae.errors import OutputError
from tesserae.store import photos
from tesserae.store.files import keep_file
from tesserae.store.photos import delete_photo, list_photos
from tesserae.store.repair import Stray, _mend, find_strays, repair

pytest_plugins = "store_fixtures"

# Ends as by kill -9 after the file is in place, before its row is written.
KILLED = """
import os, sys
from pathlib import Path
from store_examples import add_grey
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.database import Store

with open_store(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2] or None)) as store:
    Store.writing = lambda *_, **__: os._exit(9)
    add_grey(store)
"""


def found(store):
    return [(stray.kind, stray.file) for stray in find_strays(store)]


def test_a_collection_in_order_has_no_strays(store):
    assert find_strays(store) == []
    photo = add_grey(store)
    segment(store, photo)
    segment(store, photo, all_mortar())
    assert find_strays(store) == []
    assert repair(store) == []


def test_a_process_killed_between_file_and_row_leaves_a_stray_that_is_kept(settings, store):
    outcome = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), settings.database_url or ""],
        cwd=PROJECT_DIR / "tests",
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        check=False,
    )
    file = f"photos/{sha256(png_bytes())}.png"
    assert (outcome.returncode, list_photos(store), files_of(store)) == (9, [], [file])
    (stray,) = find_strays(store)
    assert (stray.kind, stray.file) == ("unknown", file)
    assert stray.text.startswith(f"{file} belongs to no record: the program ended between")
    (sentence,) = repair(store)
    assert sentence.startswith(f"{file}, which belonged to no record, was moved to {store.home / 'strays'}")
    moved = file.replace("photos", "strays")
    assert files_of(store) == [moved]
    assert find_strays(store) == []
    photo = add_grey(store)
    assert files_of(store) == sorted([photo.file, moved])


def test_a_stray_is_taken_up_by_adding_the_same_photo(store):
    file = keep_file(store.home, "photos", ".png", lambda part: part.write_bytes(png_bytes()))
    assert found(store) == [("unknown", file)]
    assert add_grey(store).file == file
    assert find_strays(store) == []


def test_a_crash_between_deleting_row_and_file_leaves_a_stray(store, monkeypatch):
    photo = add_grey(store)
    made = segment(store, photo)
    with monkeypatch.context() as crash:
        crash.setattr(photos, "drop_unused_files", lambda *_: None)
        delete_photo(store, photo.id)
    assert found(store) == [("unknown", photo.file), ("unknown", made.file)]
    repair(store)
    assert files_of(store) == sorted([photo.file.replace("photos", "strays"), made.file.replace("labels", "strays")])


@pytest.mark.parametrize("folder", ["photos", "labels", "pyramids", "thumbnails", "embeddings", "."])
def test_rests_of_writes_go_once_they_are_old(folder, store):
    add_grey(store)
    (store.home / folder).mkdir(exist_ok=True)
    part, fresh = (store.home / folder / name for name in ("old.part", "new.part"))
    for path in (part, fresh):
        path.write_bytes(b"half")
    two_hours_ago = time.time() - 7200
    os.utime(part, (two_hours_ago, two_hours_ago))
    (stray,) = find_strays(store)
    file = part.relative_to(store.home).as_posix()
    assert (stray.kind, stray.file) == ("part", file)
    assert "the rest of a write that broke off 2 h ago" in stray.text
    assert repair(store) == [f"{file}, the rest of a write that broke off, was removed."]
    assert (part.exists(), fresh.exists()) == (False, True)


def test_pictures_of_what_is_gone_are_found_and_removed(store):
    photo = add_grey(store)
    made = segment(store, photo)
    kept = [draw(store, photo.file, "thumbnails", ".jpg"), draw(store, made.file, "pyramids", ".pyramid")]
    orphan = draw(store, f"labels/{'0' * 64}.tif", "pyramids", ".pyramid")
    (store.home / "thumbnails" / "mine.jpg").touch()
    (stray,) = find_strays(store)
    assert (stray.kind, stray.file, stray.mendable) == ("picture", orphan, True)
    assert "a cached picture of a photo or result that was deleted. A repair removes it." in stray.text
    assert repair(store) == [f"{orphan}, a cached picture of what was deleted, was removed."]
    assert files_of(store) == sorted([photo.file, made.file, *kept, "thumbnails/mine.jpg"])
    assert _mend(store, Stray("picture", kept[0], "")) == f"{kept[0]} was in order by now."


def draw(store, file, folder, suffix):
    """Stand in for a cached picture of a stored file; return its path from home."""
    path = store.home / folder / f"{Path(file).stem}{suffix}"
    path.parent.mkdir(exist_ok=True)
    path.touch()
    return path.relative_to(store.home).as_posix()


def test_lost_and_changed_files_are_explained_and_left_to_people(store):
    lost, changed = add_grey(store, 1, "lost.png"), add_grey(store, 2, "changed.png")
    lost_map, changed_map = segment(store, changed), segment(store, changed, all_mortar())
    for file in (lost.file, lost_map.file):
        (store.home / file).unlink()
    for file in (changed.file, changed_map.file):
        (store.home / file).write_bytes(b"other")
    strays = {stray.file: stray for stray in find_strays(store)}
    assert {file: stray.kind for file, stray in strays.items()} == {
        lost.file: "lost",
        lost_map.file: "lost",
        changed.file: "changed",
        changed_map.file: "changed",
    }
    assert strays[lost.file].text == (
        f"{lost.file}, which belongs to the photo “lost.png”, is missing. Put it back from a backup, or add the photo again."
    )
    assert "a segmentation of the photo “changed.png” by tesserae_mini, is missing" in strays[lost_map.file].text
    assert "or segment the photo again" in strays[lost_map.file].text
    assert "damaged or altered since it was stored" in strays[changed.file].text
    assert sorted(repair(store)) == sorted(stray.text for stray in strays.values())
    assert len(list_photos(store)) == 2
    add_grey(store, 1)
    add_grey(store, 2)
    assert {file for _, file in found(store)} == {lost_map.file, changed_map.file}


def test_what_was_mended_meanwhile_is_left_alone(sqlite_store):
    photo = add_grey(sqlite_store)
    assert _mend(sqlite_store, Stray("unknown", photo.file, "")) == f"{photo.file} was in order by now."
    assert files_of(sqlite_store) == [photo.file]


def test_what_cannot_be_removed_is_told(sqlite_store):
    (sqlite_store.home / "photos" / "old.part").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"old\.part could not be used"):
        _mend(sqlite_store, Stray("part", "photos/old.part", ""))
