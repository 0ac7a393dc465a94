"""The worker as a real process: done, cancelled, killed at any moment, told to end; nothing lost, run twice or left behind."""

import os
import signal
import sqlite3
import time

import pytest
from conftest import PATIENCE_S, PROJECT_DIR
from jobs_examples import EXAMPLES, SOON_S, begun, descendants, is_alive, wait_until, worker_process

from tesserae.jobs.orders import SEGMENT, segment_arguments
from tesserae.jobs.queue import QUEUE_FILE, open_queue, submit_job
from tesserae.options import RunOptions
from tesserae.photo import read_photo
from tesserae.service import run_file
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.files import EMBEDDINGS
from tesserae.store.jobs import get_job, list_jobs, request_cancel
from tesserae.store.photos import add_photo, facts_of, list_photos
from tesserae.store.repair import find_strays
from tesserae.store.segmentations import list_segmentations

pytest_plugins = "redis_fixtures"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills and looks for processes as POSIX systems do")

OPTIONS = RunOptions(device="cpu", threads=1)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home", database_url=None, queue_url=None, weights=PROJECT_DIR / "weights")


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


def examples(settings, **limits):
    """A worker whose jobs are those of `jobs_examples`."""
    return worker_process(settings, "-c", EXAMPLES, **limits)


def submit(store, settings, kind, arguments=None):
    queue = open_queue(settings)
    try:
        return submit_job(store, queue, kind, arguments or {})
    finally:
        queue.close()


def finished(store, job):
    return wait_until(lambda: (now := get_job(store, job.id)).finished and now)


def stage_of(store, job, stage):
    return wait_until(lambda: (now := get_job(store, job.id)).stage == stage and now)


def none_left(pids):
    wait_until(lambda: not any(map(is_alive, pids)))


# --- With the embedded model ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def count(mosaic_png):
    """What the command line counts."""
    path, _ = mosaic_png
    return run_file(path, OPTIONS, Settings(weights=PROJECT_DIR / "weights")).segmentation.count


