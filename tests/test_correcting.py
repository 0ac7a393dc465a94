"""Correcting at a desk: stored before it is shown, two people on one mosaic, undo and redo across days, approvals, crashes."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import BOXES_XYXY, PROJECT_DIR, three_tesserae
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import delete, text
from store_examples import add_grey, segment

from benchmarks import sessions
from tesserae.correcting import apply, approve, catch_up, open_desk, redo, undo
from tesserae.corrections.log import Entry
from tesserae.corrections.operations import Add, Approve, Delete, Erase, Ignore, Mortar, Several, Split
from tesserae.errors import ConflictError, CorrectionError, StoreError
from tesserae.store.annotations import latest_annotation, list_annotations, read_annotation
from tesserae.store.drafts import append_corrections, create_draft, delete_draft, open_draft, read_entries
from tesserae.store.schema import CorrectionRow

pytest_plugins = "store_fixtures"

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and limits on file sizes are POSIX things")


def square(x, y, side=6):
    return ((x, y), (x + side, y), (x + side, y + side), (x, y + side))


FREE = Add(polygon_xy=square(50, 2))
LOWER = Add(polygon_xy=square(5, 30))


@pytest.fixture
def draft(store):
    return open_draft(store, segment(store, add_grey(store)), "Anna")


@pytest.fixture
def desk(store, draft):
    return open_desk(store, draft.id)


def state(desk):
    corrected = desk.map
    steps = (corrected.next_label, corrected.done, corrected.undone, corrected.approvals, dict(corrected.boxes))
    return corrected.labels.tobytes(), corrected.ignored.tobytes(), steps, desk.number, desk.to_undo, desk.to_redo


def actions(desk):
    return [each.entry.correction for each in read_entries(desk.store, desk.draft.id)]


def test_a_draft_begins_with_its_label_map(desk):
    np.testing.assert_array_equal(desk.map.labels, three_tesserae())
    assert (desk.number, desk.to_undo, desk.to_redo, catch_up(desk)) == (0, None, None, [])


def test_what_is_applied_is_stored_and_there_again_when_reopened(store, desk):
    change = apply(desk, FREE, "Anna")
    assert (change.box_xyxy, change.count_change, change.touched) == ((50, 2, 56, 8), 1, (8,))
    apply(desk, Delete(labels=(1,)), "Anna")
    (first, second) = read_entries(store, desk.draft.id)
    assert (first.entry.correction, first.entry.author, first.box_xyxy) == (FREE, "Anna", (50, 2, 56, 8))
    assert second.box_xyxy == BOXES_XYXY[1]
    assert desk.log == [first, second]
    assert state(open_desk(store, desk.draft.id)) == state(desk)


def test_undo_and_redo_go_on_across_reloads(store, desk):
    begin = desk.map.labels.copy()
    for correction in (FREE, LOWER, Delete(labels=(1,))):
        apply(desk, correction, "Anna")
    full = desk.map.labels.copy()
    assert desk.to_undo.entry.correction == Delete(labels=(1,))
    undo(desk, "Anna")
    assert undo(desk, "Ben").box_xyxy == (5, 30, 11, 36)
    assert desk.to_redo.entry.correction == LOWER
    desk = open_desk(store, desk.draft.id)
    assert (desk.to_undo.entry.correction, desk.to_redo.entry.correction) == (FREE, LOWER)
    undo(desk, "Anna")
    np.testing.assert_array_equal(desk.map.labels, begin)
    with pytest.raises(CorrectionError, match="nothing to undo"):
        undo(desk, "Anna")
    desk = open_desk(store, desk.draft.id)
    for _ in range(3):
        redo(desk, "Anna")
    np.testing.assert_array_equal(desk.map.labels, full)
    with pytest.raises(CorrectionError, match="nothing to redo"):
        redo(desk, "Anna")
    assert state(open_desk(store, desk.draft.id)) == state(desk)
    assert [each.entry.author for each in read_entries(store, desk.draft.id)] == ["Anna"] * 4 + ["Ben"] + ["Anna"] * 4


def test_a_correction_after_an_undo_ends_what_could_be_redone_and_uses_no_number_again(store, desk):
    apply(desk, FREE, "Anna")
    undo(desk, "Anna")
    assert apply(desk, LOWER, "Anna").touched == (9,)
    assert (desk.to_redo, open_desk(store, desk.draft.id).map.next_label) == (None, 10)


@pytest.mark.parametrize(
    ("correction", "sentence"),
    [
        pytest.param(Split(label=99), "99", id="cannot-be-made"),
        pytest.param(Mortar(square(50, 2)), r"changes nothing.*Draw elsewhere", id="changes-nothing"),
        pytest.param(Several("x", (FREE, Delete(labels=(99,)))), "Correction 2 of 2", id="second-of-two"),
    ],
)
def test_what_cannot_be_made_is_not_stored_and_changes_nothing(correction, sentence, store, desk):
    apply(desk, LOWER, "Anna")
    undo(desk, "Anna")
    before = state(desk)
    with pytest.raises(CorrectionError, match=sentence):
        apply(desk, correction, "Anna")
    assert state(desk) == before == state(open_desk(store, desk.draft.id))


def test_two_people_whose_strokes_do_not_touch_both_get_theirs(store, desk):
    other = open_desk(store, desk.draft.id)
    apply(desk, FREE, "Anna")
    assert apply(other, LOWER, "Ben").touched == (9,)
    assert [each.entry.correction for each in catch_up(desk)] == [LOWER]
    assert state(desk) == state(other) == state(open_desk(store, desk.draft.id))
    assert actions(desk) == [FREE, LOWER]


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        pytest.param(FREE, Add(polygon_xy=square(53, 5)), id="same-place"),
        pytest.param(FREE, Add(polygon_xy=square(44, 2)), id="side-by-side"),
        pytest.param(Delete(labels=(1,)), Mortar(square(1, 1, 5)), id="drawn-where-something-went"),
        pytest.param(Delete(labels=(1,)), Split(label=1), id="of-what-is-gone"),
        pytest.param(Ignore(square(50, 2)), Add(polygon_xy=square(50, 3)), id="ignored-by-now"),
        pytest.param(FREE, Several("x", (LOWER, Add(polygon_xy=square(53, 5)))), id="one-of-several"),
    ],
)
def test_who_draws_where_somebody_else_did_meanwhile_is_told_and_overwrites_nothing(theirs, mine, store, desk):
    other = open_desk(store, desk.draft.id)
    apply(desk, theirs, "Anna")
    with pytest.raises(ConflictError, match=r"Anna (changed this place|corrected this mosaic) meanwhile.* Look at it"):
        apply(other, mine, "Ben")
    assert actions(desk) == [theirs]
    assert state(other) == state(desk)


def test_the_sentence_names_who_and_where(store, desk):
    other = open_desk(store, desk.draft.id)
    apply(desk, FREE, "")
    with pytest.raises(ConflictError) as told:
        apply(other, Add(polygon_xy=square(53, 5)), "Ben")
    assert str(told.value) == "Somebody else changed this place meanwhile (x 50 to 56, y 2 to 8). Look at it, and draw again."
    assert apply(other, Add(polygon_xy=square(53, 5)), "Ben").count_change == 1, "now it was seen"


def test_what_others_undid_counts_as_a_change_of_that_place(store, desk):
    apply(desk, FREE, "Anna")
    other = open_desk(store, desk.draft.id)
    undo(desk, "Anna")
    with pytest.raises(ConflictError, match="Anna changed this place"):
        apply(other, Add(polygon_xy=square(50, 2)), "Ben")


def test_nobody_undoes_what_they_have_not_seen(store, desk):
    apply(desk, FREE, "Anna")
    other = open_desk(store, desk.draft.id)
    apply(desk, LOWER, "Anna")
    for turn in (undo, redo):
        other = open_desk(store, desk.draft.id) if turn is redo else other
        seen = 1 if turn is redo else None
        with pytest.raises(ConflictError, match=r"Anna corrected this mosaic meanwhile, so nothing was done\. Look at it"):
            turn(other, "Ben", seen=seen)
    assert state(other) == state(desk)
    undo(other, "Ben")
    assert desk.map.count - other.map.count == 1


def test_at_a_shared_desk_it_counts_what_each_person_was_shown(desk):
    apply(desk, FREE, "Anna")
    with pytest.raises(ConflictError, match="Anna changed this place meanwhile"):
        apply(desk, Add(polygon_xy=square(53, 5)), "Ben", seen=0)
    with pytest.raises(ConflictError, match="Anna corrected this mosaic"):
        undo(desk, "Ben", seen=0)
    with pytest.raises(ConflictError, match="Anna changed this place meanwhile"):
        approve(desk, None, "Ben", seen=0)
    apply(desk, LOWER, "Ben", seen=0)
    apply(desk, Add(polygon_xy=square(53, 5)), "Ben", seen=2)
    assert desk.number == 3


@pytest.fixture
def outrun(store, desk, monkeypatch):
    """Let somebody at another desk be quicker, once, just before the next entry of `desk` is stored."""
    other = open_desk(store, desk.draft.id)

    def prepare(correction):
        def be_quicker(*arguments):
            monkeypatch.undo()
            catch_up(other)
            apply(other, correction, "Ben")
            return append_corrections(*arguments)

        monkeypatch.setattr("tesserae.correcting.append_corrections", be_quicker)

    return prepare


def test_who_is_outrun_between_looking_and_storing_comes_after(outrun, store, desk):
    outrun(FREE)
    assert apply(desk, LOWER, "Anna").touched == (9,)
    outrun(Delete(labels=(9,)))
    with pytest.raises(ConflictError, match="Ben changed this place"):
        apply(desk, Erase(((6.0, 31.0),), 2.0), "Anna")
    outrun(Delete(labels=(1,)))
    with pytest.raises(ConflictError, match="Ben corrected this mosaic meanwhile, so nothing was done"):
        undo(desk, "Anna")
    assert actions(desk) == [FREE, LOWER, Delete(labels=(9,)), Delete(labels=(1,))]
    assert state(desk) == state(open_desk(store, desk.draft.id))


def test_threads_at_one_desk_and_at_others_all_get_theirs(store, desk):
    desks = [desk, desk, open_desk(store, desk.draft.id), open_desk(store, desk.draft.id)]
    places = [[(x, y) for x in (0, 13, 21, 52)] for y in (14, 22, 29, 36)]
    errors = []

    def work(own, spots):
        for x, y in spots:
            try:
                apply(own, Add(polygon_xy=square(x, y, 4)), "Anna")
            except CorrectionError as error:
                errors.append(error)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(desks, places, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in desks:
        catch_up(each)
    assert len({state(each)[:2] for each in desks}) == 1
    assert desk.number + len(errors) == 16
    assert desk.map.count == 3 + desk.number


@given(st.integers(0, 10**6))
@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_two_desks_that_correct_at_random_come_to_the_same_map(sqlite_store, seed):
    rng = np.random.default_rng(seed)
    photo = sessions.add_plain_photo(sqlite_store, sqlite_store.home / "photo.png")
    draft = create_draft(sqlite_store, photo, sessions.grid_of_tesserae(), "import", (), "Anna")
    desks = [open_desk(sqlite_store, draft.id) for _ in range(2)]
    for _ in range(15):
        try:
            sessions.correct_at_random(desks[rng.integers(2)], rng)
        except ConflictError:
            continue
    again = open_desk(sqlite_store, draft.id)
    for each in desks:
        catch_up(each)
        assert state(each) == state(again)
    standing = [each for each in list_annotations(sqlite_store, photo) if not each.withdrawn and each.draft_id == draft.id]
    assert [again.log[each.number - 1].entry.correction for each in reversed(standing)] == list(again.map.approvals)


# --- Approving ---


LEFT, RIGHT = square(0, 0, 18), square(18, 0, 42)


def test_an_approval_makes_an_annotation_of_all_that_is_approved(store, desk):
    apply(desk, Ignore(square(50, 30, 4)), "Anna")
    first = approve(desk, LEFT, "Anna")
    assert (first.region_xy, first.count, first.author, first.revision, first.number) == ((LEFT,), 1, "Anna", 1, 2)
    second = approve(desk, RIGHT, "Ben")
    assert (second.region_xy, second.count, second.author, second.revision) == ((LEFT, RIGHT), 3, "Ben", 2)
    whole = approve(desk, None, "Anna")
    assert (whole.region_xy, whole.count, latest_annotation(store, desk.draft.photo_id)) == (None, 3, whole)
    assert approve(desk, LEFT, "Anna").region_xy is None, "what was approved whole stays so"
    read = read_annotation(store, whole)
    np.testing.assert_array_equal(read.labels, desk.map.labels)
    np.testing.assert_array_equal(read.ignored, desk.map.ignored)
    assert state(open_desk(store, desk.draft.id)) == state(desk)


def test_later_corrections_make_a_new_revision(store, desk):
    first = approve(desk, None, "Anna")
    apply(desk, FREE, "Ben")
    second = approve(desk, None, "Ben")
    assert (second.revision, second.count) == (2, 4)
    np.testing.assert_array_equal(read_annotation(store, first).labels, three_tesserae())


def test_approving_again_what_is_approved_stores_nothing(store, desk):
    first = approve(desk, LEFT, "Anna")
    assert approve(desk, LEFT, "Ben") == first
    assert (desk.number, len(desk.map.approvals)) == (1, 1)
    assert apply(desk, Approve(LEFT), "Anna").box_xyxy is None


def test_undoing_an_approval_withdraws_its_annotation(store, desk):
    first = approve(desk, LEFT, "Anna")
    apply(desk, FREE, "Anna")
    second = approve(desk, None, "Anna")
    for _ in range(3):
        undo(desk, "Anna")
    assert (desk.map.approvals, latest_annotation(store, desk.draft.photo_id)) == ((), None)
    desk = open_desk(store, desk.draft.id)
    redo(desk, "Anna")
    assert latest_annotation(store, desk.draft.photo_id) == first
    redo(desk, "Anna")
    redo(desk, "Anna")
    assert latest_annotation(store, desk.draft.photo_id) == second
    undo(desk, "Anna")
    assert latest_annotation(store, desk.draft.photo_id) == first


def test_nobody_vouches_for_what_they_have_not_seen(store, desk):
    other = open_desk(store, desk.draft.id)
    apply(desk, FREE, "Anna")
    with pytest.raises(ConflictError, match="Anna changed this place"):
        approve(other, RIGHT, "Ben")
    other = open_desk(store, desk.draft.id)
    apply(desk, LOWER, "Anna")
    assert approve(other, RIGHT, "Ben").number == 3, "the change lies elsewhere"


def test_an_approval_that_cannot_be_stored_leaves_all_as_it_was(sqlite_store):
    desk = open_desk(sqlite_store, open_draft(sqlite_store, segment(sqlite_store, add_grey(sqlite_store)), "Anna").id)
    approve(desk, LEFT, "Anna")
    with sqlite_store.writing() as session:
        session.execute(text("CREATE TRIGGER full BEFORE INSERT ON corrections BEGIN SELECT RAISE(ABORT, 'disk is full'); END"))
    before = state(desk)
    for act in (lambda: approve(desk, None, "Anna"), lambda: undo(desk, "Anna"), lambda: apply(desk, FREE, "Anna")):
        with pytest.raises(StoreError, match="disk is full"):
            act()
        assert state(desk) == before
    assert not latest_annotation(sqlite_store, desk.draft.photo_id).withdrawn
    with sqlite_store.writing() as session:
        session.execute(text("DROP TRIGGER full"))
    undo(desk, "Anna")
    with sqlite_store.writing() as session:
        session.execute(text("CREATE TRIGGER full BEFORE INSERT ON corrections BEGIN SELECT RAISE(ABORT, 'disk is full'); END"))
    before = state(desk)
    with pytest.raises(StoreError, match="disk is full"):
        redo(desk, "Anna")
    assert state(desk) == before


# --- When something fails ---


def test_a_draft_that_is_gone_is_told(store, desk):
    delete_draft(store, desk.draft.id)
    before = state(desk)
    for act in (lambda: apply(desk, FREE, "Anna"), lambda: approve(desk, None, "Anna"), lambda: open_desk(store, desk.draft.id)):
        with pytest.raises(StoreError, match="no draft"):
            act()
    assert state(desk) == before


def test_an_entry_that_cannot_be_made_again_is_named(store, desk):
    append_corrections(store, desk.draft.id, 0, [(Entry(Split(label=99), "Anna"), None)])
    with pytest.raises(CorrectionError, match=r"Entry 1 of this draft, by Anna, cannot be made again: .*99.* begin a new draft"):
        open_desk(store, desk.draft.id)


def test_a_log_that_was_put_back_is_told(store, desk):
    apply(desk, FREE, "Anna")
    with store.writing() as session:
        session.execute(delete(CorrectionRow))
    with pytest.raises(StoreError, match="put back to an earlier state"):
        apply(desk, LOWER, "Anna")


@POSIX_ONLY
def test_what_was_shown_as_applied_survives_kill_9(settings, store):
    photo = sessions.add_plain_photo(store, settings.home / "photo.png")
    draft = create_draft(store, photo, sessions.grid_of_tesserae(), "import", (), "Anna")
    for seed in range(5):
        shown = sessions.run_until_killed(settings, draft.id, seed, most=12)
        assert shown.number > 0
        judged = sessions.judge(store, draft.id, shown)
        assert (judged["lost"], judged["different"], judged["unapproved"]) == (0, 0, 0)


# Applies until the log cannot grow any more, then goes on once there is room again.
FULL_DISK = """
import resource, sys
from pathlib import Path
from tesserae.correcting import apply, open_desk
from tesserae.corrections.operations import Add, MaskRuns
from tesserae.errors import StoreError
from tesserae.settings import Settings
from tesserae.store import open_store

