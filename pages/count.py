"""Count the tesserae of one photograph: open it, choose the model, have it counted by the worker, look, take the results home."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui import session
from tesserae.ui.adding import open_photo
from tesserae.ui.count import COUNT, choose_mosaic, choose_result, follow_count, offer_downloads, show_figures, show_picture, start_count
from tesserae.ui.entry import enter_through_app
from tesserae.ui.options import choose_options
from tesserae.ui.resources import get_store
from tesserae.ui.wording import plain

enter_through_app()
settings = Settings()
st.title("Count the tesserae of a mosaic")

try:
    store = get_store(settings)
    with st.sidebar:
        open_photo(store, settings)
        photo = choose_mosaic(store)
        options = choose_options(settings)
        missing = photo is None or options is None
        st.button(COUNT, type="primary", disabled=missing, width="stretch", on_click=session.note_press, args=(COUNT,))
    if photo is not None and options is not None and session.pressed(COUNT):
        start_count(store, settings, photo, options)
    if photo is None:
        st.info(
            "Nothing is open yet. On the left, upload a photograph of a mosaic, or press **Open the sample**. "
            "Then press **Count the tesserae**. Everything is done on this computer; no photo leaves it."
        )
        st.stop()
    works = follow_count(store, photo)
    result = choose_result(store, photo)
    if result is not None:
        show_figures(photo, result)
    elif not works:
        st.info("This mosaic was not counted yet. Press **Count the tesserae** on the left; you may close this page meanwhile.")
    show_picture(store, photo, result, settings)
    if result is not None:
        offer_downloads(store, photo, result, settings)
except TesseraeError as error:
    session.forget_press()
    st.error(plain(str(error)))
