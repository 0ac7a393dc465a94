"""Drafts: label maps under correction, logs that only grow, and who has one open."""

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from conftest import PATIENCE_S, PROJECT_DIR, three_tesserae
from sqlalchemy import update
from store_examples import add_grey, all_mortar, files_of, segment

from tesserae.corrections.log import Entry, Redo, Undo
from tesserae.corrections.operations import Approve, Delete, Erase, MaskRuns, Replace
from tesserae.errors import ConflictError, CorrectionError, LabelMapError, StoreError
from tesserae.store.drafts import (
    append_corrections,
    create_draft,
    delete_draft,
    get_draft,
    last_entry,
    list_drafts,
    note_editor,
    open_draft,
    other_editors,
    read_base,
    read_entries,
)
from tesserae.store.photos import delete_photo, what_goes
from tesserae.store.repair import find_strays, repair
from tesserae.store.schema import CorrectionRow, EditorRow, utc_now
from tesserae.store.segmentations import delete_segmentation

pytest_plugins = "store_fixtures"

MOMENT = datetime(2026, 11, 26, 9, 30, 0, 123456, tzinfo=UTC)
ERASE = Entry(Erase(((0.1, 7.0), (1 / 3, 2.5)), 3.7, label=2), "Anna", MOMENT)
BOX = (0, 1, 5, 9)

# What another process does with the same draft: adds to its log whenever it is the first to do so.
OTHER_PROCESS = """
import sys
from pathlib import Path
from tesserae.corrections.log import Entry
from tesserae.corrections.operations import Delete
from tesserae.errors import ConflictError
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.drafts import append_corrections, last_entry

home, url, draft_id, author = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3], sys.argv[4]
with open_store(Settings(home=home, database_url=url)) as store:
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(10):
        while True:
            last = last_entry(store, draft_id)
            try:
                append_corrections(store, draft_id, last.number if last else 0, [(Entry(Delete(labels=(number,)), author), None)])
                break
            except ConflictError:
                continue
"""


@pytest.fixture
def draft(store):
    return open_draft(store, segment(store, add_grey(store)), "Anna")


def imported(store, photo, labels=None, notes=("Two were merged.",)):
    return create_draft(store, photo.id, three_tesserae() if labels is None else labels, "import", notes, "Ben")


def test_a_segmentation_has_one_draft_that_whoever_comes_goes_on_with(store):
    made = segment(store, add_grey(store))
    draft = open_draft(store, made, "Anna")
    assert (draft.photo_id, draft.base_file, draft.segmentation_id) == (made.photo_id, made.file, made.id)
    assert (draft.origin, draft.origin_notes, draft.created_by) == ("segmentation", (), "Anna")
    assert draft.created_at.tzinfo is UTC
    assert open_draft(store, made, "Ben") == draft == get_draft(store, draft.id)
    np.testing.assert_array_equal(read_base(store, draft), three_tesserae())
    other = open_draft(store, segment(store, add_grey(store)), "Anna")
    assert list_drafts(store, made.photo_id) == [other, draft]


