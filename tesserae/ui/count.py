"""The parts of the page that counts: which mosaic, which of its results, the figures, the picture and the downloads."""

import streamlit as st

from tesserae.deepzoom import OverlayStyle, tessera_at
from tesserae.measure import measure_tesserae
from tesserae.overlay import paint_overlay
from tesserae.photo import read_photo
from tesserae.results import LABELS_FILE, encode_png, format_table, result_folder_name
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, list_photos, photo_path
from tesserae.store.segmentations import SegmentationRecord, list_segmentations, read_labels, read_scores
from tesserae.ui import session
from tesserae.ui.pictures import labels_pyramid, photo_layer, photo_pyramid, result_layer
from tesserae.ui.viewer import ViewerEvent, show_viewer

_DECODED = {"window": ", outlines drawn near each prompt", "full": ", outlines drawn on whole tiles"}


def choose_mosaic(store: Store) -> PhotoRecord | None:
    """Show the field; the choice stands in the page's address, so that a reload keeps it. None in an empty collection."""
    photos = {photo.id: photo for photo in list_photos(store)}
    if not photos:
        return None
    opened = session.opened_mosaic()
    index = list(photos).index(opened) if opened in photos else 0
    chosen = st.selectbox("Mosaic", list(photos), index=index, format_func=lambda each: photos[each].shown_name)
    session.open_mosaic(chosen)
    return photos[chosen]


def choose_result(store: Store, photo: PhotoRecord) -> SegmentationRecord | None:
    """Show the results of a photo, the last first; None when it was never counted."""
    results = list_segmentations(store, photo.id)
    if len(results) < 2:
        return results[0] if results else None
    return st.selectbox("Result", results, format_func=_name_of_result, key=f"result {photo.id} {results[0].id}")


def show_figures(photo: PhotoRecord, result: SegmentationRecord) -> None:
    """Show count, median side, warnings, and how the result came about."""
    count_column, side_column = st.columns(2)
    count_column.metric("Tesserae", str(result.count))
    side_column.metric("Median side", _side_in_words(result.median_side_px, photo.mm_per_px))
    for warning in result.warnings:
        st.warning(warning)
    st.caption(
        f"Model {result.checkpoint}, prompts by {result.options['prompts']}{_DECODED.get(result.decode, '')}, on {result.device} "
        f"({result.dtype}), {result.elapsed_s:.1f} s. Revision {result.revision} of {result.created_at:%Y-%m-%d %H:%M} UTC."
    )


@st.fragment
def show_picture(store: Store, photo: PhotoRecord, result: SegmentationRecord | None, settings: Settings) -> None:
    """Show the photo with what was found, to zoom into; a click tells which tessera it is."""
    picture = photo_pyramid(store, photo, settings)
    size = (photo.width, photo.height)
    if result is None:
        show_viewer([photo_layer(photo.shown_name, picture)], photo_size=size, alt=f"Photo of {photo.shown_name}", key=f"count {photo.id}")
        return
    style = _choose_style()
    labels = labels_pyramid(store, result)
    scores = read_scores(store, result)

    def answer(event: ViewerEvent) -> str:
        label = tessera_at(labels, event.x, event.y)
        if not label:
            return "Mortar"
        predicted = scores.predicted_iou.get(label)
        return f"Tessera {label}" + ("" if predicted is None else f", the model expects its outline to be {predicted:.0%} right")

    alt = f"Photo of {photo.shown_name} with {result.count} tesserae outlined"
    layer = result_layer(photo.shown_name, picture, labels, style)
    show_viewer([layer], photo_size=size, alt=alt, key=f"count {photo.id}", answer=answer)


def offer_downloads(store: Store, photo: PhotoRecord, result: SegmentationRecord, settings: Settings) -> None:
    """Buttons for label map, table and overlay, the same files that the command line writes; each is made when its button is pressed."""
    name = result_folder_name(photo.name)
    labels_column, table_column, overlay_column = st.columns(3)
    files = (
        (labels_column, "Label map (TIFF)", LABELS_FILE, "image/tiff", lambda: (store.home / result.file).read_bytes()),
        (table_column, "Table (CSV)", "tesserae.csv", "text/csv", lambda: _table(store, photo, result)),
        (overlay_column, "Overlay (PNG)", "overlay.png", "image/png", lambda: _overlay(store, photo, result, settings)),
    )
    for column, title, file, kind, make in files:
        column.download_button(title, make, f"{name}_{file}", kind, on_click="ignore", width="stretch")


def _choose_style() -> OverlayStyle:
    outline_column, fill_column, number_column, opacity_column = st.columns(4, vertical_alignment="center")
    outline = outline_column.toggle("Outlines", value=True)
    fill = fill_column.toggle("Fills", value=False)
    numbers = number_column.toggle("Numbers", value=False)
    opacity = opacity_column.slider("Strength of fills", 0, 100, 45, step=5, format="%d %%", disabled=not fill)
    return OverlayStyle(fill=fill, outline=outline, numbers=numbers, opacity=opacity / 100)


def _table(store: Store, photo: PhotoRecord, result: SegmentationRecord) -> bytes:
    scores = read_scores(store, result)
    labels = read_labels(store, result)
    return format_table(measure_tesserae(labels, mm_per_px=photo.mm_per_px, predicted_iou=scores.predicted_iou, stability=scores.stability))


def _overlay(store: Store, photo: PhotoRecord, result: SegmentationRecord, settings: Settings) -> bytes:
    image = read_photo(photo_path(store, photo), name=photo.name, max_pixels=settings.max_pixels).image
    return encode_png(paint_overlay(image, read_labels(store, result)))


def _name_of_result(result: SegmentationRecord) -> str:
    way = "grid" if result.options["prompts"] == "grid" else "fast" if result.options["fast"] else "careful"
    return f"{result.count} tesserae, {result.checkpoint}, {way}, {result.created_at:%Y-%m-%d %H:%M}"


def _side_in_words(side_px: float | None, mm_per_px: float | None) -> str:
    """Say the side as 21.3 px, as 21.3 px = 10.7 mm with a scale, or as a dash."""
    if side_px is None:
        return "–"
    return f"{side_px:.1f} px" if mm_per_px is None else f"{side_px:.1f} px = {side_px * mm_per_px:.1f} mm"
