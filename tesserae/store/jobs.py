"""Job rows: what is to be done, who does it, how far it is; says nothing of how the work itself is done.

    queued -> running -> done | failed | cancelled
       ^         |
       +---------+  the worker was told to end (`hand_back`), or fell silent (`reclaim_stale`), the latter at most `MAX_ATTEMPTS` times

A worker passes the `Job` that it claimed to each report. Its `attempts` and `started_at` tell one claim from the next: a worker
that was given up and yet goes on is told to stop, and cannot change what its successor does.
"""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, select, update

from tesserae.errors import ConflictError, StoreError
from tesserae.store.database import Store
from tesserae.store.schema import JobRow, fingerprint, to_json, to_record, utc_now

JobState = Literal["queued", "running", "done", "failed", "cancelled"]

UNFINISHED: tuple[JobState, ...] = ("queued", "running")
MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Job:
    """A piece of long work.

    Attributes:
        id: random, hexadecimal.
        kind: what is to be done, as the worker knows it.
        arguments: with what; JSON types.
        key: the same for the same work; only one job of a key is unfinished at any time.
        state: see the module.
        progress: 0..1.
        stage, message: words for people on what happens now, or why it failed.
        cancel_requested: somebody asked the worker to stop.
        attempts: how often a worker took it up, without those that it gave back in good order.
        worker: who did so last.
        result: what came out; JSON types, None before the end.
        created_at, started_at, heartbeat_at, finished_at: UTC; started_at is that of the last attempt.
    """

    id: str
    kind: str
    arguments: Mapping[str, object] = field(hash=False)
    key: str
    state: JobState
    progress: float
    stage: str
    message: str
    cancel_requested: bool
    attempts: int
    worker: str | None
    result: Mapping[str, object] | None = field(hash=False)
    created_at: datetime
    started_at: datetime | None
    heartbeat_at: datetime | None
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in UNFINISHED


def queue_job(store: Store, kind: str, arguments: Mapping[str, object], *, key: str | None = None) -> Job:
    """Put work at the end of the queue; the same work that is queued or running already is returned instead.

    Args:
        key: what makes it the same work; by default kind and arguments.
    """
    arguments = to_json(arguments)
    key = key or fingerprint({"kind": kind, "arguments": arguments})
    with store.writing(alone=True) as session:
        row = session.scalar(select(JobRow).where(JobRow.key == key, JobRow.state.in_(UNFINISHED)))
        if row is None:
            row = JobRow(id=uuid.uuid4().hex, kind=kind, arguments=arguments, key=key, created_at=utc_now())
            session.add(row)
            session.flush()
        return to_record(Job, row)


def claim_next(store: Store, worker: str, *, kinds: Collection[str] | None = None) -> Job | None:
    """Take the oldest queued job for `worker`, who must report on it from now on; None when nothing waits.

    Several workers may ask at once; none gets the job of another. `kinds` limits what is taken.
    """
    waiting = select(JobRow).where(JobRow.state == "queued").order_by(JobRow.created_at, JobRow.id).limit(1)
    if kinds is not None:
        waiting = waiting.where(JobRow.kind.in_(kinds))
    with store.writing() as session:
        row = session.scalar(waiting.with_for_update(skip_locked=True))  # SQLite has one writer at a time, and leaves this out
        if row is None:
            return None
        now = utc_now()
        row.state, row.worker, row.attempts = "running", worker, row.attempts + 1
        row.progress, row.stage, row.message, row.started_at, row.heartbeat_at = 0.0, "", "", now, now
        return to_record(Job, row)


def report_progress(store: Store, job: Job, progress: float | None = None, stage: str | None = None, message: str | None = None) -> bool:
    """Tell that the worker lives, and how far it is; what is None stays as it was.

    Args:
        job: as `claim_next` gave it.
        progress: 0..1; beyond is cut off.

    Returns whether the worker should stop: somebody asked for it, or the job is no longer this worker's.
    """
    told = {"progress": None if progress is None else min(max(progress, 0.0), 1.0), "stage": stage, "message": message}
    values = {name: value for name, value in told.items() if value is not None}
    statement = update(JobRow).where(_is_mine(job)).values(heartbeat_at=utc_now(), **values).returning(JobRow.cancel_requested)
    with store.writing() as session:
        return session.scalar(statement) is not False


def finish_job(store: Store, job: Job, result: Mapping[str, object]) -> Job:
    """Mark a claimed job as done; raises ConflictError when it is no longer this worker's."""
    return _end(store, job, "done", result=to_json(result), progress=1.0)


def fail_job(store: Store, job: Job, message: str) -> Job:
    """Mark a claimed job as failed, with a sentence why; raises ConflictError when it is no longer this worker's."""
    return _end(store, job, "failed", message=message)


