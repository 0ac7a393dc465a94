"""The collection: add photographs, find them again, and open one to describe it and set its scale."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui import session
from tesserae.ui.entry import enter_through_app
from tesserae.ui.mosaics import show_collection, show_mosaic
from tesserae.ui.resources import get_store

enter_through_app()
settings = Settings()

try:
    store = get_store(settings)
    opened = session.opened_mosaic()
    if opened is None:
        st.title("Mosaics")
        show_collection(store, settings)
    else:
        session.open_mosaic(opened)  # an address without the mosaic, as after another page, gets it back
        show_mosaic(store, settings, opened)
except TesseraeError as error:
    st.error(str(error))
