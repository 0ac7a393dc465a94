"""What one visitor's session holds, under which keys; no other module touches session keys."""

from collections.abc import Hashable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from tesserae.photo import Photo
from tesserae.service import Run

Preview = tuple[NDArray[np.uint8], NDArray[np.int32]]

_SOURCE, _PHOTO, _RUN, _PREVIEW = "source", "photo", "run", "preview"
_SAMPLE_CHOSEN, _UPLOADS = "sample_chosen", "uploads"


def upload_key() -> str:
    """Key of the upload field; another one after the sample was opened, which empties the field."""
    return f"upload_{st.session_state.get(_UPLOADS, 0)}"


def choose_sample() -> None:
    """Turn to the sample and drop an uploaded photo."""
    st.session_state[_SAMPLE_CHOSEN] = True
    st.session_state[_UPLOADS] = st.session_state.get(_UPLOADS, 0) + 1


def choose_upload() -> None:
    """Turn to what is in the upload field."""
    st.session_state[_SAMPLE_CHOSEN] = False


def sample_chosen() -> bool:
    """Whether the sample was opened last."""
    return bool(st.session_state.get(_SAMPLE_CHOSEN, False))


def get_photo(source: Hashable) -> Photo | None:
    """The photo that was read from `source`, if that is the one in hand."""
    photo: Photo | None = st.session_state.get(_PHOTO) if st.session_state.get(_SOURCE) == source else None
    return photo


def keep_photo(source: Hashable, photo: Photo) -> None:
    """Take another photo in hand; the run of the former one is dropped."""
    forget_photo()
    st.session_state[_SOURCE], st.session_state[_PHOTO] = source, photo


def forget_photo() -> None:
    """Drop the photo and everything made from it."""
    for key in (_SOURCE, _PHOTO, _RUN, _PREVIEW):
        st.session_state.pop(key, None)


def get_run() -> Run | None:
    """The finished run of the photo in hand."""
    run: Run | None = st.session_state.get(_RUN)
    return run


def keep_run(run: Run) -> None:
    """Keep a finished run; the preview of the former one is dropped."""
    st.session_state.pop(_PREVIEW, None)
    st.session_state[_RUN] = run


def get_preview() -> Preview | None:
    """Image and label map of the run in hand at the size in which they are shown."""
    preview: Preview | None = st.session_state.get(_PREVIEW)
    return preview


def keep_preview(preview: Preview) -> None:
    """Keep the reduced image and label map, so that toggles cost no work on the full photo."""
    st.session_state[_PREVIEW] = preview