def cancel_job(store: Store, job: Job) -> Job:
    """Mark a claimed job as cancelled, once its worker has stopped; raises ConflictError when it is no longer this worker's."""
    return _end(store, job, "cancelled")


def postpone_job(store: Store, job: Job) -> None:
    """Put a claimed job that stepped aside behind what waits; the attempt does not count. One that was to be cancelled is cancelled."""
    with store.writing() as session:
        row = session.scalar(select(JobRow).where(_is_mine(job)).with_for_update())
        if row is not None:
            row.attempts -= 1
            row.created_at = utc_now()
            _give_up(row, row.attempts + 1)


def request_cancel(store: Store, job_id: str) -> Job:
    """Cancel a job: at once while it is queued; a worker is asked to stop; a finished job stays as it is.

    Raises StoreError when there is no such job.
    """
    with store.writing() as session:
        row = session.scalar(select(JobRow).where(JobRow.id == job_id).with_for_update())
        if row is None:
            raise _unknown(job_id)
        row.cancel_requested = row.cancel_requested or row.state in UNFINISHED
        if row.state == "queued":
            row.state, row.finished_at = "cancelled", utc_now()
        return to_record(Job, row)


def reclaim_stale(store: Store, older_than_s: float, *, worker: str | None = None, max_attempts: int = MAX_ATTEMPTS) -> list[Job]:
    """Put running jobs whose worker has not reported for `older_than_s` seconds back into the queue, and return them.

    One that was to be cancelled is cancelled; one that was taken up `max_attempts` times is failed: what ends the worker
    each time would end it again. `worker` limits this to the jobs of one, as when it knows that it began anew. Machines that
    share the work need clocks that agree within a few seconds.
    """
    silent = (JobRow.state == "running") & (JobRow.heartbeat_at < utc_now() - timedelta(seconds=older_than_s))
    if worker is not None:
        silent = silent & (JobRow.worker == worker)
    with store.writing() as session:
        rows = session.scalars(select(JobRow).where(silent).with_for_update(skip_locked=True)).all()
        for row in rows:
            _give_up(row, max_attempts)
        return [to_record(Job, row) for row in rows]


def hand_back(store: Store, worker: str) -> list[Job]:
    """Put the running jobs of a worker that was told to end back into the queue, and return them.

    The attempt does not count, for it is no fault of the job. One that was to be cancelled is cancelled.
    """
    with store.writing() as session:
        rows = session.scalars(select(JobRow).where(JobRow.state == "running", JobRow.worker == worker).with_for_update()).all()
        for row in rows:
            row.attempts -= 1
            _give_up(row, row.attempts + 1)
        return [to_record(Job, row) for row in rows]


def get_job(store: Store, job_id: str) -> Job:
    """Return a job as it is now; raises StoreError when there is none of this id."""
    with store.reading() as session:
        row = session.get(JobRow, job_id)
        if row is None:
            raise _unknown(job_id)
        return to_record(Job, row)


def list_jobs(store: Store, *, states: Collection[JobState] | None = None, limit: int | None = None) -> list[Job]:
    """Return jobs, the last that was queued first; `states` chooses among them."""
    statement = select(JobRow).order_by(JobRow.created_at.desc(), JobRow.id).limit(limit)
    if states is not None:
        statement = statement.where(JobRow.state.in_(states))
    with store.reading() as session:
        return [to_record(Job, row) for row in session.scalars(statement)]


def _is_mine(job: Job) -> ColumnElement[bool]:
    """Whether the row is still what the worker claimed."""
    return (JobRow.id == job.id) & (JobRow.state == "running") & (JobRow.attempts == job.attempts) & (JobRow.started_at == job.started_at)


def _end(store: Store, job: Job, state: JobState, **values: object) -> Job:
    statement = update(JobRow).where(_is_mine(job)).values(state=state, finished_at=utc_now(), **values).returning(JobRow)
    with store.writing() as session:
        row = session.scalar(statement)
        if row is None:
            raise ConflictError(
                f"Job {job.id[:12]} ({job.kind}) is no longer in the hands of {job.worker}: expected attempt {job.attempts} to be "
                "running, but it was given up or ended. Drop its result; whoever took it over goes on."
            )
        return to_record(Job, row)


def _give_up(row: JobRow, max_attempts: int) -> None:
    """Take a running job from a worker that has fallen silent."""
    if row.cancel_requested:
        row.state, row.finished_at = "cancelled", utc_now()
    elif row.attempts < max_attempts:
        row.state = "queued"
    else:
        row.state, row.finished_at = "failed", utc_now()
        row.message = (
            f"The worker stopped without a word {row.attempts} times at this job, perhaps for want of memory, so it is not tried "
            "again. Try a smaller photo or another checkpoint, then start it anew."
        )


def _unknown(job_id: str) -> StoreError:
    return StoreError(f"There is no job {job_id[:12]}. Look at the list of jobs for those that are there.")
