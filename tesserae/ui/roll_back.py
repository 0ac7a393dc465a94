"""The button that makes the default before this one the default again."""

import streamlit as st

from tesserae.activation import previous_name, roll_back
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.ui.wording import plain


def offer_roll_back(settings: Settings) -> None:
    """Show the button, if another model was the default before and is still installed; then the page runs anew."""
    previous = previous_name(settings)
    if previous is None:
        return
    if st.button(f"Roll back to {plain(previous)}", key="roll back", help="Makes the default model before this one the default again."):
        try:
            name = roll_back(settings)
        except TesseraeError as error:
            st.error(plain(str(error)))
            return
        st.toast(f"{plain(name)} is the default again.")
        st.rerun()
