"""The dataset: everything that people approved, which side of the split it is on, what is missing, and taking it elsewhere or over."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.correct.choice import ask_author
from tesserae.ui.dataset import offer_downloads, offer_import, show_members, show_split
from tesserae.ui.entry import enter_through_app
from tesserae.ui.resources import get_store
from tesserae.ui.wording import plain

enter_through_app()
settings = Settings()
st.title("What the model learns from")

try:
    store = get_store(settings)
    with st.sidebar:
        author = ask_author()
        offer_import(store, settings, author)
    members = show_split(store, settings)
    show_members(store, settings, members, author)
    if members:
        offer_downloads(store, settings)
except TesseraeError as error:
    st.error(plain(str(error)))
