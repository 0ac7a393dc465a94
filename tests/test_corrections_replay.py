"""A map that is being corrected: undo, redo, numbers, approvals; and what must hold after any corrections of any mosaic."""

from itertools import pairwise

import numpy as np
import pytest
from corrections_examples import APPROVALS, CORRECTIONS, SHAPE, SINGLE, STONES, aimed, corrected, mosaics, rows, signs, square
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from tesserae.corrections.boxes import tessera_boxes
from tesserae.corrections.log import Entry, Redo, Undo, play, replay
from tesserae.corrections.operations import (
    Add,
    Approve,
    Delete,
    Erase,
    Ignore,
    Merge,
    Mortar,
    Paint,
    Replace,
    Several,
    Split,
)
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError, LabelMapError
from tesserae.labelmap import count_tesserae, present_labels
from tesserae.polygons import points_in_polygon

ACTIONS = st.lists(CORRECTIONS | APPROVALS | st.just(Undo()) | st.just(Redo()), min_size=2, max_size=7)
NEW = Add(polygon_xy=square(11, 0, 14, 3))


def state(corrected_map):
    """All that undo restores."""
    return (
        corrected_map.labels.tolist(),
        corrected_map.ignored.tolist(),
        dict(corrected_map.boxes),
        corrected_map.count,
        corrected_map.approvals,
    )


def played(corrected_map, actions):
    """Make those of the actions that can be made, and return them."""
    made = []
    for action in actions:
        aim = aimed(action, corrected_map)
        try:
            play(corrected_map, aim)
        except CorrectionError:
            continue
        made.append(aim)
    return made


def hang_together(labels):
    """Tell whether each tessera is 4-connected."""
    return all(ndimage.label(labels == label)[1] == 1 for label in present_labels(labels))


# --- Beginning ----------------------------------------------------------------------------------------------------------


def test_it_begins_with_a_copy():
    labels = rows(*STONES)
    corrected_map = CorrectedMap.of(labels)
    corrected_map.apply(Delete(labels=(1, 2, 3)))
    assert (corrected_map.count, count_tesserae(labels)) == (0, 3)
    assert (corrected_map.labels.dtype, corrected_map.ignored.dtype) == (np.int32, np.bool_)


@pytest.mark.parametrize(("given_number", "first"), [(None, 8), (3, 8), (20, 20)], ids=["none", "lower", "higher"])
def test_the_first_new_number_was_never_used(given_number, first):
    corrected_map = CorrectedMap.of(rows("7777", "...."), next_label=given_number)
    corrected_map.apply(Add(polygon_xy=square(0, 0, 4, 4)))
    assert corrected_map.labels.tolist() == [[7] * 4, [first] * 4]
    assert corrected_map.next_label == first + 1


def test_what_carries_a_number_is_not_ignored():
    corrected_map = CorrectedMap.of(rows("11.."), np.array([[False, True, True, False]]))
    assert corrected_map.ignored.tolist() == [[False, False, True, False]]


@pytest.mark.parametrize(
    ("labels", "ignored", "error"),
    [
        pytest.param(np.zeros((2, 2)), None, LabelMapError, id="no-label-map"),
        pytest.param(np.zeros((2, 2), np.int32), np.zeros((2, 3), bool), CorrectionError, id="ignored-of-another-shape"),
    ],
)
def test_refused(labels, ignored, error):
    with pytest.raises(error):
        CorrectedMap.of(labels, ignored)


# --- Undo, redo, numbers --------------------------------------------------------------------------------------------------


def test_any_number_of_steps_is_undone_and_redone():
    corrected_map = corrected(*STONES)
    states = [state(corrected_map)]
    for correction in (NEW, Merge(labels=(1, 2)), Ignore(square(10, 4, 14, 8)), Approve(), Delete(labels=(3,))):
        corrected_map.apply(correction)
        states.append(state(corrected_map))
    for before in states[-2::-1]:
        corrected_map.undo()
        assert state(corrected_map) == before
    assert (corrected_map.done, corrected_map.undone) == (0, 5)
    for after in states[1:]:
        corrected_map.redo()
        assert state(corrected_map) == after
    assert (corrected_map.done, corrected_map.undone) == (5, 0)


def test_nothing_to_undo_or_redo():
    corrected_map = corrected(*STONES)
    with pytest.raises(CorrectionError, match="nothing to undo"):
        corrected_map.undo()
    with pytest.raises(CorrectionError, match="nothing to redo"):
        corrected_map.redo()


def test_what_was_undone_cannot_be_redone_after_another_correction():
    corrected_map = corrected(*STONES)
    corrected_map.apply(NEW)
    corrected_map.undo()
    corrected_map.apply(Delete(box_xyxy=(12, 0, 14, 2)))  # hits nothing, and is a step all the same
    with pytest.raises(CorrectionError, match="nothing to redo"):
        corrected_map.redo()
    assert corrected_map.done == 1


