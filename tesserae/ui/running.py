"""Running the model from a page: one run at a time in the whole process, a progress bar, and a way to stop."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from tesserae.photo import Photo
from tesserae.service import Run, RunOptions, run_photo
from tesserae.settings import Settings

WORDS = {
    "load": "Loading the model",
    "find": "Measuring how large the tesserae are",
    "embed": "Looking at the photo",
    "segment": "Outlining tesserae",
    "decode": "Outlining tesserae",
    "paint": "Putting the outlines together",
}
_WAIT_S = 0.5


def run_with_progress(photo: Photo, options: RunOptions, settings: Settings) -> Run:
    """Segment a photo while a bar shows how far it is; pressing Stop ends this script, and with it the run.

    Raises TesseraeError as `tesserae.service.run_photo`.
    """
    area = st.empty()
    with area.container():
        bar = st.progress(0.0, text="Starting")
        # Any click makes Streamlit begin the script anew: the next call of the bar raises, and the run is left.
        st.button("Stop", help="Leaves this run; nothing of it is kept.")

    def show(share: float, stage: str) -> None:
        bar.progress(min(max(share, 0.0), 1.0), text=f"{WORDS.get(stage, stage)} ({share:.0%})")

    try:
        with _turn(inference_lock(), lambda: bar.progress(0.0, text="Waiting: another photo is being worked on")):
            return run_photo(photo, options, settings, progress=show)
    finally:
        area.empty()


@st.cache_resource
def inference_lock() -> threading.Lock:
    """The lock that all sessions share: two models at once would not fit into the memory of a laptop."""
    return threading.Lock()


@contextmanager
def _turn(lock: threading.Lock, waiting: Callable[[], object]) -> Iterator[None]:
    """Hold the lock; `waiting` is called twice a second until it is free, so that Stop works meanwhile."""
    while not lock.acquire(timeout=_WAIT_S):
        waiting()
    try:
        yield
    finally:
        lock.release()
