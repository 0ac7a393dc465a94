"""What all sessions of the page share: the open collection and the queue, one of each for the same settings."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from tesserae.jobs import queue as jobs_queue
from tesserae.settings import Settings
from tesserae.store import Store, open_store

_BY_CONTENT: dict[str | type[Any], Callable[[Any], Any]] = {Settings: Settings.model_dump_json}


@st.cache_resource(show_spinner=False, hash_funcs=_BY_CONTENT)
def get_store(settings: Settings) -> Store:
    """The collection of these settings; raises TesseraeError when it cannot be opened."""
    return open_store(settings)


@st.cache_resource(show_spinner=False, hash_funcs=_BY_CONTENT)
def get_queue(settings: Settings) -> jobs_queue.Queue:
    """The queue that wakes the worker; raises StoreError when its address is none."""
    return jobs_queue.open_queue(settings)