def test_a_kill_in_the_middle_loses_no_tile_and_runs_nothing_twice(settings, store, mosaic_png, count):
    path, _ = mosaic_png
    photo = add_photo(store, path, path.name, facts_of(read_photo(path, max_pixels=settings.max_pixels)))
    job = submit(store, settings, SEGMENT, segment_arguments(photo.id, [OPTIONS]))
    cache = settings.home / EMBEDDINGS
    with worker_process(settings, "-m", "tesserae", "worker") as worker:
        wait_until(lambda: any(cache.glob("*.tile")))
        family = descendants(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        kept = {entry.name: entry.stat().st_ino for entry in cache.glob("*.tile")}
        worker.wait()
        none_left(family)
        assert get_job(store, job.id).state == "running"
        leave_rest(cache)
        with worker_process(settings, "-m", "tesserae", "worker"):
            done = finished(store, job)
    assert (done.state, done.attempts, done.result["counts"]) == ("done", 2, [count]), done.message
    assert [each.count for each in list_segmentations(store, photo.id)] == [count]
    assert {name: (cache / name).stat().st_ino for name in kept} == kept, "a finished tile was computed again"
    assert list(settings.home.rglob("*.part")) == []


def leave_rest(cache):
    """What this kill, or one long ago, cut off in the middle of a write."""
    (cache / "killed.part").write_bytes(b"half")
    for part in cache.glob("*.part"):
        os.utime(part, (0, 0))


# --- With jobs that need no model -------------------------------------------------------------------------------------


def test_cancelling_takes_effect_soon(settings, store):
    with examples(settings) as worker:
        job = submit(store, settings, "family")
        stage_of(store, job, "hold")
        family = descendants(worker.pid)
        assert int((settings.home / "grandchild").read_text()) in family
        started = time.monotonic()
        request_cancel(store, job.id)
        assert finished(store, job).state == "cancelled"
        latency_s = time.monotonic() - started
        none_left(begun(settings.home))
        none_left([int((settings.home / "grandchild").read_text())])
        assert latency_s < SOON_S
        assert finished(store, submit(store, settings, "count", {"number": 1})).state == "done"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_worker_that_is_told_to_end_hands_its_job_back(number, settings, store):
    with examples(settings) as worker:
        job = submit(store, settings, "hold")
        stage_of(store, job, "hold")
        family = descendants(worker.pid)
        started = time.monotonic()
        worker.send_signal(number)
        assert worker.wait(timeout=PATIENCE_S) == 0
        latency_s = time.monotonic() - started
        none_left(family)
        said = worker.stderr.read()
    assert latency_s < SOON_S
    handed_back = get_job(store, job.id)
    assert (handed_back.state, handed_back.attempts) == ("queued", 0)
    assert "Traceback" not in said
    assert said.rstrip().endswith("has ended.")


@pytest.mark.parametrize("stage", ["", "hold"], ids=["just claimed", "in the middle"])
def test_a_worker_that_is_killed_loses_no_row_and_the_next_one_does_the_job(stage, settings, store):
    job = submit(store, settings, "hold")
    with examples(settings) as worker:
        wait_until(lambda: (now := get_job(store, job.id)).state == "running" and now.stage in (stage, "hold"), every_s=0.01)
        family = descendants(worker.pid)
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()
        wait_until(lambda: not any(map(is_alive, family)))
    (settings.home / "go").touch()
    with examples(settings):
        done = finished(store, job)
    assert (done.state, done.attempts) == ("done", 2)
    assert [each.id for each in list_jobs(store)] == [job.id]


FULL_BYTES = 6_000_000  # what a file may take where the disk stands in as full; the database needs less


def test_a_full_disk_fails_the_job_with_a_sentence_and_leaves_nothing_half_made(settings, store):
    with examples(settings, largest_file_bytes=FULL_BYTES):
        failed = finished(store, submit(store, settings, "store"))
        assert failed.state == "failed"
        assert "The disk ran full while writing to" in failed.message or "could not be written" in failed.message
        assert "make room" in failed.message or "has room" in failed.message
        (photo,) = list_photos(store)
        assert list_segmentations(store, photo.id) == []
        assert list((settings.home / "labels").iterdir()) == []
        assert find_strays(store) == []
        assert finished(store, submit(store, settings, "count", {"number": 1})).state == "done"
    with examples(settings):
        done = finished(store, submit(store, settings, "store"))
    assert [each.id for each in list_segmentations(store, photo.id)] == [done.result["id"]]


def test_a_cache_on_a_full_disk_fails_no_job(settings, store):
    with examples(settings, largest_file_bytes=FULL_BYTES):
        done = finished(store, submit(store, settings, "cache"))
    assert (done.state, done.result) == ("done", {"kept": ["small"]}), done.message
    assert [path.suffix for path in (settings.home / EMBEDDINGS).iterdir()] == [".tile"]


def test_a_job_that_ends_its_engine_each_time_is_given_up(settings, store):
    job = submit(store, settings, "die")
    with examples(settings):
        failed = finished(store, job)
        assert (failed.state, failed.attempts) == ("failed", 3)
        assert "stopped without a word 3 times" in failed.message
        assert len(set(begun(settings.home))) == 3


def test_a_second_worker_on_the_same_folder_is_refused(settings, store):
    with examples(settings) as first:
        job = submit(store, settings, "hold")
        stage_of(store, job, "hold")
        with worker_process(settings, "-m", "tesserae", "worker") as second:
            assert second.wait(timeout=PATIENCE_S) == 2
            (line,) = second.stderr.read().splitlines()
        assert line.startswith(f"A worker for {settings.home} runs on this machine already")
        assert first.poll() is None
        (settings.home / "go").touch()
        assert finished(store, job).attempts == 1


def test_a_database_that_fails_does_not_end_the_worker(settings, store):
    with examples(settings) as worker:
        finished(store, submit(store, settings, "count", {"number": 1}))
        with sqlite3.connect(settings.home / "tesserae.db", isolation_level=None) as other:
            other.execute("ALTER TABLE jobs RENAME TO away")
            wake(settings)
            wait_until(lambda: "refused" in worker.stderr.readline())
            other.execute("ALTER TABLE away RENAME TO jobs")
        other.close()
        assert finished(store, submit(store, settings, "count", {"number": 2})).state == "done"


def wake(settings):
    queue = open_queue(settings)
    queue.wake()
    queue.close()


def test_a_worker_is_woken_by_redis(settings, store, redis_url):
    shared = settings.model_copy(update={"queue_url": redis_url})
    with examples(shared) as worker:
        wait_until(lambda: "ready" in worker.stderr.readline())
        job = submit(store, shared, "count", {"number": 5})
        assert finished(store, job).result["count"] == 5
        assert not (settings.home / QUEUE_FILE).exists()
