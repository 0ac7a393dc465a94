"""Clean-ups with one click: looked at first, with what they would do to the count; made as corrections, so that they can be undone."""

import streamlit as st

from tesserae.cleanup import CLEANUPS, Cleanup, count_change
from tesserae.correcting import Desk
from tesserae.ui.correct.actions import correct
from tesserae.ui.correct.bench import Bench, Preview
from tesserae.ui.wording import counted


def show_cleanup(desk: Desk, bench: Bench, author: str) -> None:
    """Show each clean-up with its button and, once it was looked at, what it would do."""
    for name, cleanup in CLEANUPS.items():
        with st.container(border=True):
            st.markdown(f"**{cleanup.title}**")
            st.caption(cleanup.sentence)
            preview = bench.previews.get(name)
            if preview is None or preview.seen != desk.number:
                st.button("Look what it would do", on_click=_look, args=(desk, bench, name, cleanup), key=f"look {name}")
            elif preview.corrections is None:
                st.write("There is nothing to do.")
            else:
                st.write(_in_words(preview))
                st.button("Do it", type="primary", on_click=correct, args=(bench, desk, preview.corrections, author), key=f"do {name}")


def _look(desk: Desk, bench: Bench, name: str, cleanup: Cleanup) -> None:
    with desk.lock:
        corrections = cleanup.propose(desk.map.labels, desk.map.ignored)
        change = 0 if corrections is None else count_change(desk.map.labels, corrections, desk.map.ignored)
        bench.previews[name] = Preview(desk.number, corrections, change)


def _in_words(preview: Preview) -> str:
    assert preview.corrections is not None
    change = preview.count_change
    count = "the count stays" if change == 0 else f"{counted(abs(change), 'tessera')} {'more' if change > 0 else 'fewer'}"
    return f"{counted(len(preview.corrections.corrections), 'correction')}; {count}. It can be undone."
