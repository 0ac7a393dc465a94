"""Job rows: queued once, claimed by one, reported, cancelled, given up and taken up again."""

import threading
from datetime import UTC

import pytest

from tesserae.errors import ConflictError, StoreError
from tesserae.store.jobs import (
    cancel_job,
    claim_next,
    fail_job,
    finish_job,
    get_job,
    hand_back,
    list_jobs,
    queue_job,
    reclaim_stale,
    report_progress,
    request_cancel,
)

pytest_plugins = "store_fixtures"


def claimed(store, **arguments):
    queue_job(store, "count", arguments)
    return claim_next(store, "worker 1")


def test_a_job_from_the_queue_to_its_result(store):
    queued = queue_job(store, "count", {"photo": "é", "cells": (2, 3)})
    assert (queued.kind, queued.arguments, queued.state) == ("count", {"photo": "é", "cells": [2, 3]}, "queued")
    assert (queued.progress, queued.stage, queued.message, queued.attempts, queued.worker) == (0.0, "", "", 0, None)
    assert (queued.started_at, queued.heartbeat_at, queued.finished_at, queued.result) == (None, None, None, None)
    assert get_job(store, queued.id) == queued

    running = claim_next(store, "worker 1")
    assert (running.id, running.state, running.worker, running.attempts) == (queued.id, "running", "worker 1", 1)
    assert running.started_at == running.heartbeat_at >= queued.created_at
    assert running.started_at.tzinfo is UTC
    assert not running.finished
    assert claim_next(store, "worker 2") is None

    assert report_progress(store, running, 0.25, "embed", "Tile 1 of 4") is False
    half = get_job(store, queued.id)
    assert (half.progress, half.stage, half.message) == (0.25, "embed", "Tile 1 of 4")
    assert half.heartbeat_at >= running.heartbeat_at
    assert report_progress(store, running) is False
    beat = get_job(store, queued.id)
    assert (beat.progress, beat.stage, beat.message) == (0.25, "embed", "Tile 1 of 4")
    assert beat.heartbeat_at >= half.heartbeat_at

    done = finish_job(store, running, {"count": 3})
    assert (done.state, done.progress, done.result, done.finished) == ("done", 1.0, {"count": 3}, True)
    assert done.finished_at >= done.started_at
    assert get_job(store, queued.id) == done


@pytest.mark.parametrize(("told", "kept"), [(-0.5, 0.0), (1.5, 1.0)])
def test_progress_stays_between_0_and_1(told, kept, store):
    job = claimed(store)
    report_progress(store, job, told)
    assert get_job(store, job.id).progress == kept


def test_the_same_work_is_queued_once_while_it_is_unfinished(store):
    first = queue_job(store, "count", {"a": 1, "b": 2})
    assert queue_job(store, "count", {"b": 2, "a": 1}) == first
    assert queue_job(store, "count", {"a": 2, "b": 2}).id != first.id
    assert queue_job(store, "compare", {"a": 1, "b": 2}).id != first.id
    running = claim_next(store, "worker 1")
    assert queue_job(store, "count", {"a": 1, "b": 2}) == running
    finish_job(store, running, {})
    assert queue_job(store, "count", {"a": 1, "b": 2}).id != first.id


def test_a_key_of_its_own_tells_what_is_the_same_work(store):
    first = queue_job(store, "count", {"asked_by": "a"}, key="photo 1")
    assert queue_job(store, "count", {"asked_by": "b"}, key="photo 1") == first


