"""Showing a finished run: the count, the overlay, the downloads. Nothing here runs a model."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from tesserae.labelmap import write_label_map
from tesserae.measure import measure_tesserae
from tesserae.overlay import paint_overlay
from tesserae.results import LABELS_FILE, encode_png, format_table, result_folder_name
from tesserae.service import Run
from tesserae.ui import session
from tesserae.ui.preview import PREVIEW_PX, reduce_image, reduce_labels

_FULL_DECODE = {"window": "near each prompt", "full": "on whole tiles"}


def show_count(run: Run) -> float | None:
    """Show count, median side and warnings; return the typed scale in mm per pixel, or None."""
    segmentation = run.segmentation
    count_column, side_column, scale_column = st.columns(3, vertical_alignment="bottom")
    count_column.metric("Tesserae", str(segmentation.count))
    mm_per_px = scale_column.number_input(
        "Scale, mm per pixel",
        min_value=0.0001,
        max_value=1000.0,
        value=None,
        format="%.4f",
        placeholder="not known",
        help="Without a scale the table gives pixels only; sizes in millimetres stay blank.",
    )
    side_column.metric("Median side", _side_in_words(segmentation.median_side_px, mm_per_px))
    for warning in segmentation.warnings:
        st.warning(warning)
    how = _FULL_DECODE.get(segmentation.decode)
    decoded = f", outlines drawn {how}" if how else ""
    st.caption(
        f"{run.photo.name}: model {segmentation.checkpoint}, prompts by {segmentation.prompts}{decoded}, "
        f"on {segmentation.device} ({segmentation.dtype}), {run.elapsed_s:.1f} s."
    )
    return mm_per_px


def show_overlay(run: Run) -> None:
    """Show the photo with outlines and fills that can be switched."""
    outlines_column, fills_column, opacity_column = st.columns(3, vertical_alignment="center")
    outline = outlines_column.toggle("Outlines", value=True)
    fill = fills_column.toggle("Fills", value=False)
    opacity = opacity_column.slider("Strength of fills", 0, 100, 45, step=5, format="%d %%", disabled=not fill)
    preview = session.get_preview()
    if preview is None:
        labels = reduce_labels(run.segmentation.labels, PREVIEW_PX)
        preview = reduce_image(run.photo.image, PREVIEW_PX), labels
        session.keep_preview(preview)
    image, labels = preview
    painted = paint_overlay(image, labels, fill=fill, outline=outline, opacity=opacity / 100)
    st.image(painted, output_format="JPEG")
    if image.shape != run.photo.image.shape:
        height, width = image.shape[:2]
        full = " x ".join(str(side) for side in run.photo.size)
        st.caption(f"Shown at {width} x {height} pixels; the photo, the count and the downloads have {full}.")
    for note in run.photo.notes:
        st.caption(note)


def offer_downloads(run: Run, mm_per_px: float | None) -> None:
    """Buttons for label map, table and overlay; each file is made when its button is pressed."""
    name = result_folder_name(run.photo.name)
    labels_column, table_column, overlay_column = st.columns(3)
    labels_column.download_button(
        "Label map (TIFF)", lambda: label_map_bytes(run), f"{name}_{LABELS_FILE}", "image/tiff", on_click="ignore"
    )
    table_column.download_button("Table (CSV)", lambda: table_bytes(run, mm_per_px), f"{name}_tesserae.csv", "text/csv", on_click="ignore")
    overlay_column.download_button("Overlay (PNG)", lambda: overlay_bytes(run), f"{name}_overlay.png", "image/png", on_click="ignore")


def label_map_bytes(run: Run) -> bytes:
    """The label map as the bytes of the same TIFF file that the command line writes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / LABELS_FILE
        write_label_map(path, run.segmentation.labels)
        return path.read_bytes()


def table_bytes(run: Run, mm_per_px: float | None) -> bytes:
    """The measurements as the same CSV that the command line writes."""
    segmentation = run.segmentation
    scores = {"predicted_iou": segmentation.predicted_iou, "stability": segmentation.stability}
    return format_table(measure_tesserae(segmentation.labels, mm_per_px=mm_per_px, **scores))


def overlay_bytes(run: Run) -> bytes:
    """The full-size overlay as the same PNG that the command line writes."""
    return encode_png(paint_overlay(run.photo.image, run.segmentation.labels))


def _side_in_words(side_px: float, mm_per_px: float | None) -> str:
    """Say the side as 21.3 px, as 21.3 px = 10.7 mm with a scale, or as a dash."""
    if math.isnan(side_px):
        return "–"
    return f"{side_px:.1f} px" if mm_per_px is None else f"{side_px:.1f} px = {side_px * mm_per_px:.1f} mm"
