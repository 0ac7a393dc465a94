"""The runs before: what came of each, whether it became the default and why, before and after per mosaic, and what can be done with it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tesserae.activation import activate, active_name
from tesserae.checkpoints import Checkpoint, list_checkpoints
from tesserae.dataset import Dataset
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.ui.learn.begin import start_learning
from tesserae.ui.learn.figures import before_after
from tesserae.ui.learn.follow import show_curves, show_samples
from tesserae.ui.learn.runs import Run, order_of, time_in_words, unfinished_run
from tesserae.ui.links import link_to
from tesserae.ui.roll_back import offer_roll_back
from tesserae.ui.wording import counted, plain

_TO_LOOK_AT = ("test", "validation", "train")  # mosaics that the model knows least come first


def show_runs(store: Store, settings: Settings, runs: list[Run], dataset: Dataset | None) -> None:
    """Show a card for each run that has ended or was cut off, the last one first.

    Args:
        dataset: what can be learned from now; a run goes on only with what it began with.
    """
    ended = [run for run in runs if not run.unfinished]
    if not ended:
        return
    st.header("What was learned before")
    known = {each.name: each for each in list_checkpoints(settings.weights, settings.checkpoint_url) if each.installed}
    free = unfinished_run(runs) is None
    for number, run in enumerate(ended):
        with st.container(border=True):
            st.subheader(plain(run.name))
            if run.outcome is not None:
                _show_outcome(settings, run, run.outcome, known.get(run.name))
            else:
                _show_cut_off(store, settings, run, dataset, free=free)
            if run.epochs:
                with st.expander("Curves and pictures", expanded=number == 0):
                    show_curves(run)
                    show_samples(run)
                    for note in () if run.facts is None else run.facts.notes:
                        st.caption(plain(note))


def why_not_on(run: Run, dataset: Dataset | None) -> str:
    """Why a run that was cut off cannot go on from here, in a sentence; "" when it can."""
    if run.state == "elsewhere":
        return "It was begun on the command line, and goes on there, with the same command as before."
    if run.facts is not None and (dataset is None or run.facts.dataset != dataset.fingerprint):
        return "What is approved has changed since it began, so it cannot go on as it was. Begin anew above: that learns from everything."
    return ""


def _show_outcome(settings: Settings, run: Run, outcome: Mapping[str, Any], checkpoint: Checkpoint | None) -> None:
    is_active = active_name(settings) == run.name
    st.markdown(f"**{plain(str(outcome['sentence']))}**")
    made = "It was made the default model." if outcome["promoted"] else "It was kept beside the others, and the default model stayed."
    (st.success if outcome["promoted"] else st.info)(plain(f"{made} {outcome['reason']}"))
    facts = [f"Round {outcome['best_epoch']} of {outcome['epochs']} was the best, and was kept."]
    if run.epochs:
        facts.append(f"Learning and checking took {time_in_words(run.epochs[-1].elapsed_s)}.")
    st.caption(" ".join(facts))
    _show_tables(run.name, outcome["validation"], "Where it did not learn")
    _show_tables(run.name, outcome["test"], "On mosaics that were kept away until the end")
    if checkpoint is None:
        st.caption("The model was deleted or renamed since.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if is_active:
            st.badge("The default", icon=":material/check:", color="green")
            offer_roll_back(settings)
        elif st.button("Make it the default", key=f"activate {run.name}"):
            _act(settings, run.name)
        link_to("compare", "Compare with the baseline", ":material/compare:", **_comparison(run, checkpoint))


def _show_cut_off(store: Store, settings: Settings, run: Run, dataset: Dataset | None, *, free: bool) -> None:
    rounds = (
        f"{counted(run.done_epochs, 'round')} finished"
        if run.most_epochs is None
        else f"{run.done_epochs} of {run.most_epochs} rounds finished"
    )
    if run.state == "failed" and run.job is not None:
        st.error(plain(f"It came to nothing, {rounds}. {run.job.message}"))
    else:
        st.info(f"It was stopped, {rounds}." if run.state == "stopped" else f"It has not ended, {rounds}.")
    if problem := why_not_on(run, dataset):
        st.caption(plain(problem))
        return
    order = order_of(run)
    title = "Go on" if run.epochs else "Try again"
    if order is not None and st.button(title, key=f"go on {run.name}", disabled=not free, help="Goes on after the last finished round."):
        start_learning(store, settings, order)
        st.rerun()


def _show_tables(name: str, judged: Mapping[str, Any], where: str) -> None:
    """Before and after: against the model that it began with, and the default of that time; nothing where none was judged."""
    for rival in (each for each in judged if each != name):
        st.caption(f"{where}: {plain(rival)} → {plain(name)}")
        table = before_after(judged, rival, name)
        st.table(table.assign(Mosaic=table["Mosaic"].map(plain)).set_index("Mosaic"), border="horizontal")


def _comparison(run: Run, checkpoint: Checkpoint) -> dict[str, str]:
    """The address of the comparison: base and new model, on a mosaic that it knows little."""
    base = {} if run.facts is None else {"model_a": run.facts.base}
    splits = checkpoint.record.get("photo_ids")
    photos = [photo for split in _TO_LOOK_AT for photo in splits.get(split, ())] if isinstance(splits, Mapping) else []
    return base | {"model_b": run.name} | ({"mosaic": str(photos[0])} if photos else {})


def _act(settings: Settings, name: str) -> None:
    try:
        activate(settings, name)
    except TesseraeError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()
