"""Count the tesserae of one photograph: choose it, choose the model, run, look, take the results home."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui import session
from tesserae.ui.options import choose_options
from tesserae.ui.photos import choose_photo, describe_photo
from tesserae.ui.running import run_with_progress
from tesserae.ui.view import offer_downloads, show_count, show_overlay

settings = Settings()
st.title("Count the tesserae of a mosaic")

try:
    with st.sidebar:
        photo = choose_photo(settings)
        options = choose_options(settings)
        wanted = st.button("Count the tesserae", type="primary", disabled=photo is None or options is None, width="stretch")
    if photo is None:
        st.info(
            "Nothing is open yet. On the left, upload a photograph of a mosaic, or press **Open the sample**. "
            "Then press **Count the tesserae**. Everything is done on this computer; no photo leaves it."
        )
        st.stop()
    if wanted and options is not None:
        session.keep_run(run_with_progress(photo, options, settings))
    run = session.get_run()
    if run is None:
        describe_photo(photo)
        st.info("Press **Count the tesserae** on the left.")
        st.stop()
    mm_per_px = show_count(run)
    show_overlay(run)
    offer_downloads(run, mm_per_px)
except TesseraeError as error:
    st.error(str(error))
