"""How the dataset is split: how much is learned from, checked on and tested on, and what is missing."""

import streamlit as st

from tesserae.dataset import Dataset, Member, dataset_of, find_members
from tesserae.errors import DatasetError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.members import Split
from tesserae.ui.wording import counted, plain

PURPOSES: dict[Split, str] = {"train": "To learn from", "validation": "To check on", "test": "To test on"}
"""What each side of the split is for, in words."""

_HELP: dict[Split, str] = {
    "train": "The model sees these tesserae while it learns (the split “train”).",
    "validation": "Looked at after each round of learning, to stop in time and to choose the best state (the split “validation”).",
    "test": "Kept away until the very end, to say how good the model is on a mosaic that it has never seen (the split “test”).",
}


def show_split(store: Store, settings: Settings) -> tuple[Member, ...]:
    """Show three figures and what is said of the split; returns the photos of the dataset, none while nothing is approved.

    Raises TesseraeError when a photo that is new to the dataset, or a label map, cannot be read.
    """
    members = find_members(store, settings)
    try:
        dataset = arranged_dataset(store, settings, members)
    except DatasetError as error:
        st.info(plain(str(error)))
        return members
    for column, split in zip(st.columns(len(PURPOSES)), PURPOSES, strict=True):
        photos = counted(len(dataset.of_split(split)), "block" if dataset.by_blocks and split != "test" else "photo")
        tesserae = counted(dataset.tessera_count(split), "tessera")
        column.metric(PURPOSES[split], tesserae, photos, delta_color="off", delta_arrow="off", help=_HELP[split])
    for note in dataset.notes:
        st.caption(plain(note))
    return members


def arranged_dataset(store: Store, settings: Settings, members: tuple[Member, ...]) -> Dataset:
    """The dataset of these members; label maps are read again only when one of them, or a side, has changed. Raises DatasetError."""
    state = [(member.annotation.id, member.record.split, member.photo.shown_name) for member in members]
    return _cached_dataset(str((settings.home.absolute(), state)), store, settings, members)


@st.cache_resource(show_spinner="Looking through the dataset", max_entries=8)
def _cached_dataset(state: str, _store: Store, _settings: Settings, _members: tuple[Member, ...]) -> Dataset:  # noqa: ARG001 (its key)
    return dataset_of(_store, _settings, _members)
