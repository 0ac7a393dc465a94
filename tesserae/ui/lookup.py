"""Looking up whether exactly this was counted before, by the rule by which the worker decides what it runs again."""

from pathlib import Path

import streamlit as st

import tesserae
from tesserae.checkpoints import Checkpoint
from tesserae.download import sha256_of_file
from tesserae.jobs.orders import revision_options
from tesserae.options import RunOptions
from tesserae.store import Store
from tesserae.store.segmentations import SegmentationRecord, latest_segmentation


def find_result(store: Store, photo_id: str, checkpoint: Checkpoint, options: RunOptions) -> SegmentationRecord | None:
    """Return what these options gave with the file that is installed now and this version of the program; None if that never ran."""
    facts = checkpoint.path.stat()
    sha256 = _sha256(checkpoint.path, (facts.st_mtime_ns, facts.st_size))
    found = latest_segmentation(store, photo_id, sha256, revision_options(options))
    return found if found is not None and found.program_version == tesserae.__version__ else None


@st.cache_data(max_entries=64, show_spinner="Checking the model's file")
def _sha256(path: Path, stamp: tuple[int, int]) -> str:  # noqa: ARG001 (another file under the same name has another stamp)
    return sha256_of_file(path)
