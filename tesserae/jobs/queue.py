"""The queue: wakes an idle worker when there is work; a file by default, a Redis server by address for several machines.

Of huey only its storages are used, with messages that have no content. Its consumer would let a job of hours finish before it ends,
and it unpickles what it finds, so that whoever reaches the Redis server could run programs here.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from huey.storage import BaseStorage, RedisStorage, SqliteStorage
from redis import ConnectionPool
from redis.exceptions import RedisError

from tesserae.errors import StoreError
from tesserae.settings import Settings
from tesserae.store import Store
from tesserae.store.files import disk_errors
from tesserae.store.jobs import UNFINISHED, Job, list_jobs, queue_job, request_cancel
from tesserae.store.photos import Removal, delete_photo

logger = logging.getLogger(__name__)

QUEUE_FILE = "queue.db"
_NAME = "tesserae"
_MESSAGE = b"work"
_ASK_EVERY_S = 0.25  # how often the file is looked at; Redis tells by itself
_PATIENCE_S = 5.0  # for an answer of the queue, and until one that did not answer is asked again
_UNREACHABLE = (RedisError, sqlite3.Error, OSError)


@dataclass(frozen=True, eq=False)
class Queue:
    """An open queue; threads may share it.

    Attributes:
        storage: where the messages lie.
    """

    storage: BaseStorage

    def wake(self) -> None:
        """Tell one worker that there is work; if the queue does not answer, this is logged: workers look round without it too."""
        try:
            self.storage.enqueue(_MESSAGE)
        except _UNREACHABLE as error:
            logger.warning("The queue does not answer (%s); a worker finds the job when it looks round, within a minute.", error)

    def wait(self, at_most_s: float, told_to_end: Callable[[], bool]) -> bool:
        """Wait for a message and return whether there may be work; False after `at_most_s` seconds, or when told to end.

        A queue that does not answer is logged and counts as a message, after a few seconds: the job rows tell as well.
        """
        until = time.monotonic() + at_most_s
        while not told_to_end() and time.monotonic() < until:
            try:
                if self.storage.dequeue() is not None:
                    return True
            except _UNREACHABLE as error:
                logger.warning("The queue does not answer (%s); the worker looks at the jobs every few seconds.", error)
                _sleep(_PATIENCE_S, told_to_end)
                return True
            if not self.storage.blocking:
                _sleep(_ASK_EVERY_S, told_to_end)
        return False

    def close(self) -> None:
        """Close the connections."""
        if isinstance(self.storage, RedisStorage):
            self.storage.pool.disconnect()
        self.storage.close()


def open_queue(settings: Settings) -> Queue:
    """Open the queue of these settings.

    Raises:
        StoreError: the address is none of a Redis server, or the file cannot be used.
        OutputError: the folder cannot be made.
    """
    return Queue(_open_file(settings) if settings.queue_url is None else _open_redis(settings.queue_url))


def submit_job(store: Store, queue: Queue, kind: str, arguments: Mapping[str, object], *, key: str | None = None) -> Job:
    """Queue work and wake a worker; the same work that is unfinished already is returned instead. `key` is that of `queue_job`."""
    job = queue_job(store, kind, arguments, key=key)
    queue.wake()
    return job


def delete_photo_and_jobs(store: Store, photo_id: str) -> Removal:
    """Cancel the unfinished jobs on a photo, then delete it as `tesserae.store.photos.delete_photo`, which tells of errors."""
    for job in list_jobs(store, states=UNFINISHED):
        if job.arguments.get("photo_id") == photo_id:
            request_cancel(store, job.id)
    return delete_photo(store, photo_id)


def _open_file(settings: Settings) -> BaseStorage:
    file = settings.home.absolute() / QUEUE_FILE
    with disk_errors(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return SqliteStorage(_NAME, filename=str(file))
    except sqlite3.Error as error:
        raise StoreError(
            f"Expected {file} to be the queue of jobs, but it cannot be used ({error}). Delete it: it holds nothing that is needed, "
            "and is made anew. If that does not help, see that this user may write there."
        ) from error


def _open_redis(url: str) -> BaseStorage:
    try:
        if url.startswith(("redis://", "rediss://", "unix://")):
            pool = ConnectionPool.from_url(url, socket_connect_timeout=_PATIENCE_S, socket_timeout=_PATIENCE_S)
            return RedisStorage(_NAME, connection_pool=pool)
    except ValueError as error:
        raise StoreError(_address_advice()) from error
    raise StoreError(_address_advice())


def _address_advice() -> str:
    """Without the address itself, which may hold a password."""
    return (
        "Expected the address of a Redis server in TESSERAE_QUEUE_URL, as in redis://host:6379/0; found one that cannot be read. "
        "Correct it, or leave it out: a file in TESSERAE_HOME is used then."
    )


def _sleep(seconds: float, told_to_end: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not told_to_end() and (left_s := until - time.monotonic()) > 0:
        time.sleep(min(left_s, _ASK_EVERY_S))
