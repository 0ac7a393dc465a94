"""The built-in sample: a synthetic mosaic, so that everything can be tried before a photo is at hand."""

import streamlit as st

from tesserae.results import encode_png
from tesserae.synthetic import render_mosaic

SAMPLE_NAME = "sample.png"
SAMPLE_HELP = "A synthetic mosaic, drawn by this program; it shows no real work."

_SEED, _SIZE_PX, _SIDE_PX = 5, 1024, 26.0


@st.cache_data(show_spinner="Drawing the sample")
def sample_bytes() -> bytes:
    """The sample as a PNG file; the same bytes every time."""
    return encode_png(render_mosaic(_SEED, _SIZE_PX, _SIDE_PX).image)
