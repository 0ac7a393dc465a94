"""The parts of the page that counts: which mosaic, its job, which of its results, the figures, the picture and the downloads."""

import streamlit as st

from tesserae.checkpoints import find_checkpoint
from tesserae.deepzoom import OverlayStyle, tessera_at
from tesserae.errors import TesseraeError
from tesserae.jobs.orders import SEGMENT, segment_arguments
from tesserae.jobs.queue import submit_job
from tesserae.measure import measure_tesserae
from tesserae.options import RunOptions
from tesserae.overlay import paint_overlay
from tesserae.photo import read_photo
from tesserae.results import LABELS_FILE, encode_png, format_table, result_folder_name
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, list_photos, photo_path
from tesserae.store.segmentations import SegmentationRecord, list_segmentations, read_labels, read_scores
from tesserae.ui import session
from tesserae.ui.lookup import find_result
from tesserae.ui.options import way_of
from tesserae.ui.pictures import labels_pyramid, photo_layer, photo_pyramid, result_layer
from tesserae.ui.progress import follow_job, job_of, tell_ending
from tesserae.ui.resources import get_queue
from tesserae.ui.viewer import ViewerEvent, show_viewer
from tesserae.ui.wording import plain

COUNT = "Count the tesserae"  # the button


def choose_mosaic(store: Store) -> PhotoRecord | None:
    """Show the field; the choice stands in the page's address, so that a reload keeps it. None in an empty collection."""
    photos = {photo.id: photo for photo in list_photos(store)}
    if not photos:
        return None
    opened = session.opened_mosaic()
    if opened is not None and opened not in photos:
        st.warning("The mosaic that was asked for is not in the collection any more; another one is shown.")
    index = list(photos).index(opened) if opened in photos else 0
    chosen = st.selectbox("Mosaic", list(photos), index=index, format_func=lambda each: photos[each].shown_name)
    session.open_mosaic(chosen)
    return photos[chosen]


def start_count(store: Store, settings: Settings, photo: PhotoRecord, options: RunOptions) -> None:
    """Turn to the result if exactly this was counted before, else queue the job that makes it; raises TesseraeError."""
    checkpoint = find_checkpoint(options.checkpoint, settings.weights, settings.checkpoint_url)
    found = find_result(store, photo.id, checkpoint, options)
    session.ask_for_result(None if found is None else found.id)
    queue = get_queue(settings)
    if found is not None:
        st.toast("This was counted before, with this model and in this way. The result is shown.")
    session.forget_press()  # from here to the order nothing lets a newer run of the page in
    if found is None:
        submit_job(store, queue, SEGMENT, segment_arguments(photo.id, [options]))


def follow_count(store: Store, photo: PhotoRecord) -> bool:
    """Show how far the work on a photo is, whoever started it, or why it came to nothing; return whether it goes on."""
    job = job_of(store, photo.id)
    if job is None:
        return False
    if job.finished:
        tell_ending(job)
    else:
        follow_job(store, job.id)
    return not job.finished


def choose_result(store: Store, photo: PhotoRecord) -> SegmentationRecord | None:
    """Show a field for the results of a photo if there are several, the last at first; None when it was never counted."""
    results = {result.id: result for result in list_segmentations(store, photo.id)}
    if not results:
        return None
    last = next(iter(results))
    asked = session.asked_result()
    chosen = asked if asked in results else last
    if len(results) > 1:
        index = list(results).index(chosen)
        chosen = st.selectbox("Result", list(results), index=index, format_func=lambda each: name_of_result(results[each]))
    session.ask_for_result(None if chosen == last else chosen)
    return results[chosen]


def name_of_result(result: SegmentationRecord) -> str:
    """What a result is called where one of several is chosen."""
    return f"{result.count} tesserae, {result.checkpoint}, {way_of(result.options)}, {result.created_at:%Y-%m-%d %H:%M} UTC"


def show_figures(photo: PhotoRecord, result: SegmentationRecord) -> None:
    """Show count, median side, warnings, and how the result came about."""
    count_column, side_column = st.columns(2)
    count_column.metric("Tesserae", str(result.count))
    side_column.metric("Median side", _side_in_words(result.median_side_px, photo.mm_per_px))
    for warning in result.warnings:
        st.warning(plain(warning))
    st.caption(
        f"Counted by {plain(result.checkpoint)}, {way_of(result.options)}, in {result.elapsed_s:.1f} s on {result.device} ({result.dtype})."
        f" Revision {result.revision} of {result.created_at:%Y-%m-%d %H:%M} UTC."
    )
    if photo.mm_per_px is None:
        st.caption("The scale of this photo is not known, so sizes are in pixels. Set the scale on the page **Mosaics**.")


