"""The suggestions where to look first, one after the other: right, fixed, or left for later; each decision is kept with the draft."""

from collections.abc import Callable

import streamlit as st

from tesserae.correcting import Desk
from tesserae.errors import TesseraeError
from tesserae.review import Suggestion
from tesserae.store.decisions import Decision, DecisionRecord, note_decision, read_decisions
from tesserae.ui.correct.actions import correct
from tesserae.ui.correct.bench import Bench
from tesserae.ui.wording import counted, plain

_IN_WORDS: dict[Decision, str] = {"right": "Right as it is", "fixed": "Fixed", "later": "Left for later"}


def show_queue(desk: Desk, bench: Bench, author: str, look: Callable[[], list[Suggestion]]) -> None:
    """Show the present suggestion with its buttons; `look` finds them, which takes some seconds for a large mosaic."""
    if bench.queue is None:
        st.write("Tesserae-finding goes wrong in known ways. Have the map searched for places that look like it, the likeliest first.")
        st.button("Find places to look at", type="primary", on_click=_begin, args=(desk, bench, look), key="begin queue")
        if decided := len(read_decisions(desk.store, desk.draft.id)):
            st.caption(f"{counted(decided, 'decision')} about places of this mosaic {'is' if decided == 1 else 'are'} kept.")
        return
    queue = bench.queue
    if not queue.suggestions:
        st.success("Nothing looks wrong. That is no proof: look over the mosaic once yourself.")
        return
    st.progress(queue.done / len(queue.suggestions), text=f"{queue.done} of {len(queue.suggestions)} suggestions")
    st.write(plain(queue.present.sentence))
    if queue.present.place in queue.decisions:
        st.caption(plain(describe_decision(queue.decisions[queue.present.place])))
    _offer_decisions(desk, bench, author, queue.present)
    st.button("Search again", on_click=_begin, args=(desk, bench, look), type="tertiary", key="queue again")


def describe_decision(decision: DecisionRecord) -> str:
    """Say what was decided, and by whom."""
    return _IN_WORDS[decision.decision] + (f", said {decision.author}." if decision.author else ".")


def _offer_decisions(desk: Desk, bench: Bench, author: str, suggestion: Suggestion) -> None:
    queue, to_decide = bench.queue, (desk, bench, author)
    assert queue is not None
    with st.container(horizontal=True):
        st.button("Previous", shortcut="P", on_click=_go, args=(bench, -1), disabled=queue.at == 0, key="queue previous")
        st.button("Right as it is", shortcut="A", on_click=decide, args=(*to_decide, "right"), key="queue right")
        if suggestion.fix is not None:
            st.button("Do what is proposed", shortcut="F", on_click=_fix, args=(*to_decide, suggestion), key="queue fix")
        st.button("Fixed by hand", shortcut="B", on_click=decide, args=(*to_decide, "fixed"), key="queue fixed")
        st.button("Later", shortcut="L", on_click=decide, args=(*to_decide, "later"), key="queue later")
        st.button("Next", shortcut="N", on_click=_go, args=(bench, 1), disabled=queue.at + 1 == len(queue.suggestions), key="queue next")


def decide(desk: Desk, bench: Bench, author: str, decision: Decision) -> None:
    """Keep what became of the present suggestion, and turn to the next; where it cannot be kept, say so and stay."""
    assert bench.queue is not None
    try:
        kept = note_decision(desk.store, desk.draft.id, bench.queue.present.place, decision, author)
    except TesseraeError as error:
        bench.message = ("refused", str(error))
        return
    bench.take_decision(kept)


def _begin(desk: Desk, bench: Bench, look: Callable[[], list[Suggestion]]) -> None:
    bench.start_queue(look(), read_decisions(desk.store, desk.draft.id))


def _go(bench: Bench, steps: int) -> None:
    bench.go_in_queue(steps)


def _fix(desk: Desk, bench: Bench, author: str, suggestion: Suggestion) -> None:
    """Make the proposed correction; one that is refused, as after other corrections there, stays undecided."""
    assert suggestion.fix is not None
    correct(bench, desk, suggestion.fix, author)
    if bench.message is not None and bench.message[0] == "done":
        decide(desk, bench, author, "fixed")