def test_the_same_work_asked_for_at_once_is_queued_once(store):
    found = []
    threads = [threading.Thread(target=lambda: found.append(queue_job(store, "count", {}))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert {job.id for job in found} == {job.id for job in list_jobs(store)}
    assert len(list_jobs(store)) == 1


def test_jobs_are_claimed_in_order_and_by_kind(store):
    jobs = [queue_job(store, kind, {"number": number}) for number, kind in enumerate(("count", "train", "count"))]
    assert claim_next(store, "w", kinds=("export",)) is None
    assert claim_next(store, "w", kinds=("train",)).id == jobs[1].id
    assert claim_next(store, "w").id == jobs[0].id
    assert claim_next(store, "w").id == jobs[2].id
    assert claim_next(store, "w") is None


def test_several_workers_never_claim_the_same_job(store):
    jobs = [queue_job(store, "count", {"number": number}) for number in range(12)]
    taken, gate = [], threading.Barrier(4)

    def work(name):
        gate.wait()
        while job := claim_next(store, name):
            taken.append(job.id)

    threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(job.id for job in jobs)


def test_a_queued_job_is_cancelled_at_once(store):
    job = queue_job(store, "count", {})
    cancelled = request_cancel(store, job.id)
    assert (cancelled.state, cancelled.cancel_requested, cancelled.attempts) == ("cancelled", True, 0)
    assert cancelled.finished_at is not None
    assert claim_next(store, "worker 1") is None


def test_a_running_job_is_asked_to_stop(store):
    job = claimed(store)
    asked = request_cancel(store, job.id)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    assert report_progress(store, job, 0.5) is True
    assert cancel_job(store, job).state == "cancelled"
    assert report_progress(store, job, 0.75) is True
    assert get_job(store, job.id).progress == 0.5


def test_a_finished_job_is_not_cancelled(store):
    done = finish_job(store, claimed(store), {"count": 3})
    assert request_cancel(store, done.id) == done


def test_a_failed_job_says_why_and_may_be_queued_again(store):
    failed = fail_job(store, claimed(store), "The photo is gone.")
    assert (failed.state, failed.message) == ("failed", "The photo is gone.")
    assert queue_job(store, "count", {}).state == "queued"


def test_a_silent_worker_loses_its_job_and_cannot_disturb_the_next(store):
    first = claimed(store)
    report_progress(store, first, 0.5, "embed")
    assert reclaim_stale(store, 60.0) == []
    (reclaimed,) = reclaim_stale(store, 0.0)
    assert (reclaimed.id, reclaimed.state, reclaimed.attempts) == (first.id, "queued", 1)
    second = claim_next(store, "worker 2")
    assert (second.id, second.attempts, second.progress, second.stage) == (first.id, 2, 0.0, "")

    assert report_progress(store, first, 0.75) is True
    for end in (lambda: finish_job(store, first, {}), lambda: fail_job(store, first, "x"), lambda: cancel_job(store, first)):
        with pytest.raises(ConflictError, match=r"no longer in the hands of worker 1: expected attempt 1.*Drop its result"):
            end()
    assert get_job(store, first.id) == second
    assert finish_job(store, second, {"count": 3}).state == "done"


def test_a_job_that_ends_its_worker_each_time_is_failed(store):
    queue_job(store, "count", {})
    for attempt in (1, 2):
        assert claim_next(store, "w").attempts == attempt
        (job,) = reclaim_stale(store, 0.0, max_attempts=2)
    assert (job.state, job.finished) == ("failed", True)
    assert "stopped without a word 2 times at this job" in job.message
    assert job.finished_at is not None
    assert claim_next(store, "w") is None


def test_a_worker_that_is_told_to_end_gives_its_jobs_back_without_using_up_an_attempt(store):
    queue_job(store, "count", {})
    for _ in range(5):
        first = claim_next(store, "w")
        assert first.attempts == 1
        assert hand_back(store, "other") == []
        (job,) = hand_back(store, "w")
        assert (job.id, job.state, job.attempts) == (first.id, "queued", 0)
    second = claim_next(store, "w")
    assert report_progress(store, first) is True, "the first claim is another one, though it has the same number"
    with pytest.raises(ConflictError):
        finish_job(store, first, {})
    assert finish_job(store, second, {}).state == "done"
    assert hand_back(store, "w") == []


def test_a_job_that_is_given_back_and_was_to_be_cancelled_is_cancelled(store):
    request_cancel(store, claimed(store).id)
    (job,) = hand_back(store, "worker 1")
    assert (job.state, job.finished) == ("cancelled", True)


def test_a_silent_job_that_was_to_be_cancelled_is_cancelled(store):
    job = claimed(store)
    request_cancel(store, job.id)
    (reclaimed,) = reclaim_stale(store, 0.0)
    assert (reclaimed.state, reclaimed.finished) == ("cancelled", True)


def test_lists_show_the_last_job_first(store):
    first, second, third = (queue_job(store, "count", {"number": number}) for number in range(3))
    running = claim_next(store, "w")
    assert list_jobs(store) == [third, second, running]
    assert list_jobs(store, states=("running",)) == [running]
    assert list_jobs(store, limit=1) == [third]
    assert running.id == first.id


def test_a_job_that_is_not_there_is_told(store):
    for ask in (get_job, request_cancel):
        with pytest.raises(StoreError, match="no job unknown"):
            ask(store, "unknown")
