"""The desks that sessions of this server share: one per draft, so that two people on one mosaic see the same map."""

import streamlit as st

from tesserae.correcting import Desk, open_desk
from tesserae.store import Store

_MOST_DESKS = 3  # a map of 48 megapixels takes 240 MB


@st.cache_resource(max_entries=_MOST_DESKS, show_spinner="Opening the mosaic and its corrections")
def get_desk(_store: Store, home: str, draft_id: str) -> Desk:  # noqa: ARG001 (a part of the key)
    """The desk of a draft; raises TesseraeError when it cannot be opened."""
    return open_desk(_store, draft_id)
