"""Compare what two models find in one mosaic: choose both, run them, look, and measure them where the truth is known."""

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.compare import (
    choose_sides,
    compare_results,
    find_results,
    offer_run,
    show_areas,
    show_differences,
    show_figures,
    show_truth,
)
from tesserae.ui.count import choose_mosaic
from tesserae.ui.entry import enter_through_app
from tesserae.ui.resources import get_store
from tesserae.ui.wording import plain

enter_through_app()
settings = Settings()
st.title("Compare two models")

try:
    store = get_store(settings)
    with st.sidebar:
        photo = choose_mosaic(store)
        sides = choose_sides(settings)
    if photo is None:
        st.info("The collection is empty. Add a photograph of a mosaic, or the sample, on the page **Mosaics**, then come back.")
        st.stop()
    if sides is None:
        st.info("Two different models, or two ways to look, are needed. Choose them on the left.")
        st.stop()
    results = find_results(store, photo, sides)
    if results is None:
        offer_run(store, settings, photo, sides)
        st.stop()
    compared = compare_results(store, photo, sides, results)
    show_figures(compared)
    show_differences(store, compared, settings)
    show_areas(compared)
    show_truth(store, compared)
except TesseraeError as error:
    st.error(plain(str(error)))
