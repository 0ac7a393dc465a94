"""Annotations: revisions of what people vouch for, stored with the entry that approves it, withdrawn and put back with it."""

from datetime import UTC, datetime

import numpy as np
import pytest
from conftest import three_tesserae
from sqlalchemy import text
from store_examples import add_grey, all_mortar, files_of, segment

from tesserae.corrections.log import Entry, Redo, Undo
from tesserae.corrections.operations import Approve
from tesserae.errors import ConflictError, LabelMapError, StoreError
from tesserae.store.annotations import (
    Approved,
    add_annotation,
    delete_annotation,
    latest_annotation,
    list_annotations,
    read_annotation,
    turn_approval,
)
from tesserae.store.drafts import append_corrections, delete_draft, open_draft, read_entries
from tesserae.store.photos import delete_photo, what_goes
from tesserae.store.repair import find_strays, repair

pytest_plugins = "store_fixtures"

MOMENT = datetime(2026, 11, 26, 9, 30, tzinfo=UTC)
TRIANGLE = ((0.0, 0.0), (30.5, 0.0), (0.0, 1 / 3))


@pytest.fixture
def draft(store):
    return open_draft(store, segment(store, add_grey(store)), "Anna")


def add(store, draft, expected_number=0, labels=None, ignored=None, region=None, count=3, author="Anna"):
    labels = three_tesserae() if labels is None else labels
    entry = Entry(Approve(region[-1] if region else None), author, MOMENT)
    return add_annotation(store, draft, expected_number, entry, Approved(labels, ignored, region, count))


def one_ignored():
    ignored = np.zeros((40, 60), bool)
    ignored[0, 5] = True
    return ignored


def test_an_annotation_comes_back_with_what_was_approved_and_by_whom(store, draft):
    made = add(store, draft, ignored=one_ignored(), region=(TRIANGLE, TRIANGLE[::-1]), count=2)
    assert (made.photo_id, made.draft_id, made.revision, made.number) == (draft.photo_id, draft.id, 1, 1)
    assert (made.region_xy, made.count, made.author) == ((TRIANGLE, TRIANGLE[::-1]), 2, "Anna")
    assert (made.approved_at, made.approved_at.tzinfo, made.withdrawn) == (MOMENT, UTC, False)
    assert list_annotations(store, draft.photo_id) == [made]
    assert latest_annotation(store, draft.photo_id) == made
    read = read_annotation(store, made)
    np.testing.assert_array_equal(read.labels, three_tesserae())
    np.testing.assert_array_equal(read.ignored, one_ignored())
    assert (read.ignored.dtype, read.region_xy, read.count) == (bool, made.region_xy, 2)
    (logged,) = read_entries(store, draft.id)
    assert (logged.number, logged.entry, logged.box_xyxy) == (1, Entry(Approve(TRIANGLE[::-1]), "Anna", MOMENT), None)


def test_the_whole_photo_without_ignored_pixels(store, draft):
    made = add(store, draft)
    assert (made.region_xy, made.ignored_file, made.file) == (None, None, draft.base_file)
    assert read_annotation(store, made).ignored is None


def test_revisions_count_per_photo_over_all_its_drafts(store, draft):
    second = open_draft(store, segment(store, add_grey(store)), "Ben")
    elsewhere = open_draft(store, segment(store, add_grey(store, 1)), "Ben")
    made = [add(store, draft), add(store, second), add(store, second, 1, all_mortar()), add(store, elsewhere)]
    assert [(each.revision, each.number) for each in made] == [(1, 1), (2, 1), (3, 2), (1, 1)]
    assert list_annotations(store, draft.photo_id) == made[2::-1]
    assert latest_annotation(store, draft.photo_id) == made[2]
    assert (list_annotations(store, "unknown"), latest_annotation(store, "unknown")) == ([], None)


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        pytest.param({}, False, id="same"),
        pytest.param({"author": "Ben"}, False, id="same-by-another"),
        pytest.param({"labels": all_mortar()}, True, id="labels"),
        pytest.param({"ignored": one_ignored()}, True, id="ignored"),
        pytest.param({"region": (TRIANGLE,)}, True, id="region"),
    ],
)
def test_what_the_last_revision_says_already_is_not_added_twice(changes, added, store, draft):
    first = add(store, draft)
    second = add(store, draft, 1, **changes)
    assert (second == first) is not added
    assert len(list_annotations(store, draft.photo_id)) == len(read_entries(store, draft.id)) == 1 + added
    assert find_strays(store) == []


