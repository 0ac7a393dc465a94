"""The suggestions where to look first, one after the other: right as it is, fixed, or left for later."""

from collections.abc import Callable

import streamlit as st

from tesserae.correcting import Desk
from tesserae.review import Suggestion
from tesserae.ui.correct.actions import correct
from tesserae.ui.correct.bench import Bench
from tesserae.ui.wording import plain

RIGHT, FIXED, LATER = "right", "fixed", "later"


def show_queue(desk: Desk, bench: Bench, author: str, look: Callable[[], list[Suggestion]]) -> None:
    """Show the present suggestion with its buttons; `look` finds them, which takes some seconds for a large mosaic."""
    if bench.queue is None:
        st.write("Tesserae-finding goes wrong in known ways. Have the map searched for places that look like it, the likeliest first.")
        st.button("Find places to look at", type="primary", on_click=_begin, args=(bench, look), key="begin queue")
        return
    queue = bench.queue
    if not queue.suggestions:
        st.success("Nothing looks wrong. That is no proof: look over the mosaic once yourself.")
        return
    done = len(queue.decisions)
    st.progress(done / len(queue.suggestions), text=f"{done} of {len(queue.suggestions)} suggestions")
    suggestion = queue.suggestions[queue.at]
    st.write(plain(suggestion.sentence))
    with st.container(horizontal=True):
        st.button("Previous", shortcut="P", on_click=_go, args=(bench, -1), disabled=queue.at == 0, key="queue previous")
        st.button("Right as it is", shortcut="A", on_click=_decide, args=(bench, RIGHT), key="queue right")
        if suggestion.fix is not None:
            st.button("Do what is proposed", shortcut="F", on_click=_fix, args=(desk, bench, author, suggestion), key="queue fix")
        st.button("Fixed by hand", shortcut="B", on_click=_decide, args=(bench, FIXED), key="queue fixed")
        st.button("Later", shortcut="L", on_click=_decide, args=(bench, LATER), key="queue later")
        st.button("Next", shortcut="N", on_click=_go, args=(bench, 1), disabled=queue.at + 1 == len(queue.suggestions), key="queue next")
    st.button("Search again", on_click=_begin, args=(bench, look), type="tertiary", key="queue again")


def _begin(bench: Bench, look: Callable[[], list[Suggestion]]) -> None:
    bench.start_queue(look())


def _go(bench: Bench, steps: int) -> None:
    bench.go_in_queue(steps)


def _decide(bench: Bench, decision: str) -> None:
    bench.decide(decision)


def _fix(desk: Desk, bench: Bench, author: str, suggestion: Suggestion) -> None:
    """Make the proposed correction; one that is refused, as after other corrections there, stays undecided."""
    assert suggestion.fix is not None
    correct(bench, desk, suggestion.fix, author)
    if bench.message is not None and bench.message[0] == "done":
        bench.decide(FIXED)
