"""What every page begins with: it is reached by way of app.py, also when its own address is the first that the server is asked for."""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from tesserae.ui import address


def enter_through_app() -> None:
    """Call first in a page: runs it anew by way of app.py when Streamlit has passed that by, then takes in its address.

    Until app.py was run once since the server's start, Streamlit takes each file of pages/ for a page of its own and runs it alone: a
    shared link would then open a page without the app's title, width and menu.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    address.arrive()
