"""What a stroke, a button or a suggestion does to a draft, with a real collection and a made-up answer of the model."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from conftest import three_tesserae
from store_examples import add_grey, segment

from tesserae.cleanup import CLEANUPS
from tesserae.correcting import apply, open_desk
from tesserae.corrections.operations import Add, Delete, MaskRuns
from tesserae.errors import CorrectionError
from tesserae.review import KINDS, Reason, Suggestion
from tesserae.store.decisions import DecisionRecord, read_decisions
from tesserae.store.drafts import delete_draft, open_draft
from tesserae.ui.correct import actions, clean
from tesserae.ui.correct.bench import Bench, Proposal
from tesserae.ui.correct.queue import decide, describe_decision
from tesserae.ui.correct.view import View

pytest_plugins = "store_fixtures"

KEY = "canvas 1"
PLACE = MaskRuns.of_array(np.ones((4, 4), dtype=bool), (2, 30))


@pytest.fixture
def desk(sqlite_store):
    return open_desk(sqlite_store, open_draft(sqlite_store, segment(sqlite_store, add_grey(sqlite_store)), "").id)


@pytest.fixture
def bench():
    return Bench(View((60, 40), 30.0, 20.0, 10.0, (600, 400)), canvas=KEY)


@pytest.fixture
def draw(desk, bench, monkeypatch):
    """Draw with a tool from place to place, in photo pixels; `ask` answers for the model."""

    def draw(tool, *points_xy, ask=None, inside=True):
        bench.tool = tool
        path = [["L", 10 * x, 10 * y] for x, y in points_xy]
        drawn = {"type": "Path", "path": path} if len(path) > 1 else click(*points_xy[0])
        monkeypatch.setattr(actions.st, "session_state", {KEY: {"drawing": {"raw": {"objects": [drawn]}}}})
        actions.take_stroke(KEY, bench, desk, ask, "Anna", 3.0, inside=inside)
        bench.canvas = bench.canvas or KEY

    return draw


def click(x, y):
    return {"type": "Circle", "left": 10 * x - 4, "top": 10 * y, "radius": 3, "strokeWidth": 2}


def proposal(points, box):
    return Proposal(PLACE, 0.8, {"points": len(points), "box": box})


def test_a_stroke_is_made_and_stored_and_leads_to_an_empty_canvas(desk, bench, draw):
    draw("delete", (5.0, 6.0))
    assert desk.map.count == 2
    assert [logged.entry.correction for logged in desk.log] == [Delete((1,))]
    assert (bench.strokes, bench.seen, bench.message) == (2, 1, ("done", "Done: 1 tessera fewer."))


def test_a_stroke_that_means_nothing_is_refused_in_words(desk, bench, draw):
    draw("delete", (1.0, 1.0))
    assert bench.message == ("refused", "There is no tessera where you clicked, only mortar. Click inside of one.")
    assert not desk.log


def test_a_canvas_on_its_way_out_is_not_heard(desk, bench, draw):
    bench.canvas = "canvas 2"
    draw("delete", (5.0, 6.0))
    assert (desk.log, bench.strokes) == ([], 0)


def test_what_another_person_changed_is_not_overwritten(desk, bench, draw):
    apply(desk, Delete((1,)), "Berta")
    draw("erase", (2.0, 6.0), (12.0, 6.0))
    tone, sentence = bench.message
    assert (tone, "Berta" in sentence) == ("refused", True)
    assert bench.seen == desk.number == 1


def test_undo_and_redo(desk, bench, draw):
    draw("delete", (5.0, 6.0))
    actions.take_back(bench, desk, "Anna")
    assert (desk.map.count, bench.message) == (3, ("done", "Taken back: 1 tessera more."))
    actions.bring_back(bench, desk, "Anna")
    assert (desk.map.count, bench.message) == (2, ("done", "Done again: 1 tessera fewer."))


def test_the_model_is_asked_with_all_clicks_and_its_proposal_taken(desk, bench, draw):
    asked = []

    def ask(points, box):
        asked.append((points, box))
        return proposal(points, box)

    draw("click", (3.0, 31.0), ask=ask, inside=False)  # the first click always means the stone
    draw("click", (9.0, 35.0), ask=ask, inside=False)
    assert asked[-1] == ((((3.0, 31.0), 1), ((9.0, 35.0), 0)), None)
    assert desk.map.count == 3
    actions.take_proposal(bench, desk, "Anna")
    assert desk.log[-1].entry.correction == Add(mask=PLACE, prompt={"points": 2, "box": None})
    assert (desk.map.count, bench.proposal, bench.clicks) == (4, None, ())


def test_a_box_for_the_model(desk, bench, monkeypatch):
    bench.tool = "box"
    drawn = {"type": "Rect", "left": 20, "top": 300, "width": 40, "height": 50}
    monkeypatch.setattr(actions.st, "session_state", {KEY: {"drawing": {"raw": {"objects": [drawn]}}}})
    actions.take_stroke(KEY, bench, desk, proposal, "Anna", 1.0, inside=True)
    assert (bench.asked_box, bench.proposal.mask) == ((2, 30, 6, 35), PLACE)


def test_where_the_model_sees_nothing_it_says_so_and_all_is_forgotten(desk, bench, draw):
    def ask(points, box):
        raise CorrectionError("The model sees no stone at this place.")

    draw("click", (3.0, 31.0), ask=ask)
    assert (bench.message, bench.clicks, bench.proposal) == (("refused", "The model sees no stone at this place."), (), None)


def test_without_a_proposal_there_is_nothing_to_take(desk, bench):
    actions.take_proposal(bench, desk, "Anna")
    assert not desk.log


REASONS = (Reason(KINDS[0], 0.5, "It looks odd."),)
PLACES = [Suggestion((number,), box, 0.5, REASONS) for number, box in ((1, (2, 3, 12, 13)), (2, (20, 5, 36, 21)), (7, (40, 25, 50, 35)))]


def test_suggestions_one_after_the_other_and_what_was_decided_is_kept(desk, bench):
    first, second, third = PLACES
    bench.start_queue(PLACES, {})
    assert bench.focus == first.box_xyxy
    decide(desk, bench, "Anna", "right")
    assert (bench.queue.at, bench.focus) == (1, second.box_xyxy)
    decide(desk, bench, "Anna", "later")
    bench.go_in_queue(-5)
    assert (bench.queue.at, bench.queue.done) == (0, 2)
    bench.start_queue([], {})
    assert bench.focus is None

    bench.start_queue([third, second, first], read_decisions(desk.store, desk.draft.id))  # as after a reload
    assert (bench.queue.at, bench.queue.done) == (0, 2)
    decide(desk, bench, "Berta", "fixed")
    assert (bench.queue.at, bench.queue.done) == (1, 3)
    assert describe_decision(bench.queue.decisions[bench.queue.present.place]) == "Left for later, said Anna."


def test_what_changed_since_is_open_again(bench):
    moved = replace(PLACES[0], box_xyxy=(2, 3, 12, 14))
    record = DecisionRecord(PLACES[0].place, "right", "", datetime.now(UTC))
    bench.start_queue([PLACES[0], moved, PLACES[1]], {PLACES[0].place: record})
    assert bench.queue.at == 1


def test_a_decision_that_cannot_be_kept_is_told(desk, bench):
    bench.start_queue(PLACES, {})
    delete_draft(desk.store, desk.draft.id)
    decide(desk, bench, "Anna", "right")
    assert (bench.message[0], bench.queue.at, bench.queue.done) == ("refused", 0, 0)
    assert "There is no draft" in bench.message[1]


def test_a_clean_up_is_looked_at_before_it_is_made(sqlite_store, bench):
    labels = three_tesserae()
    rows, columns = np.nonzero(labels == 2)
    labels[rows.min() + 6, columns.min() + 6] = 0
    desk = open_desk(sqlite_store, open_draft(sqlite_store, segment(sqlite_store, add_grey(sqlite_store), labels), "").id)
    clean._look(desk, bench, "holes", CLEANUPS["holes"])
    preview = bench.previews["holes"]
    assert (preview.seen, preview.count_change) == (0, 0)
    assert "the count stays" in clean._in_words(preview)
    actions.correct(bench, desk, preview.corrections, "Anna")
    assert (desk.map.labels == three_tesserae()).all()
    clean._look(desk, bench, "holes", CLEANUPS["holes"])
    assert bench.previews["holes"].corrections is None
