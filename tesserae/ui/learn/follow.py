"""The run that goes on: stage, time left, device and memory, curves that grow, pictures over the rounds, the button that stops it."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.ui.learn.figures import CHECKS, LOSSES, check_chart, explain, loss_chart
from tesserae.ui.learn.runs import Run, find_run, memory_in_words, stage_in_words, time_in_words, time_left_s
from tesserae.ui.progress import offer_stop, trouble_of
from tesserae.ui.wording import plain

_CHART = {"displayModeBar": False}


@st.fragment(run_every=2.0)
def follow_learning(store: Store, settings: Settings, name: str) -> None:
    """Show how far a run is, from its journal and its job; when it has ended the page runs anew."""
    try:
        run = find_run(store, settings, name)
        trouble = "" if run is None or run.job is None else trouble_of(store, run.job)
    except TesseraeError as error:  # a fragment runs by itself: the page's own handling is not around it
        st.error(plain(str(error)))
        return
    if run is None or run.job is None or run.job.finished:
        st.rerun()
    st.subheader(f"Learning: {plain(name)}")
    st.progress(run.job.progress, text=plain(progress_in_words(run)))
    if trouble:
        st.warning(trouble)
    _show_facts(run)
    offer_stop(store, run.job, "Ends the learning. What it learned in the rounds that are finished is kept, and it can go on from there.")
    show_curves(run)
    show_samples(run)


def progress_in_words(run: Run) -> str:
    """Stage and share, or what it waits for."""
    job = run.job
    assert job is not None
    if job.cancel_requested:
        return "Stopping"
    if job.state == "queued":
        waits = "Waiting for its turn"
        return f"{waits}: shorter work goes first, then round {run.done_epochs + 1} begins" if run.epochs else waits
    return f"{stage_in_words(job.stage)} ({job.progress:.0%})"


def show_curves(run: Run) -> None:
    """Show the curves of the losses and of the figures on what is kept apart, with two words on each."""
    if not run.epochs or run.most_epochs is None:
        st.caption("The curves begin when the model that it starts from has been judged.")
        return
    rounds = run.most_epochs if run.unfinished else max(1, run.done_epochs)
    learned = next((epoch.loss for epoch in reversed(run.epochs) if epoch.loss), {})
    loss_column, check_column = st.columns(2)
    with loss_column:
        st.markdown("**What it gets wrong while it learns** (loss)")
        if learned:
            st.plotly_chart(loss_chart(run.epochs, rounds), width="stretch", config=_CHART, key=f"loss {run.name}")
            st.caption(explain(LOSSES, learned))
        else:
            st.caption("After the first round.")
    with check_column:
        st.markdown("**How good it is where it did not learn** (validation)")
        st.plotly_chart(check_chart(run.epochs, rounds), width="stretch", config=_CHART, key=f"check {run.name}")
        st.caption(explain(CHECKS, run.epochs[-1].validation))
    st.caption("A round (epoch) is one pass over what it learns from; round 0 is the model that it began with.")


def show_samples(run: Run) -> None:
    """Show what was found before, and after a round that can be chosen, the last one at first."""
    pictures = {int(path.stem.removeprefix("epoch-")): path for path in run.samples}
    if not pictures:
        return
    st.markdown("**What it finds in a place where it did not learn**")
    first, last = min(pictures), max(pictures)
    chosen = last
    if len(pictures) > 1:
        # the key follows the last round, so that the newest picture is shown when there is one
        chosen = st.select_slider(
            "Round", sorted(pictures), value=last, key=f"sample {run.name} {last}", format_func=lambda number: _round(number, last)
        )
    before, after = st.columns(2)
    _show_picture(before, pictures[first], _round(first, last), run.name)
    if chosen != first:
        _show_picture(after, pictures[chosen], _round(chosen, last), run.name)


def _show_facts(run: Run) -> None:
    round_column, time_column, device_column, memory_column = st.columns(4)
    most = "" if run.most_epochs is None else f" of {run.most_epochs}"
    round_column.metric("Rounds finished", f"{run.done_epochs}{most}", help="It ends sooner when nothing gets better any more.")
    left_s = time_left_s(run)
    left = "–" if left_s is None else time_in_words(left_s)
    time_column.metric(
        "Time left, at most",
        left,
        help="As long as the finished rounds took, for those to come: known after the first. The last checks come on top.",
    )
    device = run.epochs[-1].device if run.epochs else run.facts.device if run.facts is not None else "–"
    device_column.metric("Device", device, help="cpu: the processor. cuda or mps: a graphics card, which is many times faster.")
    memory_column.metric("Memory", memory_in_words(run.epochs[-1].memory_mb) if run.epochs else "–", help="The most that it needed so far.")


def _round(number: int, last: int) -> str:
    words = "before" if number == 0 else f"round {number}"
    return f"{words}, the latest" if number == last and number else words


def _show_picture(column: DeltaGenerator, path: Path, words: str, name: str) -> None:
    try:
        column.image(path.read_bytes(), caption=words, width="stretch", alt=f"What {name} finds, {words}")
    except OSError:
        column.caption(f"The picture of {words} cannot be read any more.")
