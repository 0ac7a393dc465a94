"""Before a run: what it will learn from, the choices, why it cannot start, and the button."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import streamlit as st

from tesserae.activation import active_name
from tesserae.checkpoints import EMBEDDED_NAME, Checkpoint, free_name
from tesserae.dataset import Dataset, find_members
from tesserae.dataset.summary import summarize
from tesserae.errors import CheckpointError, DatasetError
from tesserae.jobs.orders import FINETUNE, finetune_arguments
from tesserae.jobs.queue import submit_job
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.training.journal import journal_of
from tesserae.training.order import Order
from tesserae.training.promotion import RULE
from tesserae.training.recipe import PRESETS
from tesserae.ui import address
from tesserae.ui.dataset.split import arranged_dataset
from tesserae.ui.learn.runs import Run, unfinished_run
from tesserae.ui.links import link_to
from tesserae.ui.options import asked_index, choose_model, installed_models
from tesserae.ui.resources import get_queue
from tesserae.ui.wording import counted, plain

BUTTON = "Learn from my corrections"
MOST_EPOCHS = 200

PRESET_WORDS: Mapping[str, str] = {
    "default": (
        "Each stone is learned with its outline and its joints, from photos turned, resized and recoloured. It ends when nothing gets "
        "better any more."
    ),
    "paper": (
        "The published recipe (Kapelonis et al. 2025), for comparison with it. All stones of a picture are learned together, in quarter "
        "turns and mirror images, more slowly."
    ),
}
"""Each recipe in two sentences."""


@dataclass(frozen=True)
class Ground:
    """What can be learned from at the moment: a dataset, or the sentence that says why there is none."""

    dataset: Dataset | None
    problem: str = ""


def offer_learning(store: Store, settings: Settings, runs: list[Run]) -> Ground:
    """Show what would be learned from, the choices and the button; returns what there is to learn from.

    Raises TesseraeError when a photo or a label map cannot be read, or the job cannot be queued.
    """
    ground = _find_ground(store, settings)
    _show_ground(ground)
    going = unfinished_run(runs)
    if going is not None:
        st.caption(f"{plain(going.name)} is learning at the moment, and one learns at a time. Wait until it has ended, or stop it.")
    if going is not None or ground.dataset is None:
        st.button(BUTTON, type="primary", disabled=True)
        return ground
    installed = installed_models(settings)
    if not installed:
        return ground
    with st.expander("Choices", icon=":material/tune:"):
        order = _choose_order(settings, installed)
    problem = name_problem(settings, order.name)
    if problem:
        st.info(plain(problem))
    if st.button(BUTTON, type="primary", disabled=bool(problem)):
        start_learning(store, settings, order)
        st.rerun()
    st.caption(f"It is done by the worker: go on working, or close this page. {plain(RULE)}")
    return ground


def start_learning(store: Store, settings: Settings, order: Order) -> None:
    """Queue a fine-tune, or go on with one that was cut off; while one is unfinished another click changes nothing."""
    submit_job(store, get_queue(settings), FINETUNE, finetune_arguments(order), key=FINETUNE)


def usual_name(settings: Settings, today: date) -> str:
    """A name that is free: learned-2026-11-26, or with a number behind it."""
    plain_name = f"learned-{today.isoformat()}"
    number, name = 1, plain_name
    while name_problem(settings, name):
        number += 1
        name = f"{plain_name}-{number}"
    return name


def name_problem(settings: Settings, name: str) -> str:
    """Why a new model cannot have this name, and what to do; "" when it can."""
    try:
        free_name(name, settings.weights)
    except CheckpointError as error:
        return str(error)
    if journal_of(settings, name).facts() is not None:
        return f"A run named {name} was begun before and made no model. Go on with it below, or give the new one another name."
    return ""


def usual_base(installed: Mapping[str, Checkpoint], active: str) -> str:
    """Return the model that a fine-tune begins with unless another is chosen: the untuned one behind the default.

    Each fine-tune learns from everything that is approved, hence begins anew, and not where an earlier one ended.
    """
    name, seen = active, set[str]()
    while name in installed and installed[name].kind == "finetuned" and name not in seen:
        seen.add(name)
        parent = installed[name].record.get("parent")
        above = parent.get("name") if isinstance(parent, Mapping) else parent
        if not isinstance(above, str) or above not in installed:
            return name
        name = above
    return name if name in installed else EMBEDDED_NAME


def _find_ground(store: Store, settings: Settings) -> Ground:
    try:
        return Ground(arranged_dataset(store, settings, find_members(store, settings)))
    except DatasetError as error:
        return Ground(None, str(error))


def _show_ground(ground: Ground) -> None:
    """What there is to learn from, or why there is nothing, with links to where that is changed."""
    if ground.dataset is None:
        st.info(plain(f"It cannot learn yet. {ground.problem}"))
    else:
        mosaics = counted(len(ground.dataset.photo_ids("train")), "mosaic")
        tesserae, checked = (counted(ground.dataset.tessera_count(split), "tessera") for split in ("train", "validation"))
        st.markdown(
            f"The model will learn from **{tesserae}** of **{mosaics}**, and be judged on **{checked}** that it does not learn from."
        )
        for note in summarize(ground.dataset)[1:]:
            st.caption(plain(note))
    with st.container(horizontal=True):
        link_to("correct", "Correct and approve more", ":material/edit:")
        link_to("dataset", "See the dataset", ":material/dataset:")


def _choose_order(settings: Settings, installed: Mapping[str, Checkpoint]) -> Order:
    name_column, base_column = st.columns(2)
    proposed = usual_name(settings, date.today())
    name = name_column.text_input("Name of the new model", proposed, help="Letters, digits and . _ + - only, for example kos-2026.").strip()
    with base_column:
        base = choose_model("Model to begin with", "base", installed, usual_base(installed, active_name(settings)))
    recipe_column, rounds_column = st.columns(2)
    with recipe_column:
        index = asked_index("preset", PRESETS, next(iter(PRESETS)))
        captions = [PRESET_WORDS[preset] for preset in PRESETS]
        preset: str = st.radio("Recipe", list(PRESETS), index=index, captions=captions, key="preset")
        address.write("preset", preset)
    usual = PRESETS[preset].epochs
    rounds = rounds_column.number_input(
        "Rounds (epochs) at most", 1, MOST_EPOCHS, usual, key=f"epochs {preset}", help="Passes over what it learns from."
    )
    return Order(name, base, preset, None if rounds == usual else int(rounds))
