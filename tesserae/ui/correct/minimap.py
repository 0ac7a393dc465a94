"""The whole photo, small, with a frame around what the canvas shows; a click moves the canvas there."""

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from tesserae.deepzoom import BoxXYXY, Pyramid, render_viewport
from tesserae.ui.correct.bench import Bench
from tesserae.ui.viewer import Layer, show_viewer

_HEIGHT_PX = 220
_FRAME = (255, 90, 60)
_LARGE_PX = 2**15


def show_minimap(photo: Pyramid, bench: Bench, draft_id: str) -> None:
    """Show the map; call it inside the fragment of the canvas, which a click runs anew."""

    def render(box: BoxXYXY, size: tuple[int, int]) -> NDArray[np.uint8]:
        return frame_view(render_viewport(photo, [], box, size), box, bench.view.box_xyxy)

    shown = "{:.0f} {:.0f} {:.0f} {:.0f}".format(*bench.view.box_xyxy)
    event = show_viewer(
        [Layer("Map", render, revision=shown)],
        photo_size=photo.size,
        alt="The whole photo with a frame around the part that is being corrected; click to go elsewhere",
        key=f"map {draft_id}",
        height_px=_HEIGHT_PX,
    )
    if event is not None:
        bench.view = bench.view.moved_to(event.x, event.y)
        st.rerun(scope="fragment")


def frame_view(picture: NDArray[np.uint8], box_xyxy: BoxXYXY, shown_xyxy: BoxXYXY) -> NDArray[np.uint8]:
    """A copy of a picture (h, w, 3) uint8 of a part `box_xyxy` of the photo, with a frame around the part `shown_xyxy`."""
    framed = np.ascontiguousarray(picture.copy())
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = box_xyxy
    corners = np.asarray(shown_xyxy).reshape(2, 2)
    places = np.clip(np.round((corners - (x0, y0)) * (width / (x1 - x0), height / (y1 - y0))), -_LARGE_PX, _LARGE_PX).astype(int)
    cv2.rectangle(framed, places[0].tolist(), places[1].tolist(), _FRAME, 2)
    return framed
