"""The engine: jobs are done in a child process, and nothing is left of it when it is stopped."""

import os
import signal
import sys
import threading
import time
from types import ModuleType

import pytest
from jobs_examples import SOON_S, begun, is_alive, wait_until

from tesserae.errors import StoreError
from tesserae.jobs import engine as engine_module
from tesserae.jobs.engine import Engine
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import claim_next, get_job, list_jobs, queue_job, reclaim_stale, request_cancel

posix_only = pytest.mark.skipif(os.name == "nt", reason="uses signals and process groups of POSIX systems")


@pytest.fixture(autouse=True)
def plain_main(monkeypatch):
    """A spawned process loads its parent's main module; AppTest leaves a page in that place, and pytest-xdist its own program."""
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return Settings(home=tmp_path_factory.mktemp("home"), database_url=None)


@pytest.fixture(scope="module")
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture(scope="module")
def engine(settings):
    """One for all tests, so that not each must start a process."""
    engine = Engine(settings, "jobs_examples")
    yield engine
    engine.stop()


@pytest.fixture(autouse=True)
def tidy(settings, store):
    yield
    for file in ("begun", "go", "grandchild"):
        (settings.home / file).unlink(missing_ok=True)
    for job in list_jobs(store, states=("running",)):
        request_cancel(store, job.id)
    reclaim_stale(store, 0.0)


def claimed(store, kind, **arguments):
    queue_job(store, kind, arguments)
    return claim_next(store, "here")


def never():
    return False


def run(engine, store, kind, **arguments):
    job = claimed(store, kind, **arguments)
    engine.run(store, job, never)
    return get_job(store, job.id)


def test_jobs_are_done_one_after_the_other_by_the_same_process(engine, store):
    first, second = (run(engine, store, "count", number=number) for number in (3, 4))
    assert [job.state for job in (first, second)] == ["done", "done"]
    assert [job.result["count"] for job in (first, second)] == [3, 4]
    assert first.result["pid"] == second.result["pid"] != os.getpid()


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("refuse", "The photo is gone."),
        ("memory", "The memory of this machine is too small"),
        ("gpu", "The memory of the graphics card is too small"),
        ("stumble", "This stumble job failed in a way that the program did not foresee"),
        ("nan", "This nan job failed in a way that the program did not foresee"),
        ("unknown", "This unknown job failed in a way that the program did not foresee"),
    ],
)
def test_a_job_that_fails_says_why_and_the_process_goes_on(kind, says, engine, store):
    failed = run(engine, store, kind)
    assert (failed.state, failed.message.startswith(says)) == ("failed", True), failed.message
    assert run(engine, store, "count", number=1).result["pid"] == begun(store.home)[0]


def test_a_work_module_that_cannot_be_had_is_a_failure(settings, store):
    other = Engine(settings, "absent_module")
    try:
        assert run(other, store, "count").state == "failed"
    finally:
        other.stop()


def test_cancelling_kills_the_process_soon(engine, store):
    job = claimed(store, "hold")
    cancelled_at = []

    def cancel():
        wait_until(lambda: get_job(store, job.id).stage == "hold")
        cancelled_at.append(time.monotonic())
        request_cancel(store, job.id)

    thread = threading.Thread(target=cancel)
    thread.start()
    engine.run(store, job, never)
    latency_s = time.monotonic() - cancelled_at[0]
    thread.join()
    (pid,) = begun(store.home)
    assert (get_job(store, job.id).state, is_alive(pid)) == ("cancelled", False)
    assert latency_s < SOON_S
    assert run(engine, store, "count", number=1).state == "done"


def test_progress_and_heartbeat_reach_the_row(engine, store):
    job = claimed(store, "hold")
    seen = []

    def watch():
        seen.append(wait_until(lambda: (now := get_job(store, job.id)).stage == "hold" and now))
        seen.append(wait_until(lambda: (now := get_job(store, job.id)).heartbeat_at > seen[0].heartbeat_at and now))
        (store.home / "go").touch()

    thread = threading.Thread(target=watch)
    thread.start()
    engine.run(store, job, never)
    thread.join()
    assert [each.progress for each in seen] == [0.25, 0.25]
    assert get_job(store, job.id).state == "done"


def test_a_job_whose_process_dies_stays_to_be_taken_up_again(engine, store, caplog):
    died = run(engine, store, "die")
    assert died.state == "running"
    assert "died (exit status 7)" in caplog.text
    (again,) = reclaim_stale(store, 0.0, worker="here")
    assert (again.id, again.state) == (died.id, "queued")
    claim_next(store, "here")


@posix_only
def test_a_worker_that_is_told_to_end_leaves_no_process_not_even_of_the_job(engine, store):
    job = claimed(store, "family")
    grandchild = store.home / "grandchild"
    engine.run(store, job, grandchild.exists)
    (pid,) = begun(store.home)
    assert get_job(store, job.id).state == "running"
    assert not is_alive(pid)
    wait_until(lambda: not is_alive(int(grandchild.read_text())))


def test_a_job_that_was_given_up_meanwhile_is_dropped(engine, store, caplog):
    job = claimed(store, "count", number=1)
    reclaim_stale(store, 0.0)
    successor = claim_next(store, "elsewhere")
    engine.run(store, job, never)
    assert "no longer in the hands of here" in caplog.text
    assert get_job(store, job.id) == successor


def test_a_database_that_fails_in_the_middle_leaves_no_process(engine, store, monkeypatch):
    def refuse(*_arguments):
        raise StoreError("The database is gone.")

    job = claimed(store, "hold")
    monkeypatch.setattr(engine_module, "report_progress", refuse)
    with pytest.raises(StoreError, match="database is gone"):
        engine.run(store, job, never)
    assert not any(is_alive(pid) for pid in begun(store.home))
    assert get_job(store, job.id).state == "running"


@posix_only
def test_a_process_that_will_not_go_is_told(settings, store, monkeypatch, caplog):
    stubborn = Engine(settings, "jobs_examples")
    pid = run(stubborn, store, "count", number=1).result["pid"]
    with monkeypatch.context() as weak:
        weak.setattr(engine_module, "_kill_group", lambda _child: None)
        weak.setattr(engine_module, "_GONE_S", 0.1)
        child = stubborn._child
        stubborn.stop()
    assert f"Process {pid} cannot be killed" in caplog.text
    os.kill(pid, signal.SIGKILL)
    child.join()
