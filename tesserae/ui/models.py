"""The models as a page: what each is, which one is the default, fetching, importing, renaming, deleting."""

import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from tesserae.activation import activate, active_name
from tesserae.checkpoint_files import delete_checkpoint, rename_checkpoint, what_goes
from tesserae.checkpoints import Checkpoint, fetch_checkpoint, list_checkpoints, list_problems, verify_checkpoint
from tesserae.config_names import KNOWN_CONFIGS
from tesserae.errors import OutputError, TesseraeError
from tesserae.settings import Settings
from tesserae.store.files import disk_errors
from tesserae.ui.adding import drop_upload
from tesserae.ui.records import ORIGINS, Facts, architecture_in_words, describe_gain, describe_record
from tesserae.ui.roll_back import offer_roll_back
from tesserae.ui.wording import plain

DOWNLOADS_FOLDER, IMPORT_FOLDER = "downloads", "import"


def show_models(settings: Settings) -> None:
    """Show what is installed, what can be fetched, and how to bring one's own; a failure is told where it happened."""
    known = list_checkpoints(settings.weights, settings.checkpoint_url)
    active = active_name(settings)
    for problem in list_problems(settings.weights):
        st.warning(plain(problem))
    st.header("Installed")
    for checkpoint in sorted((each for each in known if each.installed), key=lambda each: each.name != active):
        _show_installed(settings, checkpoint, is_active=checkpoint.name == active)
    st.header("Can be fetched")
    missing = [each for each in known if not each.installed and each.kind == "official"]
    if not missing:
        st.caption("All published models are installed.")
    for checkpoint in missing:
        _show_missing(settings, checkpoint)
    st.header("Import")
    _show_import(settings)


def placed_files(settings: Settings) -> list[Path]:
    """Return the checkpoint files that somebody laid into the import folder, by name."""
    return sorted((settings.home / IMPORT_FOLDER).glob("*.pt"))


def arrived_bytes(settings: Settings, checkpoint: Checkpoint) -> int:
    """Return how much of an unfinished download is there."""
    part = settings.home / DOWNLOADS_FOLDER / f"{checkpoint.path.name}.part"
    return part.stat().st_size if part.is_file() else 0


def _show_installed(settings: Settings, checkpoint: Checkpoint, *, is_active: bool) -> None:
    with st.container(border=True):
        st.subheader(plain(checkpoint.name))
        if is_active:
            st.badge("The default", icon=":material/check:", color="green")
        _show_facts(describe_record(checkpoint))
        with st.expander("Whole record"):
            st.json(dict(checkpoint.record) or {"record": "none"})
        with st.container(horizontal=True):
            if not is_active and st.button("Make it the default", key=f"activate {checkpoint.name}"):
                _act(lambda: activate(settings, checkpoint.name))
            if is_active:
                offer_roll_back(settings)
            if st.button("Check the file", key=f"verify {checkpoint.name}", help="Compares size and SHA-256 with what is recorded."):
                _check(checkpoint)
            if checkpoint.kind == "finetuned":
                _offer_renaming(settings, checkpoint)
            if checkpoint.kind != "embedded":
                _offer_deletion(settings, checkpoint)


def _show_missing(settings: Settings, checkpoint: Checkpoint) -> None:
    with st.expander(f"{plain(checkpoint.name)}, {ORIGINS[checkpoint.kind]}, {(checkpoint.size_bytes or 0) / 1e6:.0f} MB"):
        _show_facts(describe_gain(checkpoint))
        arrived = arrived_bytes(settings, checkpoint)
        if arrived:
            st.caption(f"{arrived / 1e6:.0f} MB have arrived already; fetching goes on from there.")
        if st.button("Go on fetching" if arrived else "Fetch", key=f"fetch {checkpoint.name}", type="primary"):
            _act(lambda: _fetch(settings, checkpoint))
        st.markdown("**Without a network** on this computer:")
        st.markdown(
            "\n".join(
                (
                    "1. On another computer, download the file from this address:",
                    f"    ```\n    {checkpoint.url}\n    ```",
                    "2. Copy it, for example on a USB stick, to this place:",
                    f"    ```\n    {checkpoint.path}\n    ```",
                    "3. Load this page again: the model then stands under Installed. Press **Check the file** there; the SHA-256 should be",
                    f"    ```\n    {checkpoint.sha256}\n    ```",
                )
            )
        )


def _show_facts(facts: Facts) -> None:
    st.table({plain(what): plain(value) for what, value in facts}, border="horizontal")