@st.fragment
def show_picture(store: Store, photo: PhotoRecord, result: SegmentationRecord | None, settings: Settings) -> None:
    """Show the photo with what was found, to zoom into; a click tells which tessera it is.

    Runs as a fragment: moving the view costs nothing beyond the picture. Errors are shown, as no page catches those of a fragment.
    """
    try:
        if result is None:
            _show_photo(store, photo, settings)
        else:
            _show_result(store, photo, result, settings)
    except TesseraeError as error:
        st.error(plain(str(error)))
    for fact in (f"{photo.name}, {photo.width} x {photo.height} pixels.", *photo.notes):
        st.caption(plain(fact))


def offer_downloads(store: Store, photo: PhotoRecord, result: SegmentationRecord, settings: Settings) -> None:
    """Buttons for label map, table and overlay, the same files that the command line writes; each is made when its button is pressed."""
    name = result_folder_name(photo.name)
    labels_column, table_column, overlay_column = st.columns(3)
    files = (
        (labels_column, "Label map (TIFF)", LABELS_FILE, "image/tiff", lambda: label_map_bytes(store, result)),
        (table_column, "Table (CSV)", "tesserae.csv", "text/csv", lambda: table_bytes(store, photo, result)),
        (overlay_column, "Overlay (PNG)", "overlay.png", "image/png", lambda: overlay_bytes(store, photo, result, settings)),
    )
    for column, title, file, kind, make in files:
        column.download_button(title, make, f"{name}_{file}", kind, on_click="ignore", width="stretch")


def label_map_bytes(store: Store, result: SegmentationRecord) -> bytes:
    """The label map as the bytes of the TIFF file that the command line writes."""
    return (store.home / result.file).read_bytes()


def table_bytes(store: Store, photo: PhotoRecord, result: SegmentationRecord) -> bytes:
    """The measurements as the CSV that the command line writes."""
    scores = read_scores(store, result)
    labels = read_labels(store, result)
    return format_table(measure_tesserae(labels, mm_per_px=photo.mm_per_px, predicted_iou=scores.predicted_iou, stability=scores.stability))


def overlay_bytes(store: Store, photo: PhotoRecord, result: SegmentationRecord, settings: Settings) -> bytes:
    """The full-size overlay as the PNG that the command line writes."""
    image = read_photo(photo_path(store, photo), name=photo.name, max_pixels=settings.max_pixels).image
    return encode_png(paint_overlay(image, read_labels(store, result)))


def _show_photo(store: Store, photo: PhotoRecord, settings: Settings) -> None:
    layer = photo_layer(photo.shown_name, photo_pyramid(store, photo, settings))
    show_viewer([layer], photo_size=(photo.width, photo.height), alt=f"Photo of {photo.shown_name}", key=f"count {photo.id}")


def _show_result(store: Store, photo: PhotoRecord, result: SegmentationRecord, settings: Settings) -> None:
    style = _choose_style()
    with st.spinner("Preparing the picture for zooming; only the first time"):
        picture = photo_pyramid(store, photo, settings)
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
    show_viewer([layer], photo_size=(photo.width, photo.height), alt=alt, key=f"count {photo.id}", answer=answer)


def _choose_style() -> OverlayStyle:
    outline_column, fill_column, number_column, opacity_column = st.columns(4, vertical_alignment="center")
    outline = outline_column.toggle("Outlines", value=True)
    fill = fill_column.toggle("Fills", value=False)
    numbers = number_column.toggle("Numbers", value=False)
    opacity = opacity_column.slider("Strength of fills", 0, 100, 45, step=5, format="%d %%", disabled=not fill)
    return OverlayStyle(fill=fill, outline=outline, numbers=numbers, opacity=opacity / 100)


def _side_in_words(side_px: float | None, mm_per_px: float | None) -> str:
    """Say the side as 21.3 px, as 21.3 px = 10.7 mm with a scale, or as a dash."""
    if side_px is None:
        return "–"
    return f"{side_px:.1f} px" if mm_per_px is None else f"{side_px:.1f} px = {side_px * mm_per_px:.1f} mm"