def test_an_undone_number_is_not_given_again():
    corrected_map = corrected(*STONES)
    assert corrected_map.apply(NEW).touched == (4,)
    corrected_map.undo()
    assert corrected_map.redo().touched == (4,)
    corrected_map.undo()
    assert corrected_map.apply(NEW).touched == (5,)
    assert corrected_map.next_label == 6


def test_a_refused_correction_takes_no_number():
    corrected_map = corrected(*STONES)
    with pytest.raises(CorrectionError):
        corrected_map.apply(Several("x", (NEW, Delete(labels=(4, 9)))))
    assert (corrected_map.next_label, signs(corrected_map)) == (4, STONES)
    assert corrected_map.apply(NEW).touched == (4,)


def test_a_refused_correction_leaves_what_can_be_redone():
    corrected_map = corrected(*STONES)
    corrected_map.apply(NEW)
    corrected_map.undo()
    with pytest.raises(CorrectionError):
        corrected_map.apply(Delete(labels=(9,)))
    assert corrected_map.redo().touched == (4,)


@pytest.mark.parametrize(
    "correction", [Delete(labels=(1,)), Approve(), Add(polygon_xy=square(11, 0, 14, 4))], ids=["delete", "approve", "add"]
)
def test_a_correction_whose_block_fails_was_never_made(correction):
    def make_and_fail():
        with step.attempt(correction):
            raise OSError("the disk is full")

    step = corrected(*STONES)
    step.apply(Delete(labels=(2,)))
    step.undo()
    before = signs(step), step.next_label, step.count, step.done, step.undone, step.approvals, dict(step.boxes)
    with pytest.raises(OSError, match="disk"):
        make_and_fail()
    assert (signs(step), step.next_label, step.count, step.done, step.undone, step.approvals, dict(step.boxes)) == before
    step.redo()
    assert step.done == 1


def test_approvals_are_kept_and_taken_back():
    corrected_map = corrected(*STONES)
    part, whole = Approve(square(0, 0, 5, 5)), Approve()
    change = corrected_map.apply(part)
    corrected_map.apply(whole)
    assert (change.box_xyxy, change.touched, change.count_change) == (None, (), 0)
    assert (change.labels_before.shape, change.labels_after.shape) == ((0, 0), (0, 0))
    assert corrected_map.approvals == (part, whole)
    corrected_map.undo()
    assert corrected_map.approvals == (part,)
    corrected_map.redo()
    assert corrected_map.approvals == (part, whole)


def test_a_failure_in_between_leaves_the_map_as_it_was(monkeypatch):
    corrected_map = corrected(*STONES)
    before = state(corrected_map)
    monkeypatch.setattr("tesserae.corrections.changes.keep_connected", _out_of_memory)
    with pytest.raises(MemoryError):
        corrected_map.apply(Several("x", (NEW, Erase(((3, 3),), 3))))
    assert (state(corrected_map), corrected_map.next_label) == (before, 4)


def _out_of_memory(*_):
    raise MemoryError


# --- Changes ------------------------------------------------------------------------------------------------------------


def test_a_change_shows_its_box_before_and_after():
    corrected_map = corrected(*STONES)
    change = corrected_map.apply(Several("x", (Merge(labels=(1, 2)), Delete(labels=(3,)), Add(polygon_xy=square(4, 4, 8, 6)))))
    assert (change.box_xyxy, change.count_change, change.touched) == ((0, 0, 10, 7), -1, (1, 2, 3, 4))
    np.testing.assert_array_equal(change.labels_before, rows(*STONES)[:7, :10])
    np.testing.assert_array_equal(change.labels_after, corrected_map.labels[:7, :10])
    back = corrected_map.undo()
    assert (back.box_xyxy, back.count_change, back.touched) == (change.box_xyxy, 1, change.touched)
    np.testing.assert_array_equal(back.labels_before, change.labels_after)
    np.testing.assert_array_equal(back.labels_after, change.labels_before)


@settings(max_examples=60, deadline=None)
@given(mosaics(), ACTIONS)
def test_a_change_tells_what_changed(labels, actions):
    corrected_map = CorrectedMap.of(labels)
    for action in actions:
        before, hidden, count = corrected_map.labels.copy(), corrected_map.ignored.copy(), corrected_map.count
        try:
            change = play(corrected_map, aimed(action, corrected_map))
        except CorrectionError:
            np.testing.assert_array_equal(corrected_map.labels, before)
            np.testing.assert_array_equal(corrected_map.ignored, hidden)
            continue
        changed = (corrected_map.labels != before) | (corrected_map.ignored != hidden)
        assert change.count_change == corrected_map.count - count
        if change.box_xyxy is None:
            assert not changed.any()
            continue
        x0, y0, x1, y1 = change.box_xyxy
        np.testing.assert_array_equal(change.labels_before, before[y0:y1, x0:x1])
        np.testing.assert_array_equal(change.labels_after, corrected_map.labels[y0:y1, x0:x1])
        changed[y0:y1, x0:x1] = False
        assert not changed.any()


