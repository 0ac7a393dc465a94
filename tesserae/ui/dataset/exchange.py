"""The dataset's way out and in as files: downloads, each made when its button is pressed, and an upload that is taken over."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from tesserae.dataset.packing import FolderLayout, write_folder, write_zip
from tesserae.dataset.taking import import_dataset
from tesserae.errors import TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.ui.wording import plain

NOTES_FILE = "notes.txt"


def offer_downloads(store: Store, settings: Settings) -> None:
    """Buttons for the whole dataset, and for what other programs read."""
    st.subheader("Take it elsewhere")
    whole, masks, coco = st.columns(3)
    files = (
        (whole, "All of it (zip)", "dataset.zip", lambda: zip_bytes(store, settings)),
        (masks, "Photos and masks (zip)", "dataset_masks.zip", lambda: folder_bytes(store, settings, "masks")),
        (coco, "Photos and COCO (zip)", "dataset_coco.zip", lambda: folder_bytes(store, settings, "coco")),
    )
    for column, title, name, make in files:
        column.download_button(title, make, name, "application/zip", on_click="ignore", width="stretch")
    st.caption(
        "“All of it” holds the photos as they are, who approved what and when, regions, unreadable places and the split, and can be taken "
        "over by another Tesserae. The others are for other programs, and hold less."
    )


def offer_import(store: Store, settings: Settings, author: str) -> None:
    """The field for a dataset from elsewhere; it is taken over, all or nothing, under the author's name where it names none itself."""
    with st.expander("Take a dataset over", icon=":material/upload:"):
        file = st.file_uploader(
            "Dataset (zip)",
            type=["zip"],
            key="dataset upload",
            help="A dataset downloaded here or elsewhere; or a zip of the folders images and masks, or of images and annotations.json.",
        )
        if file is None or not st.button("Take it over", type="primary", width="stretch"):
            return
        bar = st.progress(0.0)

        def show(share: float, what: str) -> None:
            bar.progress(share, text=plain(what))

        with TemporaryDirectory() as folder:
            path = Path(folder) / "dataset.zip"
            path.write_bytes(file.getbuffer())
            try:
                taken = import_dataset(store, settings, path, author, show)
            except TesseraeError as error:
                st.error(plain(str(error)))
                return
            finally:
                bar.empty()
        st.success(plain(taken.sentence))
        for note in taken.notes:
            st.caption(plain(note))


def zip_bytes(store: Store, settings: Settings) -> bytes:
    """The zip file that `dataset export` writes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "dataset.zip"
        write_zip(store, settings, path)
        return path.read_bytes()


def folder_bytes(store: Store, settings: Settings, layout: FolderLayout) -> bytes:
    """The folder that `dataset export` writes, zipped, with what it cannot show in notes.txt."""
    with TemporaryDirectory() as folder:
        content = Path(folder) / "dataset"
        notes = write_folder(store, settings, content, layout)
        if notes:
            (content / NOTES_FILE).write_text("\n".join(notes) + "\n", encoding="utf-8")
        return Path(shutil.make_archive(str(Path(folder) / "packed"), "zip", content)).read_bytes()
