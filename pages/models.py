"""The models: what is installed and where it comes from, what can be fetched, which one is the default."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.entry import enter_through_app
from tesserae.ui.models import show_models

enter_through_app()
settings = Settings()
st.title("Models")

try:
    show_models(settings)
except TesseraeError as error:
    st.error(str(error))
