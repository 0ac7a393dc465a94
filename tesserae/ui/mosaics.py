"""The collection as a page: the library of thumbnails, and one mosaic with its picture, entries, results and deletion."""

import logging
import math

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.jobs.queue import delete_photo_and_jobs
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, count_photos, list_photos, what_goes
from tesserae.store.segmentations import SegmentationRecord, list_segmentations
from tesserae.ui import session
from tesserae.ui.adding import add_photos
from tesserae.ui.entries import edit_entries, seen_record, show_conflict
from tesserae.ui.pictures import photo_pyramid
from tesserae.ui.scale_tool import show_picture_and_scale
from tesserae.ui.thumbnails import thumbnail
from tesserae.ui.wording import counted, plain

logger = logging.getLogger(__name__)

PAGE_SIZE, _COLUMNS = 12, 4


def show_collection(store: Store, settings: Settings) -> None:
    """Show the field that adds photos, and the library; raises TesseraeError when the collection fails."""
    total = count_photos(store)
    add_photos(store, settings, expanded=total == 0)
    if count_photos(store) == 0:
        st.info(
            "The collection is empty. Drop photographs of mosaics into the field above, or press **Add the sample** to look around. "
            "Everything stays on this computer."
        )
        return
    search = st.text_input(
        "Search",
        placeholder="Title, site, inventory number, period or file name",
        icon=":material/search:",
        key="search",
        label_visibility="collapsed",
    )
    _show_library(store, settings, search or "")


def show_mosaic(store: Store, settings: Settings, photo_id: str) -> None:
    """Show one mosaic with everything that is known of it; raises StoreError when the collection has no such photo."""
    st.button("All mosaics", icon=":material/arrow_back:", on_click=_close, type="tertiary")
    record = seen_record(store, photo_id)
    st.title(plain(record.shown_name))
    show_conflict(record)
    picture_column, facts_column = st.columns([2, 1], gap="large")
    with picture_column:
        show_picture_and_scale(store, settings, record)
    with facts_column:
        edit_entries(store, record)
        _show_file(record)
        _show_results(list_segmentations(store, record.id))
        _offer_deletion(store, record)


def open_card(photo_id: str) -> None:
    """Open a mosaic with its entries as they are now."""
    session.forget_seen_record()
    session.forget_outcomes()
    session.open_mosaic(photo_id)


def result_rows(results: list[SegmentationRecord]) -> list[dict[str, object]]:
    """Return a row for each segmentation, the newest first."""
    return [
        {
            "Date": result.created_at.astimezone(),
            "Model": result.checkpoint,
            "Tesserae": result.count,
            "Seconds": round(result.elapsed_s, 1),
        }
        for result in sorted(results, key=lambda result: result.created_at, reverse=True)
    ]


def _show_library(store: Store, settings: Settings, search: str) -> None:
    found = count_photos(store, search)
    if not found:
        st.info(f"Nothing in the collection matches “{plain(search)}”. Search with fewer or other words; each of them must occur.")
        return
    st.caption(counted(found, "mosaic") + (" found" if search else ""))
    cards = st.container()
    pages = math.ceil(found / PAGE_SIZE)
    page = min(st.pagination(pages, key=f"page {search}"), pages) if pages > 1 else 1
    photos = list_photos(store, search, limit=PAGE_SIZE, offset=(page - 1) * PAGE_SIZE)
    for start in range(0, len(photos), _COLUMNS):
        for column, photo in zip(cards.columns(_COLUMNS), photos[start : start + _COLUMNS], strict=False):
            with column.container(border=True):
                _show_card(store, settings, photo)


def _show_card(store: Store, settings: Settings, photo: PhotoRecord) -> None:
    try:
        picture = thumbnail(store.home, photo.id, lambda: photo_pyramid(store, photo, settings))
        st.image(picture, width="stretch", alt=f"Thumbnail of {photo.shown_name}")
    except TesseraeError as error:
        logger.warning("No thumbnail of %s: %s", photo.name, error)
        st.caption("The picture cannot be shown; open the mosaic to see why.")
    st.button(plain(photo.shown_name), key=f"open {photo.id}", on_click=open_card, args=(photo.id,), width="stretch")
    st.caption(" · ".join(plain(fact) for fact in (photo.site, photo.period, photo.inventory_number) if fact) or "No entries yet")


def _show_file(record: PhotoRecord) -> None:
    """What is known of the file without anybody's writing it."""
    st.caption(f"{plain(record.name)}, {record.width} x {record.height} pixels, {record.format}, {record.bit_depth} bits per channel.")
    for note in record.notes:
        st.caption(plain(note))


def _show_results(results: list[SegmentationRecord]) -> None:
    st.subheader("Results")
    if not results:
        st.caption("This mosaic was not counted yet.")
        return
    date = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
    st.dataframe(result_rows(results), hide_index=True, column_config={"Date": date})


def _offer_deletion(store: Store, record: PhotoRecord) -> None:
    with st.popover("Delete this mosaic", icon=":material/delete:"):
        st.write(plain(what_goes(store, record.id).sentence))
        if st.button("Delete for good", type="primary"):
            _delete(store, record)


def _delete(store: Store, record: PhotoRecord) -> None:
    delete_photo_and_jobs(store, record.id)
    _close()
    st.toast(f"“{plain(record.shown_name)}” was deleted.")
    st.rerun()


def _close() -> None:
    session.forget_seen_record()
    session.close_mosaic()