home = Path(sys.argv[1])
with open_store(Settings(home=home, database_url=None)) as store:
    desk = open_desk(store, sys.argv[2])
    long = Add(polygon_xy=((50, 2), (56, 2), (56, 8), (50, 8)), prompt={"words": "x" * 100_000})
    largest = max(path.stat().st_size for path in home.glob("tesserae.db*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 10_000, resource.RLIM_INFINITY))
    before = desk.map.labels.copy(), desk.map.next_label, desk.number
    try:
        apply(desk, long, "Anna")
    except StoreError as error:
        print(error)
    assert (desk.map.labels == before[0]).all() and (desk.map.next_label, desk.number) == before[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(apply(desk, long, "Anna").touched)
"""


@POSIX_ONLY
def test_a_full_disk_changes_nothing_and_is_told(sqlite_store):
    draft = open_draft(sqlite_store, segment(sqlite_store, add_grey(sqlite_store)), "Anna")
    outcome = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(sqlite_store.home), draft.id],
        cwd=PROJECT_DIR,
        env={**os.environ, "PYTHONPATH": str(PROJECT_DIR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    sentence, touched = outcome.stdout.splitlines()
    assert "Check that the disk has room" in sentence
    assert touched == "(8,)"
    assert open_desk(sqlite_store, draft.id).number == 1