# --- What always holds ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(mosaics(), ACTIONS)
def test_index_count_and_pieces_are_right_after_every_action(labels, actions):
    corrected_map = CorrectedMap.of(labels)
    for action in actions:
        played(corrected_map, [action])
        assert corrected_map.boxes == tessera_boxes(corrected_map.labels)
        assert corrected_map.count == count_tesserae(corrected_map.labels)
        assert hang_together(corrected_map.labels)
        assert not (corrected_map.ignored & (corrected_map.labels > 0)).any()


@settings(max_examples=40, deadline=None)
@given(mosaics(), ACTIONS)
def test_undoing_everything_and_redoing_it_is_exact(labels, actions):
    corrected_map = CorrectedMap.of(labels)
    first = state(corrected_map)
    played(corrected_map, actions)
    last, steps = state(corrected_map), corrected_map.done
    for _ in range(steps):
        corrected_map.undo()
    assert state(corrected_map) == first
    for _ in range(steps):
        corrected_map.redo()
    assert state(corrected_map) == last


@settings(max_examples=40, deadline=None)
@given(mosaics(), ACTIONS)
def test_a_replay_gives_what_was_shown(labels, actions):
    corrected_map = CorrectedMap.of(labels)
    log = [Entry(action) for action in played(corrected_map, actions)]
    again = replay(labels, log)
    assert state(again) == state(corrected_map)
    assert (again.next_label, again.done, again.undone) == (corrected_map.next_label, corrected_map.done, corrected_map.undone)


@settings(max_examples=40, deadline=None)
@given(mosaics(), st.lists(CORRECTIONS | st.just(Undo()), min_size=2, max_size=7))
def test_no_number_is_used_twice(labels, actions):
    corrected_map = CorrectedMap.of(labels)
    seen = [set(corrected_map.boxes)]
    highest = [max(corrected_map.boxes, default=0)]
    undone = []
    for action in actions:
        if played(corrected_map, [action]):
            undone.append(isinstance(action, Undo))
            seen.append(set(corrected_map.boxes))
            highest.append(max(highest[-1], *seen[-1], 0))
            assert corrected_map.next_label > highest[-1]
    for (before, after), top, was_undo in zip(pairwise(seen), highest, undone, strict=False):
        assert was_undo or all(label > top for label in after - before)


@settings(max_examples=60, deadline=None)
@given(mosaics(), SINGLE)
def test_no_pixel_changes_outside_what_was_drawn_and_the_tesserae_that_it_touches(labels, correction):
    corrected_map = CorrectedMap.of(labels)
    made = played(corrected_map, [correction])
    if not made:
        return
    (correction,) = made
    changed = (corrected_map.labels != labels) | corrected_map.ignored
    drawn = footprint(correction)
    if isinstance(correction, Merge):
        gone = set(present_labels(labels).tolist()) - set(corrected_map.boxes)
        united = gone | set(corrected_map.labels[changed].tolist())
        drawn = whole(box_around(np.isin(labels, list(united))))
        allowed = drawn
    elif isinstance(correction, Add) or (isinstance(correction, Paint) and correction.label is None):
        allowed = drawn & (labels == 0)
    else:
        named = {correction.label} if isinstance(correction, Split | Replace | Erase) and correction.label else set()
        if isinstance(correction, Delete):
            named = set(correction.labels or ()) | {label for label in present_labels(labels) if correction.below_area_px}
        touched = set(labels[drawn].tolist()) | named
        allowed = drawn | np.isin(labels, list(touched - {0}))
    assert not (changed & ~allowed).any()


def whole(box):
    x0, y0, x1, y1 = box
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)


def box_around(mask):
    y, x = np.nonzero(mask)
    return (x.min(), y.min(), x.max() + 1, y.max() + 1) if y.size else (0, 0, 0, 0)


def footprint(correction):
    """Pixels that were drawn, roughly and in another way than the corrections find them: never too few."""
    fields = vars(correction)
    if fields.get("polygon_xy"):
        return in_polygon(correction.polygon_xy)
    if fields.get("mask") is not None or fields.get("box_xyxy"):
        return whole(correction.mask.box_xyxy if fields.get("mask") is not None else correction.box_xyxy)
    lines = fields.get("line_xy") or ()
    drawn = np.zeros(SHAPE, bool)
    for x, y in fields.get("points_xy") or ():
        drawn |= whole((np.floor(x), np.floor(y), np.floor(x) + 1, np.floor(y) + 1))
    for start, end in pairwise(lines if len(lines) > 1 else lines * 2):
        for share in np.linspace(0, 1, 400):
            x, y = np.array(start) + share * (np.array(end) - start)
            drawn |= near(x, y, fields.get("width_px", 1) / 2 + 0.05)
    return drawn


def in_polygon(polygon_xy):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return points_in_polygon(np.stack([x.ravel(), y.ravel()], axis=1), np.array(polygon_xy, float)).reshape(SHAPE)


def near(x, y, radius):
    rows_, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return np.hypot(columns - x, rows_ - y) <= radius


def test_mortar_is_a_region_too():
    """`footprint` covers every operation that draws."""
    assert footprint(Mortar(square(0, 0, 2, 2))).sum() == 4
