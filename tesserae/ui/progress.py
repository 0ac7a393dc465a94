"""Following a job from a page: all of it stands in the job's row, so a closed tab or a reload loses nothing."""

from datetime import UTC, datetime

import streamlit as st

from tesserae.errors import TesseraeError
from tesserae.jobs.orders import SEGMENT
from tesserae.store import Store
from tesserae.store.jobs import UNFINISHED, Job, get_job, list_jobs, request_cancel
from tesserae.ui.wording import plain

STAGES = {"load": "Loading the model", "find": "Finding the tesserae", "outline": "Outlining the tesserae"}
_PATIENCE_S = 10.0  # a worker that runs takes up a job within a second
_SILENCE_S = 20.0  # one that lives reports twice a second
_ADVICE = "If nothing moves, end the program with Ctrl-C and start it anew with make run; what was done so far is kept."


def job_of(store: Store, photo_id: str) -> Job | None:
    """The job that is to be told of on a photo: the oldest that is not finished, else the last one; None without any."""
    jobs = [job for job in list_jobs(store) if job.kind == SEGMENT and job.arguments["photo_id"] == photo_id]
    unfinished = [job for job in jobs if not job.finished]
    return unfinished[-1] if unfinished else next(iter(jobs), None)


@st.fragment(run_every=1.0)
def follow_job(store: Store, job_id: str) -> None:
    """Show how far a job is, with a button that stops it; when it has ended the page runs anew."""
    try:
        job = get_job(store, job_id)
        trouble = trouble_of(store, job)
    except TesseraeError as error:  # a fragment runs by itself: the page's own handling is not around it
        st.error(plain(str(error)))
        return
    if job.finished:
        st.rerun()
    st.progress(job.progress, text=plain(_words(job)))
    if trouble:
        st.warning(trouble)
    offer_stop(store, job, "Ends this work; what was finished before stays.")


def offer_stop(store: Store, job: Job, explained: str) -> None:
    """The button that asks the worker to stop."""
    st.button("Stop", disabled=job.cancel_requested, key=f"stop {job.id}", on_click=_stop, args=(store, job.id), help=explained)


def tell_ending(job: Job) -> None:
    """Say why a finished job came to nothing; nothing of one that ended well."""
    if job.state == "failed":
        st.error(plain(job.message))
    elif job.state == "cancelled":
        st.info("The last run was stopped. What was finished before that is kept.")


def trouble_of(store: Store, job: Job) -> str:
    """What keeps a job from going on, in a sentence; "" while all is well."""
    if job.state == "running" and job.heartbeat_at is not None and _seconds_since(job.heartbeat_at) > _SILENCE_S:
        return (
            f"The worker, the program that does this, has not been heard of for {_seconds_since(job.heartbeat_at):.0f} seconds. {_ADVICE}"
        )
    if job.state != "queued" or _seconds_since(job.created_at) < _PATIENCE_S:
        return ""
    if any(each.state == "running" for each in list_jobs(store, states=UNFINISHED)):
        return ""  # it waits for another one
    return f"Nothing is done at the moment: the worker, the program that does this, does not seem to run. {_ADVICE}"


def _stop(store: Store, job_id: str) -> None:
    request_cancel(store, job_id)


def _words(job: Job) -> str:
    if job.cancel_requested:
        return "Stopping"
    if job.state != "running":
        return "Waiting for its turn"
    model, _, stage = job.stage.rpartition(": ")
    words = STAGES.get(stage, stage or "Starting")
    return f"{model}: {words} ({job.progress:.0%})" if model else f"{words} ({job.progress:.0%})"


def _seconds_since(moment: datetime) -> float:
    return (datetime.now(UTC) - moment).total_seconds()
