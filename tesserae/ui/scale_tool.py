"""The scale of a photo: millimetres per pixel, typed, or two clicks on a scale bar and a typed length."""

import math
from dataclasses import replace

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from tesserae.deepzoom import BoxXYXY, Pyramid, render_viewport
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord
from tesserae.ui import session
from tesserae.ui.entries import save_entries
from tesserae.ui.pictures import photo_pyramid
from tesserae.ui.viewer import Layer, show_viewer
from tesserae.ui.wording import plain

Point = tuple[float, float]

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
SMALL_TESSERA_MM, LEAST_SIDE_PX = 4.0, 10.0
_SHORT_PX = 100.0  # a click is good to about a pixel, so that two of them are then good to two in a hundred
_DARK, _LIGHT = (24, 18, 14), (255, 255, 255)
_TYPED, _CLICKED = "Type millimetres per pixel", "Two clicks on a scale bar"


def scale_from_points(points: tuple[Point, ...], length_mm: float) -> float:
    """Return mm per pixel when the way between two points (photo pixels) is `length_mm` long.

    Raises TesseraeError when there are not two points at least a pixel apart, or the length is not above zero.
    """
    if len(points) != 2 or math.dist(*points) < 1:
        raise TesseraeError(f"Expected two different points on the scale bar, found {len(set(points))}. Click on both of its ends.")
    if not (math.isfinite(length_mm) and length_mm > 0):
        raise TesseraeError(f"Expected the length of the scale bar, above zero, found {length_mm:g} mm. Type what is written on it.")
    return length_mm / math.dist(*points)


def describe_scale(mm_per_px: float | None, size: tuple[int, int]) -> str:
    """Say what the scale means for a photo of `size` (width, height) pixels."""
    if mm_per_px is None:
        return "No scale yet: sizes in millimetres stay blank until there is one."
    width, height = (_length_in_words(side * mm_per_px) for side in size)
    return f"{mm_per_px:.4g} mm per pixel; the photo shows {width} by {height}."


def is_too_coarse(mm_per_px: float | None) -> bool:
    """Whether a small tessera has too few pixels to be outlined."""
    return mm_per_px is not None and SMALL_TESSERA_MM / mm_per_px < LEAST_SIDE_PX


def mark_points(picture: NDArray[np.uint8], points: tuple[Point, ...], box_xyxy: BoxXYXY) -> NDArray[np.uint8]:
    """Draw points (photo pixels) and the line between them into a copy of `picture` (h, w, 3) uint8, which shows `box_xyxy`."""
    marked = picture.copy()
    x0, y0, x1, y1 = box_xyxy
    height, width = picture.shape[:2]
    # far outside the picture is as good as farther, and OpenCV counts in 32 bits
    places = [
        (int(np.clip((x - x0) / (x1 - x0) * width, -9999, 9999)), int(np.clip((y - y0) / (y1 - y0) * height, -9999, 9999)))
        for x, y in points
    ]
    for thickness, colour in ((5, _DARK), (2, _LIGHT)):
        for place in places:
            cv2.drawMarker(marked, place, colour, cv2.MARKER_CROSS, 24, thickness)
        if len(places) == 2:
            cv2.line(marked, places[0], places[1], colour, thickness, cv2.LINE_AA)
    return marked


@st.fragment
def show_picture_and_scale(store: Store, settings: Settings, record: PhotoRecord) -> None:
    """Show the photo in the viewer, and below it the scale and both ways to set it."""
    try:
        pyramid = photo_pyramid(store, record, settings)
        picture = st.container()
        st.subheader("Scale")
        st.write(plain(describe_scale(record.mm_per_px, pyramid.size)))
        if is_too_coarse(record.mm_per_px):
            st.warning(
                f"Tesserae of {SMALL_TESSERA_MM:g} mm have fewer than {LEAST_SIDE_PX:g} pixels a side here, too few to be outlined "
                "reliably. Use a photo taken from nearer for such fine work."
            )
        how = st.radio("How to set it", [_TYPED, _CLICKED], horizontal=True, key=f"scale {record.id}", label_visibility="collapsed")
        with picture:
            _show_picture(pyramid, record, measuring=how == _CLICKED)
        if how == _CLICKED:
            _set_by_clicks(store, record)
        else:
            _set_by_figure(store, record)
    except TesseraeError as error:
        st.error(plain(str(error)))


def _show_picture(pyramid: Pyramid, record: PhotoRecord, *, measuring: bool) -> None:
    """The viewer; while measuring, a click is kept and the picture shown anew with its mark, a third one begins anew."""
    points = session.scale_points(record.id) if measuring else ()

    def render(box: BoxXYXY, size: tuple[int, int]) -> NDArray[np.uint8]:
        picture = render_viewport(pyramid, [], box, size)
        return mark_points(picture, points, box) if points else picture

    alt = f"Photograph of the mosaic “{record.shown_name}”"
    layer = Layer(record.shown_name, render, revision=str(points))
    event = show_viewer([layer], photo_size=pyramid.size, alt=alt, key=f"mosaic {record.id}")
    if event is not None and measuring:
        session.keep_scale_points(record.id, (*(points if len(points) < 2 else ()), (event.x, event.y)))
        st.rerun()


def _set_by_figure(store: Store, record: PhotoRecord) -> None:
    typed = st.number_input(
        "Millimetres per pixel",
        min_value=0.0,
        value=record.mm_per_px,
        format="%.4f",
        placeholder="not known",
        key=f"mm_per_px {record.id} {record.version}",
    )
    with st.container(horizontal=True):
        if st.button("Save the scale", disabled=typed == record.mm_per_px):
            save_entries(store, replace(record, mm_per_px=typed))
        if record.mm_per_px is not None and st.button("Remove the scale"):
            save_entries(store, replace(record, mm_per_px=None))


def _set_by_clicks(store: Store, record: PhotoRecord) -> None:
    points = session.scale_points(record.id)
    steps = {0: "Click on one end of the scale bar in the picture.", 1: "Now click on its other end."}
    distance = math.dist(*points) if len(points) == 2 else 0.0
    st.write(steps.get(len(points), f"The points are {distance:.0f} pixels apart. Another click begins anew."))
    if len(points) == 2 and distance < _SHORT_PX:
        st.caption("That is short: zoom in and take a longer stretch if you can, for each click is good to about a pixel.")
    length_column, unit_column = st.columns(2)
    length = length_column.number_input("Length between the two points", min_value=0.0, value=None, placeholder="as on the scale bar")
    unit = unit_column.selectbox("Unit", list(MM_PER_UNIT), index=1)
    if st.button("Use this scale", type="primary", disabled=len(points) != 2 or not length):
        mm_per_px = scale_from_points(points, (length or 0.0) * MM_PER_UNIT[unit])
        session.keep_scale_points(record.id, ())
        save_entries(store, replace(record, mm_per_px=mm_per_px))


def _length_in_words(length_mm: float) -> str:
    unit = "m" if length_mm >= 1000 else "cm" if length_mm >= 10 else "mm"
    return f"{length_mm / MM_PER_UNIT[unit]:.3g} {unit}"
