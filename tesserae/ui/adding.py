"""Adding photos to the collection: several at once, each read, kept or refused for itself, and dropped from memory at once."""

import logging
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from tesserae.deepzoom import cached_pyramid
from tesserae.errors import TesseraeError
from tesserae.photo import Photo, read_photo
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.photos import PhotoRecord, add_photo, facts_of
from tesserae.store.schema import utc_now
from tesserae.ui import session
from tesserae.ui.pictures import PYRAMIDS_FOLDER
from tesserae.ui.sample import SAMPLE_HELP, SAMPLE_NAME, sample_bytes
from tesserae.ui.thumbnails import thumbnail
from tesserae.ui.wording import counted, plain

logger = logging.getLogger(__name__)

_SAMPLE = "sample"  # the press that asks for it
_TYPES = ["jpg", "jpeg", "png", "tif", "tiff", "jpe", "jfif", "btf", "tf8"]


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes:
        name: of the file.
        photo: its record in the collection; None when it was refused.
        was_there: the collection had these very bytes before.
        refusal: why it was refused; "" when it was not.
    """

    name: str
    photo: PhotoRecord | None = None
    was_there: bool = False
    refusal: str = ""


def add_file(store: Store, settings: Settings, content: bytes, name: str) -> Outcome:
    """Read one photo and add it with its zoom levels and thumbnail; what is wrong with it stands in the outcome, nothing is raised."""
    started = utc_now()
    try:
        photo = read_photo(content, name=name, max_pixels=settings.max_pixels)
        record = add_photo(store, content, name, facts_of(photo))
    except TesseraeError as error:
        return Outcome(name, refusal=str(error))
    _prepare_pictures(store, record, photo)
    return Outcome(name, record, was_there=record.added_at < started)


def add_photos(store: Store, settings: Settings, *, expanded: bool) -> None:
    """Show the upload field and the sample's button; add what was chosen, then say what became of each file."""
    with st.expander("Add photos", icon=":material/add_photo_alternate:", expanded=expanded or bool(session.outcomes())):
        files = st.file_uploader(
            "Photographs of mosaics",
            type=_TYPES,
            accept_multiple_files=True,
            key=session.adding_key(),
            help="JPEG, PNG or TIFF, several at once. The files are copied into the collection and never changed.",
        )
        st.button("Add the sample", help=SAMPLE_HELP, on_click=session.note_press, args=(_SAMPLE,))
        if files:
            _add_uploads(store, settings, files, opens=False)
            st.rerun()
        if session.pressed(_SAMPLE):
            _add_sample(store, settings, opens=False)
        _tell(session.outcomes())


def open_photo(store: Store, settings: Settings) -> None:
    """Show the upload field and the sample's button for one photo; it is added to the collection, unless it is there, and opened."""
    file = st.file_uploader(
        "Photograph of a mosaic",
        type=_TYPES,
        key=f"open {session.adding_key()}",
        help="JPEG, PNG or TIFF. The file is copied into the collection and never changed.",
    )
    st.button("Open the sample", help=SAMPLE_HELP, width="stretch", on_click=session.note_press, args=(_SAMPLE,))
    if file is not None:
        _add_uploads(store, settings, [file], opens=True)
    elif session.pressed(_SAMPLE):
        _add_sample(store, settings, opens=True)
    else:
        _tell(session.outcomes())
        return
    st.rerun()


def drop_upload(file: UploadedFile) -> None:
    """Free the memory that an upload takes; Streamlit would hold it as long as the tab is open."""
    file.close()
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def _settle(outcome: Outcome, *, opens: bool) -> None:
    session.note_outcome(outcome)
    if opens and outcome.photo is not None:
        session.open_mosaic(outcome.photo.id)
        session.ask_for_result(None)


def _add_sample(store: Store, settings: Settings, *, opens: bool) -> None:
    session.forget_outcomes()
    _settle(add_file(store, settings, sample_bytes(), SAMPLE_NAME), opens=opens)
    session.forget_press()


def _add_uploads(store: Store, settings: Settings, files: list[UploadedFile], *, opens: bool) -> None:
    """Add each file while a bar shows how far it is, then empty the field for the next run of the page.

    An event in between, such as a movement in a viewer, ends this run of the page at any of its steps, and the next run finds the files
    that were not dropped yet: so each is dropped last.
    """
    session.forget_outcomes()
    bar = st.progress(0.0)
    for number, file in enumerate(files, start=1):
        bar.progress((number - 1) / len(files), text=f"Reading {number} of {len(files)}: {plain(file.name)}")
        _settle(add_file(store, settings, file.getvalue(), file.name), opens=opens)  # no copy: these are the upload's own bytes
        drop_upload(file)
    session.next_adding()


def _prepare_pictures(store: Store, record: PhotoRecord, photo: Photo) -> None:
    """Make what the library and the viewer show while the photo is in memory; both are made anew when they are missing."""
    path = store.home / PYRAMIDS_FOLDER / f"{record.id}.pyramid"
    try:
        thumbnail(store.home, record.id, lambda: cached_pyramid(path, lambda: photo.image))
    except TesseraeError as error:
        logger.warning("%s is in the collection, but its pictures could not be made: %s", record.name, error)


def _tell(outcomes: list[Outcome]) -> None:
    added = [outcome for outcome in outcomes if outcome.photo is not None and not outcome.was_there]
    if added:
        st.success(f"{counted(len(added), 'photo')} added: {', '.join(plain(outcome.name) for outcome in added)}.")
    for outcome in outcomes:
        if outcome.photo is not None and outcome.was_there:
            st.info(f"{plain(outcome.name)} is in the collection already, as “{plain(outcome.photo.shown_name)}”.")
        elif outcome.refusal:
            st.error(f"{plain(outcome.name)} was not added. {plain(outcome.refusal)}")
