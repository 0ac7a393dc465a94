"""A page with nothing but the viewer, for the browser test: `?mode=` chooses single, side or swipe; what arrives is written below it."""

import json
import os
from pathlib import Path

import numpy as np
import streamlit as st

from tesserae.deepzoom import Overlay, OverlayStyle, Pyramid, cached_pyramid, render_viewport, tessera_at
from tesserae.ui.viewer import Layer, ViewerEvent, look_at, show_viewer

WIDTH, HEIGHT, PITCH = 3000, 2000, 50
MARK_XYXY = (1800, 600, 1830, 630)


def make_photo() -> np.ndarray:
    """Grey mortar with paler squares, and one red mark."""
    photo = np.where(make_labels()[:, :, None] > 0, 190, 90).astype(np.uint8).repeat(3, axis=2)
    x0, y0, x1, y1 = MARK_XYXY
    photo[y0:y1, x0:x1] = 255, 0, 0
    return photo


def make_labels() -> np.ndarray:
    """Squares of 40 pixels, numbered in reading order."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    inside = (rows % PITCH >= 5) & (rows % PITCH < 45) & (columns % PITCH >= 5) & (columns % PITCH < 45)
    return np.where(inside, rows // PITCH * (WIDTH // PITCH) + columns // PITCH + 1, 0).astype(np.int32)


def layer(name: str, photo: Pyramid, labels: Pyramid, style: OverlayStyle) -> Layer:
    return Layer(name, lambda box, size: render_viewport(photo, [Overlay(labels, style)], box, size), revision="1")


folder = Path(os.environ["TESSERAE_HOME"])
photo = cached_pyramid(folder / "photo.pyramid", make_photo)
labels = cached_pyramid(folder / "labels.pyramid", make_labels)
layers = [
    layer("Baseline", photo, labels, OverlayStyle()),
    layer("Fine-tuned", photo, labels, OverlayStyle(fill=True, outline=False, opacity=0.2)),
]


def answer(event: ViewerEvent) -> str:
    number = tessera_at(labels, event.x, event.y)
    return f"Tessera {number}" if number else "Mortar"


@st.fragment
def panes() -> None:
    mode = st.query_params.get("mode", "single")
    if st.button("Show the mark"):
        look_at("viewer", MARK_XYXY)
    shown = layers[:1] if mode == "single" else layers
    event = show_viewer(shown, photo_size=(WIDTH, HEIGHT), mode=mode, alt="Squares and a mark", key="viewer", answer=answer)
    if event is not None:
        st.session_state["last"] = event
    last = st.session_state.get("last")
    st.text(
        json.dumps({"ready": True, "click": [last.x, last.y, last.layer] if last else None, "page_runs": st.session_state["page_runs"]})
    )


st.session_state["page_runs"] = st.session_state.get("page_runs", 0) + 1
panes()
