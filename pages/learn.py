"""Learning from corrections: one button, how far it is, what came of it, and which model is the default."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.entry import enter_through_app
from tesserae.ui.learn import find_runs, follow_learning, offer_learning, show_runs, unfinished_run
from tesserae.ui.resources import get_store
from tesserae.ui.wording import plain

enter_through_app()
settings = Settings()
st.title("Learn from corrections")

try:
    store = get_store(settings)
    runs = find_runs(store, settings)
    going = unfinished_run(runs)
    if going is not None:
        follow_learning(store, settings, going.name)
    ground = offer_learning(store, settings, runs)
    show_runs(store, settings, runs, ground.dataset)
except TesseraeError as error:
    st.error(plain(str(error)))
