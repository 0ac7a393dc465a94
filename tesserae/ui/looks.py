"""What the theme in .streamlit/config.toml cannot say."""

import streamlit as st

# The dark theme's accent is light enough to be read as text, and hence too light for the white labels that Streamlit gives to its buttons.
LABEL_ON_ACCENT = {"light": "#FFFFFF", "dark": "#1E1B18"}

_STYLE = """<style>
button[data-testid^="stBaseButton-primary"]:not(:disabled) {{ color: light-dark({light}, {dark}); }}
</style>"""


def apply_looks() -> None:
    """Put the labels of accented buttons into a colour that can be read in either theme."""
    st.html(_STYLE.format(**LABEL_ON_ACCENT))