def test_who_has_not_seen_the_whole_log_is_refused_and_leaves_nothing(store, draft):
    append_corrections(store, draft.id, 0, [(Entry(Undo()), None)])
    before = files_of(store)
    with pytest.raises(ConflictError, match="expected 0 entries in its log, found 1"):
        add(store, draft, labels=all_mortar(), ignored=one_ignored())
    assert (files_of(store), list_annotations(store, draft.photo_id), len(read_entries(store, draft.id))) == (before, [], 1)


def test_a_row_that_does_not_come_takes_entry_and_files_with_it(sqlite_store):
    draft = open_draft(sqlite_store, segment(sqlite_store, add_grey(sqlite_store)), "Anna")
    with sqlite_store.writing() as session:
        session.execute(text("CREATE TRIGGER full BEFORE INSERT ON annotations BEGIN SELECT RAISE(ABORT, 'disk is full'); END"))
    before = files_of(sqlite_store)
    with pytest.raises(StoreError, match="disk is full"):
        add(sqlite_store, draft, labels=all_mortar(), ignored=one_ignored())
    assert (files_of(sqlite_store), read_entries(sqlite_store, draft.id)) == (before, [])


def test_undoing_an_approval_withdraws_its_revision_and_redoing_brings_it_back(store, draft):
    first, second = add(store, draft), add(store, draft, 1, all_mortar())
    assert turn_approval(store, draft.id, 2, Entry(Undo(), "Ben", MOMENT), second.number, withdrawn=True) == 3
    assert latest_annotation(store, draft.photo_id) == first
    assert [each.withdrawn for each in list_annotations(store, draft.photo_id)] == [True, False]
    with pytest.raises(ConflictError):
        turn_approval(store, draft.id, 2, Entry(Redo(), "Ben", MOMENT), second.number, withdrawn=False)
    assert turn_approval(store, draft.id, 3, Entry(Redo(), "Ben", MOMENT), second.number, withdrawn=False) == 4
    assert latest_annotation(store, draft.photo_id) == second
    assert [each.entry.correction for each in read_entries(store, draft.id)][2:] == [Undo(), Redo()]


def test_what_was_withdrawn_may_be_approved_again(store, draft):
    first = add(store, draft)
    turn_approval(store, draft.id, 1, Entry(Undo(), "Ben", MOMENT), first.number, withdrawn=True)
    assert latest_annotation(store, draft.photo_id) is None
    again = add(store, draft, 2)
    assert (again.revision, again.number, again.file) == (2, 3, first.file)


def test_annotations_outlive_their_draft(store, draft):
    made = add(store, draft, labels=all_mortar())
    delete_draft(store, draft.id)
    (kept,) = list_annotations(store, draft.photo_id)
    assert (kept.id, kept.draft_id) == (made.id, None)
    np.testing.assert_array_equal(read_annotation(store, kept).labels, all_mortar())


def test_deleting_an_annotation_takes_files_that_nothing_else_uses(store, draft):
    before = files_of(store)
    shared, own = add(store, draft), add(store, draft, 1, all_mortar(), one_ignored())
    for each in (shared, own):
        delete_annotation(store, each.id)
    assert files_of(store) == before
    with pytest.raises(StoreError, match=f"no annotation {own.id[:12]}; it may have been deleted"):
        delete_annotation(store, own.id)


def test_deleting_the_photo_says_how_many_annotations_go_and_takes_them(store, draft):
    made = add(store, draft, labels=all_mortar(), ignored=one_ignored())
    announced = what_goes(store, draft.photo_id)
    assert announced.annotations == 1
    assert "1 segmentation, 1 correction and 1 approved annotation: 4 files" in announced.sentence
    assert {store.home / made.file, store.home / made.ignored_file} < set(announced.files)
    delete_photo(store, draft.photo_id)
    assert files_of(store) == []
    assert list_annotations(store, draft.photo_id) == []


def test_files_of_annotations_are_no_strays_and_are_missed_when_lost(store, draft):
    made = add(store, draft, labels=all_mortar(), ignored=one_ignored())
    assert repair(store) == []
    (store.home / made.ignored_file).unlink()
    (stray,) = find_strays(store)
    assert (stray.kind, stray.file) == ("lost", made.ignored_file)
    assert stray.text.endswith(
        "belongs to annotation 1 of the photo “wall.png”, is missing. Put it back from a backup, or approve it again."
    )


def test_what_is_no_label_map_of_the_photo_is_refused(store, draft):
    with pytest.raises(LabelMapError, match=r"found 5 x 5\. Open the draft again"):
        add(store, draft, labels=np.zeros((5, 5), np.int32))
    assert read_entries(store, draft.id) == []


def test_a_draft_that_is_gone_is_told_and_leaves_nothing(store, draft):
    before = files_of(store)
    delete_draft(store, draft.id)
    with pytest.raises(StoreError, match="no draft"):
        add(store, draft, labels=all_mortar())
    assert files_of(store) == before