def test_threads_that_open_a_segmentation_at_once_get_the_same_draft(store):
    made, found = segment(store, add_grey(store)), []
    threads = [threading.Thread(target=lambda: found.append(open_draft(store, made, "Anna"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == list_drafts(store, made.photo_id) * 4


def test_a_photo_may_have_several_imported_drafts(store):
    photo = add_grey(store)
    first, second, empty = imported(store, photo), imported(store, photo), create_draft(store, photo.id, all_mortar(), "empty", (), "")
    assert (first.origin, first.origin_notes, first.created_by, first.segmentation_id) == ("import", ("Two were merged.",), "Ben", None)
    assert (empty.origin, empty.created_by) == ("empty", "")
    assert first.base_file == second.base_file
    assert list_drafts(store, photo.id) == [empty, second, first]
    assert list_drafts(store, "unknown") == []
    np.testing.assert_array_equal(read_base(store, empty), all_mortar())


def test_the_draft_of_a_deleted_segmentation_goes_on(store):
    made = segment(store, add_grey(store))
    draft = open_draft(store, made, "Anna")
    append_corrections(store, draft.id, 0, [(ERASE, BOX)])
    delete_segmentation(store, made.id)
    kept = get_draft(store, draft.id)
    assert (kept.segmentation_id, kept.origin, kept.base_file) == (None, "segmentation", made.file)
    np.testing.assert_array_equal(read_base(store, kept), three_tesserae())
    assert len(read_entries(store, draft.id)) == 1
    with pytest.raises(StoreError, match=r"has been deleted meanwhile\. Choose another one"):
        open_draft(store, made, "Anna")


def test_a_base_file_goes_with_its_last_user(store):
    photo = add_grey(store)
    made = segment(store, photo)
    first, second = open_draft(store, made, "Anna"), imported(store, photo)
    append_corrections(store, first.id, 0, [(ERASE, BOX)])
    note_editor(store, first.id, "tab", "Anna")
    delete_draft(store, first.id)
    delete_segmentation(store, made.id)
    assert files_of(store) == sorted([photo.file, second.base_file])
    delete_draft(store, second.id)
    assert files_of(store) == [photo.file]
    assert read_entries(store, first.id) == []
    for ask in (get_draft, delete_draft):
        with pytest.raises(StoreError, match=f"no draft {first.id[:12]}; it may have been deleted"):
            ask(store, first.id)


def test_deleting_the_photo_says_how_many_corrections_go_and_takes_them(store, draft):
    append_corrections(store, draft.id, 0, [(ERASE, BOX), (ERASE, BOX)])
    own = imported(store, add_grey(store), all_mortar())
    announced = what_goes(store, draft.photo_id)
    assert announced.corrections == 2
    assert "what was written about it, 1 segmentation and 2 corrections: 3 files" in announced.sentence
    assert store.home / own.base_file in announced.files
    delete_photo(store, draft.photo_id)
    assert files_of(store) == []
    assert read_entries(store, draft.id) == []


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.zeros((60, 40), np.int32), r"Expected a label map of 60 x 40 pixels.*found 40 x 60\. Give a label map of this photo"),
        (np.zeros((40, 60)), "whole numbers"),
    ],
    ids=["size", "kind"],
)
def test_what_is_no_label_map_of_the_photo_is_refused(labels, sentence, sqlite_store):
    photo = add_grey(sqlite_store)
    with pytest.raises(LabelMapError, match=sentence):
        imported(sqlite_store, photo, labels)
    assert files_of(sqlite_store) == [photo.file]


def test_a_photo_that_is_gone_takes_no_draft(store):
    photo = add_grey(store)
    delete_photo(store, photo.id)
    with pytest.raises(StoreError, match="no photo"):
        imported(store, photo)
    assert files_of(store) == []


@pytest.mark.parametrize("kind", ["part", "whole"])
def test_base_files_are_no_strays_and_are_missed_when_lost(kind, store):
    photo = add_grey(store)
    draft = imported(store, photo)
    assert find_strays(store) == []
    assert repair(store) == []
    path = store.home / draft.base_file
    path.write_bytes(b"other") if kind == "part" else path.unlink()
    (stray,) = find_strays(store)
    assert (stray.kind, stray.file) == ("changed" if kind == "part" else "lost", draft.base_file)
    assert "belongs to the corrections of the photo “wall.png”" in stray.text
    assert stray.text.endswith("Put it back from a backup: corrections were made on it, and cannot be shown without it.")


ENTRIES = [
    ERASE,
    Entry(Replace(7, mask=MaskRuns((3, 4, 6, 6), (1, 4, 1))), "Bén", MOMENT),
    Entry(Undo(), "Anna", MOMENT),
    Entry(Redo(), "Anna", MOMENT),
    Entry(Approve(((0.0, 0.0), (5.5, 0.0), (5.5, 1e-9))), "Anna", MOMENT),
]


def test_entries_come_back_as_they_were_in_order(store, draft):
    assert last_entry(store, draft.id) is None
    boxes = [BOX, (3, 4, 6, 6), BOX, BOX, None]
    assert append_corrections(store, draft.id, 0, list(zip(ENTRIES[:2], boxes[:2], strict=True))) == 2
    assert append_corrections(store, draft.id, 2, list(zip(ENTRIES[2:], boxes[2:], strict=True))) == 5
    assert append_corrections(store, draft.id, 5, []) == 5
    found = read_entries(store, draft.id)
    assert [(each.number, each.entry, each.box_xyxy) for each in found] == list(zip(range(1, 6), ENTRIES, boxes, strict=True))
    assert read_entries(store, draft.id, after=3) == found[3:]
    assert last_entry(store, draft.id) == found[-1]
    assert read_entries(store, "unknown") == []


def test_an_entry_without_date_gets_one_and_names_lose_what_no_database_takes(store, draft):
    before = utc_now()
    append_corrections(store, draft.id, 0, [(Entry(Undo(), " An\0na\udce9 "), None)])
    (found,) = read_entries(store, draft.id)
    assert found.entry.author == "Anna?"
    assert before <= found.entry.at <= utc_now()
    with store.reading() as session:
        row = session.get(CorrectionRow, (draft.id, 1))
        assert (row.author, row.at) == (found.entry.author, found.entry.at)


def test_who_has_not_seen_the_whole_log_is_refused(store, draft):
    append_corrections(store, draft.id, 0, [(ERASE, BOX)])
    with pytest.raises(ConflictError, match=r"corrected this mosaic meanwhile: expected 0 entries.*found 1\. Nothing of yours was stored"):
        append_corrections(store, draft.id, 0, [(ERASE, BOX), (ERASE, BOX)])
    with pytest.raises(StoreError, match=r"Expected 2 entries in the log of this draft, found 1.*open the draft again"):
        append_corrections(store, draft.id, 2, [(ERASE, BOX)])
    with pytest.raises(StoreError, match="no draft unknown"):
        append_corrections(store, "unknown", 0, [(ERASE, BOX)])
    assert len(read_entries(store, draft.id)) == 1


def test_an_entry_of_a_newer_program_is_refused(store, draft):
    append_corrections(store, draft.id, 0, [(ERASE, BOX)])
    with store.writing() as session:
        session.execute(update(CorrectionRow).values(entry={"op": "polish"}))
    with pytest.raises(CorrectionError, match="polish"):
        read_entries(store, draft.id)


def test_two_processes_and_this_one_append_at_once_without_gap_or_loss(settings, store, draft):
    others = [start_process(settings, draft, name) for name in ("Ben", "Carla")]
    for other in others:
        assert other.stdout.readline() == "open\n"
    for other in others:
        other.stdin.write("go\n")
        other.stdin.flush()
    for number in range(10):
        append_in_turn(store, draft, Entry(Delete(labels=(number,)), "Anna"))
    outcomes = [other.communicate(timeout=PATIENCE_S) for other in others]
    assert [(other.returncode, errors) for other, (_, errors) in zip(others, outcomes, strict=True)] == [(0, "")] * 2
    found = read_entries(store, draft.id)
    assert [each.number for each in found] == list(range(1, 31))
    for author in ("Anna", "Ben", "Carla"):
        assert [each.entry.correction.labels for each in found if each.entry.author == author] == [(number,) for number in range(10)]


def append_in_turn(store, draft, entry):
    while True:
        last = last_entry(store, draft.id)
        try:
            return append_corrections(store, draft.id, last.number if last else 0, [(entry, None)])
        except ConflictError:
            continue


def start_process(settings, draft, author):
    return subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, str(settings.home), settings.database_url or "", draft.id, author],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_second_person_is_told_of_the_first(store, draft):
    note_editor(store, draft.id, "tab 1", "Anna")
    assert other_editors(store, draft.id, "tab 1") == []
    note_editor(store, draft.id, "tab 2", "Ben")
    (anna,) = other_editors(store, draft.id, "tab 2")
    assert (anna.session, anna.author) == ("tab 1", "Anna")
    note_editor(store, draft.id, "tab 1", "Anna B.")
    (again,) = other_editors(store, draft.id, "tab 2")
    assert (again.author, again.seen_at > anna.seen_at) == ("Anna B.", True)
    assert [each.author for each in other_editors(store, draft.id, "tab 3")] == ["Anna B.", "Ben"]


@pytest.mark.parametrize(("silent_s", "told", "kept"), [(20, True, True), (40, False, True), (4000, False, False)])
def test_who_fell_silent_is_not_told_and_forgotten_at_last(silent_s, told, kept, store, draft):
    note_editor(store, draft.id, "tab 1", "Anna")
    with store.writing() as session:
        session.execute(update(EditorRow).values(seen_at=utc_now() - timedelta(seconds=silent_s)))
    note_editor(store, draft.id, "tab 2", "Ben")
    assert bool(other_editors(store, draft.id, "tab 2")) is told
    assert bool(other_editors(store, draft.id, "tab 2", within_s=1e6)) is kept


def test_nobody_edits_a_draft_that_is_gone(store):
    with pytest.raises(StoreError, match="no draft unknown"):
        note_editor(store, "unknown", "tab 1", "Anna")
    assert other_editors(store, "unknown", "tab 1") == []