def _check(checkpoint: Checkpoint) -> None:
    with st.spinner("Reading the file"):
        verification = verify_checkpoint(checkpoint)
    (st.success if verification.ok else st.error)(plain(verification.message))


def _fetch(settings: Settings, checkpoint: Checkpoint) -> None:
    """Download while a bar shows how far it is; any click, as on Stop, ends this script at the bar's next call; what has arrived stays."""
    lock = _download_lock()
    if not lock.acquire(blocking=False):
        raise OutputError("Another file is being fetched at the moment. Wait until it has arrived, then fetch this one.")
    try:
        bar = st.progress(0.0, text="Asking for the file")
        st.button("Stop", key=f"stop {checkpoint.name}", help="What has arrived is kept; fetching goes on from there.")

        def show(done: int, total: int) -> None:
            share = min(done / total, 1.0) if total else 0.0
            bar.progress(share, text=f"{done / 1e6:.0f} of {total / 1e6:.0f} MB ({share:.0%})")

        fetch_checkpoint(checkpoint, partial_dir=settings.home / DOWNLOADS_FOLDER, progress=show)
    finally:
        lock.release()


def _act(work: Callable[[], object]) -> None:
    """Do what a button asked for, then show the page anew; a failure is told below the button, and the page stays."""
    try:
        work()
    except TesseraeError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()


@st.cache_resource
def _download_lock() -> threading.Lock:
    """The lock that all sessions share: two of them writing one unfinished file would spoil it."""
    return threading.Lock()


def _show_import(settings: Settings) -> None:
    """Fields for somebody's own checkpoint file."""
    st.write("A model of your own or of a colleague: a .pt file of SAM 2, and the architecture that it was made with. It is copied.")
    with st.form("import", enter_to_submit=False):
        uploaded = st.file_uploader("Checkpoint file", type=["pt"])
        placed = st.selectbox(
            "or a file in the import folder",
            placed_files(settings),
            index=None,
            format_func=lambda path: path.name,
            placeholder="none chosen",
            help=f"For large files: copy them to {settings.home / IMPORT_FOLDER}, then load this page again.",
        )
        config = st.selectbox("Architecture", KNOWN_CONFIGS, format_func=architecture_in_words)
        name = st.text_input("Name", help="Letters, digits and . _ + - only. Left empty: the name of the file.")
        if not st.form_submit_button("Import", type="primary"):
            return
    if uploaded is not None:
        _act(lambda: _import_upload(settings, uploaded, config, name.strip()))
    elif placed is not None:
        file: Path = placed
        _act(lambda: _import(settings, file, config, name.strip()))
    else:
        st.error("No file was chosen. Upload one, or choose one from the import folder.")


def _import_upload(settings: Settings, uploaded: UploadedFile, config: str, name: str) -> None:
    """Write the upload to a file, which is what can be imported, and remove it afterwards."""
    folder = settings.home / IMPORT_FOLDER / uuid.uuid4().hex
    file = folder / Path(uploaded.name).name
    with disk_errors(folder):
        folder.mkdir(parents=True)
    try:
        with disk_errors(file):
            file.write_bytes(uploaded.getvalue())  # the upload's own bytes; getbuffer would copy them
        _import(settings, file, config, name)
    finally:
        file.unlink(missing_ok=True)
        folder.rmdir()
    drop_upload(uploaded)


def _import(settings: Settings, file: Path, config: str, name: str) -> None:
    with st.spinner("Reading the file and trying it on its architecture"):
        from tesserae.weights import import_checkpoint  # brings torch, which the page does without until then

        checkpoint = import_checkpoint(file, config, settings.weights, name or None)
    st.toast(f"{plain(checkpoint.name)} was imported.")


def _offer_renaming(settings: Settings, checkpoint: Checkpoint) -> None:
    with st.popover("Rename"):
        new_name = st.text_input("New name", checkpoint.name, key=f"new name {checkpoint.name}")
        if st.button("Rename", key=f"rename {checkpoint.name}", disabled=new_name.strip() in ("", checkpoint.name)):
            _act(lambda: rename_checkpoint(settings, checkpoint.name, new_name))


def _offer_deletion(settings: Settings, checkpoint: Checkpoint) -> None:
    with st.popover("Delete"):
        st.write(plain(what_goes(settings, checkpoint.name).sentence))
        if st.button("Delete for good", key=f"delete {checkpoint.name}", type="primary"):
            _act(lambda: delete_checkpoint(settings, checkpoint.name))
