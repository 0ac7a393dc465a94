"""Following a job from a page: all of it stands in the job's row, so a closed tab or a reload loses nothing."""

from datetime import UTC, datetime

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.jobs.work import SEGMENT
from tesserae.store import Store
from tesserae.store.jobs import UNFINISHED, Job, get_job, list_jobs, request_cancel

_PATIENCE_S = 20.0


def unfinished_job(store: Store, photo_id: str) -> Job | None:
    """The job that segments a photo now, or waits to; None without one."""
    jobs = list_jobs(store, states=UNFINISHED)
    return next((job for job in jobs if job.kind == SEGMENT and job.arguments["photo_id"] == photo_id), None)


def last_failure(store: Store, photo_id: str) -> str | None:
    """The sentence of the photo's last job if that failed; None if it ended well, or if there was none."""
    jobs = [job for job in list_jobs(store) if job.kind == SEGMENT and job.arguments["photo_id"] == photo_id]
    return jobs[0].message if jobs and jobs[0].state == "failed" else None


@st.fragment(run_every=1.0)
def follow_job(store: Store, job_id: str) -> None:
    """Show how far a job is, with a button that stops it; when it has ended the page runs anew."""
    try:
        job = get_job(store, job_id)
    except TesseraeError as error:  # a fragment runs by itself: the page's own handling is not around it
        st.error(str(error))
        return
    if job.finished:
        st.rerun()
    st.progress(job.progress, text=_words(job))
    st.button(
        "Stop",
        disabled=job.cancel_requested,
        key=f"stop {job_id}",
        on_click=_stop,
        args=(store, job_id),
        help="Ends this work; what was finished before stays.",
    )


def _stop(store: Store, job_id: str) -> None:
    request_cancel(store, job_id)


def _words(job: Job) -> str:
    if job.cancel_requested:
        return "Stopping"
    if job.state == "running":
        return f"{job.stage or 'Starting'} ({job.progress:.0%})"
    if (datetime.now(UTC) - job.created_at).total_seconds() > _PATIENCE_S:
        return "Waiting. Another photo may be worked on; if nothing moves, the worker is not running: start the program anew with make run."
    return "Waiting for its turn"
