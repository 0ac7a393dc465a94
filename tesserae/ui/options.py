"""Choosing the model and the way to look, in plain words."""

import streamlit as st

from tesserae.checkpoints import Checkpoint, list_checkpoints, list_problems
from tesserae.segment import SegmentOptions
from tesserae.service import RunOptions
from tesserae.settings import Settings

METHODS: dict[str, tuple[str, SegmentOptions]] = {
    "Careful": ("Every tessera is found first, then outlined by the model.", SegmentOptions()),
    "Fast": ("Tesserae are found and outlined roughly, without the model's second look.", SegmentOptions(fast=True)),
    "Regular grid": (
        "The published method: the model is asked at evenly spread points. Slow; for comparison.",
        SegmentOptions(prompts="grid"),
    ),
}
_ORIGIN = {"embedded": "comes with the program", "official": "published by Meta", "finetuned": "fine-tuned"}


def choose_options(settings: Settings) -> RunOptions | None:
    """Show the fields; None when no model is installed."""
    known = list_checkpoints(settings.weights, settings.checkpoint_url)
    for problem in list_problems(settings.weights):
        st.warning(problem)
    installed = {checkpoint.name: checkpoint for checkpoint in known if checkpoint.installed}
    if not installed:
        st.error(
            f"No model is installed. Expected tesserae_mini.pt, which comes with the program, in {settings.weights}. "
            "Restore that file, then load this page again."
        )
        return None
    method = st.radio("How to look", list(METHODS), captions=[caption for caption, _ in METHODS.values()])
    name = st.selectbox(
        "Model",
        list(installed),
        format_func=lambda each: _describe(installed[each]),
        help="More models: python -m tesserae checkpoints list",
    )
    return RunOptions(checkpoint=name, segment=METHODS[method][1])


def _describe(checkpoint: Checkpoint) -> str:
    return f"{checkpoint.name} ({_ORIGIN[checkpoint.kind]})"
