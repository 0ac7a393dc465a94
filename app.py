"""Entry of the page: configuration and navigation only."""

import streamlit as st

from tesserae.ui.events import take_in_every_event
from tesserae.ui.looks import apply_looks

take_in_every_event()
st.set_page_config(page_title="Tesserae", layout="wide")
apply_looks()
st.navigation(
    [
        st.Page("pages/count.py", title="Count tesserae", default=True),
        st.Page("pages/mosaics.py", title="Mosaics"),
        st.Page("pages/compare.py", title="Compare"),
        st.Page("pages/correct.py", title="Correct"),
        st.Page("pages/dataset.py", title="Dataset"),
        st.Page("pages/learn.py", title="Learn"),
        st.Page("pages/models.py", title="Models"),
    ]
).run()
