"""Choosing models and the way to look, in plain words; a choice stands in the address, so that a reload or a shared link keeps it."""

from collections.abc import Mapping

import streamlit as st

from tesserae.activation import active_name
from tesserae.checkpoints import Checkpoint, list_checkpoints, list_problems
from tesserae.options import RunOptions, SegmentOptions
from tesserae.settings import Settings
from tesserae.ui import address
from tesserae.ui.records import ORIGINS
from tesserae.ui.wording import plain

METHODS: dict[str, tuple[str, SegmentOptions]] = {
    "Careful": ("Every tessera is found first, then outlined by the model.", SegmentOptions()),
    "Fast": ("Tesserae are found and outlined roughly, without the model's second look.", SegmentOptions(fast=True)),
    "Regular grid": (
        "The published method: the model is asked at evenly spread points. Slow; for comparison.",
        SegmentOptions(prompts="grid"),
    ),
}


def installed_models(settings: Settings) -> dict[str, Checkpoint]:
    """The installed models by name; files that cannot be used, or that there are none at all, are told on the page."""
    for problem in list_problems(settings.weights):
        st.warning(plain(problem))
    known = list_checkpoints(settings.weights, settings.checkpoint_url)
    installed = {checkpoint.name: checkpoint for checkpoint in known if checkpoint.installed}
    if not installed:
        st.error(
            f"No model is installed. Expected tesserae_mini.pt, which comes with the program, in {plain(str(settings.weights))}. "
            "Restore that file, then load this page again."
        )
    return installed


def choose_options(settings: Settings) -> RunOptions | None:
    """Show the fields, with the default model at first; None when no model is installed."""
    installed = installed_models(settings)
    if not installed:
        return None
    name = choose_model("Model", "model", installed, active_name(settings))
    index = asked_index("way", METHODS, next(iter(METHODS)))
    captions = [caption for caption, _ in METHODS.values()]
    way: str = st.radio("How to look", list(METHODS), index=index, captions=captions, key="way")
    address.write("way", way)
    return RunOptions(checkpoint=name, segment=METHODS[way][1])


def choose_model(label: str, key: str, installed: Mapping[str, Checkpoint], default: str) -> str:
    """Show a field for one of the installed models; `key` is its name in the address."""
    more = "The page **Models** tells what each of them is, and how to get others."
    name = _choose(label, key, {name: name for name in installed}, default, more)
    origin = ORIGINS[installed[name].kind]
    st.caption(f"{origin[0].upper()}{origin[1:]}")  # below the field, which would cut it
    return name


def choose_way(label: str, key: str) -> str:
    """Show a field for one of the ways to look, a key of `METHODS`; `key` is its name in the address."""
    explained = " ".join(f"**{way}:** {caption}" for way, (caption, _) in METHODS.items())
    return _choose(label, key, {way: way for way in METHODS}, next(iter(METHODS)), explained)


def way_of(options: Mapping[str, object]) -> str:
    """The way to look in stored options, in small letters."""
    return "regular grid" if options["prompts"] == "grid" else "fast" if options.get("fast") else "careful"


def asked_index(key: str, choices: Mapping[str, object], default: str) -> int:
    """Index in `choices` of what the address asks for under `key`, else of `default`, else of the first."""
    names = list(choices)
    return next((names.index(name) for name in (address.read(key), default) if name in names), 0)


def _choose(label: str, key: str, words: Mapping[str, str], default: str, explained: str) -> str:
    """A field for one of the keys of `words`; what was chosen is written to the address, and taken from there at first."""
    index = asked_index(key, words, default)
    chosen: str = st.selectbox(label, list(words), index=index, format_func=words.__getitem__, key=key, help=explained)
    address.write(key, chosen)
    return chosen
