"""The queue wakes, in a file and in a real Redis server; without it nothing is lost."""

import os
import socket
import time

import pytest
from store_examples import add_grey

from tesserae.errors import OutputError, StoreError
from tesserae.jobs import queue as queue_module
from tesserae.jobs.queue import QUEUE_FILE, delete_photo_and_jobs, open_queue, submit_job
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import claim_next, get_job, list_jobs, queue_job
from tesserae.store.photos import list_photos

pytest_plugins = "redis_fixtures"


@pytest.fixture(params=["file", "redis"])
def settings(request, tmp_path):
    url = None if request.param == "file" else request.getfixturevalue("redis_url")
    return Settings(home=tmp_path / "home", database_url=None, queue_url=url)


@pytest.fixture
def queue(settings):
    queue = open_queue(settings)
    yield queue
    queue.close()


@pytest.fixture
def store(tmp_path):
    with open_store(Settings(home=tmp_path / "home", database_url=None)) as store:
        yield store


def never():
    return False


def test_each_message_wakes_once_whoever_waits_and_whoever_sent_it(settings, queue):
    assert queue.wait(0.1, never) is False
    other = open_queue(settings)
    other.wake()
    other.wake()
    other.close()
    assert queue.wait(10.0, never) is True
    assert queue.wait(10.0, never) is True
    assert queue.wait(0.1, never) is False


def test_waiting_ends_when_told(queue):
    queue.wake()
    assert queue.wait(60.0, lambda: True) is False
    started = time.monotonic()
    assert queue.wait(60.0, lambda: time.monotonic() > started + 2.0) is True
    assert queue.wait(60.0, lambda: time.monotonic() > started + 0.5) is False
    assert time.monotonic() < started + 5.0


def test_submitting_queues_once_and_wakes(queue, store):
    first = submit_job(store, queue, "count", {"number": 1})
    assert submit_job(store, queue, "count", {"number": 1}) == first
    assert list_jobs(store) == [first]
    assert queue.wait(10.0, never) is True


def test_a_queue_that_does_not_answer_loses_nothing(tmp_path, store, monkeypatch, caplog):
    monkeypatch.setattr(queue_module, "_PATIENCE_S", 0.1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        queue = open_queue(Settings(home=tmp_path, queue_url=f"redis://127.0.0.1:{closed.getsockname()[1]}/0"))
        job = submit_job(store, queue, "count", {})
        assert get_job(store, job.id).state == "queued"
        assert "a worker finds the job when it looks round" in caplog.text
        assert queue.wait(60.0, never) is True
        assert "looks at the jobs every few seconds" in caplog.text
        queue.close()


@pytest.mark.parametrize("url", ["http://:secret@host/", "redis://:secret@host:port/0", "secret"])
def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(url, tmp_path):
    with pytest.raises(StoreError, match="TESSERAE_QUEUE_URL") as refused:
        open_queue(Settings(home=tmp_path, queue_url=url))
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_queue_is_told(tmp_path):
    (tmp_path / QUEUE_FILE).write_bytes(b"no database " * 100)
    with pytest.raises(StoreError, match=r"queue\.db to be the queue of jobs.*Delete it"):
        open_queue(Settings(home=tmp_path, queue_url=None))


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(OutputError, match="another folder in TESSERAE_HOME"):
        open_queue(Settings(home=tmp_path / "taken" / os.curdir / "home", queue_url=None))


def test_deleting_a_photo_cancels_its_unfinished_jobs_only(store):
    photo, other = add_grey(store, 1), add_grey(store, 2)
    running = queue_job(store, "segment", {"photo_id": photo.id})
    assert claim_next(store, "here").id == running.id
    queued = queue_job(store, "compare", {"photo_id": photo.id})
    spared = [queue_job(store, "segment", {"photo_id": other.id}), queue_job(store, "train", {})]
    assert delete_photo_and_jobs(store, photo.id).photo.id == photo.id
    assert get_job(store, running.id).cancel_requested
    assert get_job(store, queued.id).state == "cancelled"
    assert [get_job(store, job.id) for job in spared] == spared
    assert [each.id for each in list_photos(store)] == [other.id]
