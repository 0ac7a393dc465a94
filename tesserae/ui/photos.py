"""Choosing the photo: an upload, or the built-in sample."""

from collections.abc import Callable

import streamlit as st

from tesserae.photo import Photo, read_photo
from tesserae.results import encode_png
from tesserae.settings import Settings
from tesserae.synthetic import render_mosaic
from tesserae.ui import session
from tesserae.ui.preview import PREVIEW_PX, reduce_image

SAMPLE_SEED, SAMPLE_SIZE_PX, SAMPLE_SIDE_PX = 5, 1024, 26.0
SAMPLE_NAME = "sample.png"
_TYPES = ["jpg", "jpeg", "png", "tif", "tiff", "jpe", "jfif", "btf", "tf8"]


def choose_photo(settings: Settings) -> Photo | None:
    """Show the upload field and the sample's button; return the photo in hand, or None.

    Raises PhotoError when the uploaded file cannot be used.
    """
    uploaded = st.file_uploader(
        "Photograph of a mosaic",
        type=_TYPES,
        key=session.upload_key(),
        on_change=session.choose_upload,
        help="JPEG, PNG or TIFF. The file itself is never changed.",
    )
    st.button("Open the sample", on_click=session.choose_sample, width="stretch")
    if session.sample_chosen():
        st.caption("The sample is a synthetic mosaic, drawn by this program; it shows no real work.")
        return _photo_of("sample", sample_bytes, SAMPLE_NAME, settings)
    if uploaded is None:
        session.forget_photo()
        return None
    return _photo_of(uploaded.file_id, uploaded.getvalue, uploaded.name, settings)


def describe_photo(photo: Photo) -> None:
    """Show the photo, its size, and what was converted when it was read."""
    image = reduce_image(photo.image, PREVIEW_PX)
    width, height = photo.size
    smaller = "" if image.shape == photo.image.shape else " Shown smaller than it is."
    st.image(image, output_format="JPEG")
    st.caption(f"{photo.name}, {width} x {height} pixels.{smaller}")
    for note in photo.notes:
        st.caption(note)


@st.cache_data(show_spinner="Drawing the sample")
def sample_bytes() -> bytes:
    """The sample as a PNG file; the same bytes every time."""
    return encode_png(render_mosaic(SAMPLE_SEED, SAMPLE_SIZE_PX, SAMPLE_SIDE_PX).image)


def _photo_of(source: str, get_bytes: Callable[[], bytes], name: str, settings: Settings) -> Photo:
    """The photo in hand if it came from `source`, else a newly read one."""
    photo = session.get_photo(source)
    if photo is None:
        session.forget_photo()
        photo = read_photo(get_bytes(), name=name, max_pixels=settings.max_pixels)
        session.keep_photo(source, photo)
    return photo
