"""From two models to two results of one mosaic: what is stored already, the job that makes the rest, and their comparison."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from tesserae.comparison import Comparison, compare_label_maps
from tesserae.jobs.orders import SEGMENT, segment_arguments
from tesserae.jobs.queue import submit_job
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.jobs import Job, list_jobs
from tesserae.store.photos import PhotoRecord
from tesserae.store.segmentations import SegmentationRecord, get_segmentation, read_labels
from tesserae.ui.compare.choice import Sides
from tesserae.ui.lookup import find_result
from tesserae.ui.progress import follow_job, tell_ending
from tesserae.ui.resources import get_queue

Results = tuple[SegmentationRecord, SegmentationRecord]


@dataclass(frozen=True, eq=False)
class Compared:
    """Two models, their results of one mosaic, and how these differ."""

    photo: PhotoRecord
    sides: Sides
    results: Results
    comparison: Comparison

    @property
    def names(self) -> tuple[str, str]:
        """Of A and B, for people."""
        return self.sides[0].name, self.sides[1].name


def find_results(store: Store, photo: PhotoRecord, sides: Sides) -> Results | None:
    """Look up what both models found; None unless both are stored (see `tesserae.ui.lookup`)."""
    a, b = (find_result(store, photo.id, side.checkpoint, side.options) for side in sides)
    return None if a is None or b is None else (a, b)


def offer_run(store: Store, settings: Settings, photo: PhotoRecord, sides: Sides) -> None:
    """Show the button that runs both models as one job, and how far that job is, whoever started it."""
    arguments = segment_arguments(photo.id, [side.options for side in sides])
    job = _last_job(store, arguments)
    waits = job is not None and not job.finished
    if not waits:
        st.info(
            f"{sides[0].name} and {sides[1].name} have not both looked at this mosaic yet. Press **Compare**: both run one after the "
            "other, and you may close this page meanwhile. What one of them has found before is not run again."
        )
    if st.button("Compare", type="primary", disabled=waits):
        job = submit_job(store, get_queue(settings), SEGMENT, arguments)
    if job is None:
        return
    if job.finished:
        tell_ending(job)
    else:
        follow_job(store, job.id)


def compare_results(store: Store, photo: PhotoRecord, sides: Sides, results: Results) -> Compared:
    """Compare two results; raises LabelMapError when a label map's file is missing or damaged."""
    return Compared(photo, sides, results, _compare(store, results[0].id, results[1].id))


# Shared between sessions and never changed, hence no copy for each run of the page, as cache_data would make.
@st.cache_resource(max_entries=16, show_spinner="Comparing the two results")
def _compare(_store: Store, id_a: str, id_b: str) -> Comparison:
    labels_a, labels_b = (read_labels(_store, get_segmentation(_store, each)) for each in (id_a, id_b))
    return compare_label_maps(labels_a, labels_b)


def _last_job(store: Store, arguments: Mapping[str, object]) -> Job | None:
    """The job of these arguments that was queued last."""
    return next((job for job in list_jobs(store) if job.kind == SEGMENT and job.arguments == arguments), None)
