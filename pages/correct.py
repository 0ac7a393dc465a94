"""Correct by hand what a model found in a mosaic, and approve it."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.correct.choice import ask_author, choose_draft
from tesserae.ui.correct.draft import show_draft, tell_of_others
from tesserae.ui.count import choose_mosaic
from tesserae.ui.entry import enter_through_app
from tesserae.ui.resources import get_store
from tesserae.ui.wording import plain

enter_through_app()
settings = Settings()
st.title("Correct by hand")

try:
    store = get_store(settings)
    with st.sidebar:
        photo = choose_mosaic(store)
        author = ask_author()
        draft = None if photo is None else choose_draft(store, settings, photo, author)
        if draft is not None:
            tell_of_others(store, draft, author)
    if photo is None:
        st.info("The collection is empty. Add a photograph of a mosaic, or the sample, on the page **Mosaics**, then come back.")
        st.stop()
    if draft is None:
        st.info(
            "Nothing of this mosaic is open for correction. On the left, choose the result of a model and press **Correct this result**, "
            "or begin with an annotation from elsewhere. A mosaic that was not counted yet is counted on the page **Count tesserae**."
        )
        st.stop()
    show_draft(store, settings, photo, draft, author)
except TesseraeError as error:
    st.error(plain(str(error)))
