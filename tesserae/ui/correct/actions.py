"""What happens when a stroke is finished or a button pressed: each changes the draft or asks the model, and notes what to tell.

They run as callbacks, before the page is drawn again, so that one run of the fragment shows the result.
"""

from collections.abc import Callable

import streamlit as st

from tesserae.correcting import Desk, apply, redo, undo
from tesserae.corrections.operations import Add, Correction
from tesserae.corrections.replay import Change
from tesserae.errors import TesseraeError
from tesserae.ui.correct.bench import Ask, Bench
from tesserae.ui.correct.drawing import Drawing, read_drawing
from tesserae.ui.correct.tools import correction_of
from tesserae.ui.wording import counted


def take_stroke(key: str, bench: Bench, desk: Desk, ask: Ask, author: str, width_px: float, *, inside: bool) -> None:
    """Take what was drawn on the canvas `key`: a correction is made at once, a click or box for the model leads to a proposal.

    `inside` says whether a click for the model is meant for the stone or for what is none of it.
    """
    drawing = read_drawing(st.session_state[key]["drawing"].get("raw"), bench.view) if key == bench.canvas else None
    if drawing is None:
        return
    bench.canvas = ""
    bench.strokes += 1
    if bench.tool_in_hand.make is None:
        _ask_model(bench, drawing, ask, inside=inside)
    else:
        _attempt(bench, desk, lambda: apply(desk, _correction(bench, desk, drawing, width_px), author, seen=bench.seen))


def take_proposal(bench: Bench, desk: Desk, author: str) -> None:
    """Make a tessera of the model's proposal."""
    proposal = bench.proposal
    if proposal is not None:
        correct(bench, desk, Add(mask=proposal.mask, prompt=proposal.prompt), author)
        bench.forget_proposal()


def correct(bench: Bench, desk: Desk, correction: Correction, author: str) -> None:
    """Make a correction that was not drawn, such as one that a suggestion or a clean-up proposes."""
    _attempt(bench, desk, lambda: apply(desk, correction, author, seen=bench.seen))


def take_back(bench: Bench, desk: Desk, author: str) -> None:
    """Undo the last correction."""
    _attempt(bench, desk, lambda: undo(desk, author, seen=bench.seen), "Taken back")


def bring_back(bench: Bench, desk: Desk, author: str) -> None:
    """Redo what was undone last."""
    _attempt(bench, desk, lambda: redo(desk, author, seen=bench.seen), "Done again")


def _correction(bench: Bench, desk: Desk, drawing: Drawing, width_px: float) -> Correction:
    return correction_of(bench.tool_in_hand, desk.map, drawing, width_px)


def _attempt(bench: Bench, desk: Desk, change: Callable[[], Change], said: str = "Done") -> None:
    """Run a change and note what became of it; a refusal is a sentence, and nothing has changed then."""
    bench.strokes += 1
    try:
        done = change()
    except TesseraeError as error:
        bench.message = ("refused", str(error))
        bench.seen = desk.number  # the next picture shows what others did meanwhile
        return
    bench.seen = desk.number
    bench.last_change = done
    bench.message = ("done", f"{said}: {describe_change(done)}.")


def describe_change(change: Change) -> str:
    """Say what a change did to the count, as "2 tesserae fewer"."""
    if change.box_xyxy is None:
        return "no pixel changed"
    difference = change.count_change
    if difference == 0:
        return "the count is the same"
    return f"{counted(abs(difference), 'tessera')} {'more' if difference > 0 else 'fewer'}"


def _ask_model(bench: Bench, drawing: Drawing, ask: Ask, *, inside: bool) -> None:
    """Add what was drawn to the question, and keep the model's answer."""
    if bench.tool_in_hand.mode == "rect":
        bench.asked_box = drawing.box_xyxy
    else:
        first = not bench.clicks and bench.asked_box is None
        bench.clicks = (*bench.clicks, (drawing.first_xy, int(inside or first)))
    try:
        bench.proposal = ask(bench.clicks, bench.asked_box)
        bench.message = None
    except TesseraeError as error:
        bench.forget_proposal()
        bench.message = ("refused", str(error))
