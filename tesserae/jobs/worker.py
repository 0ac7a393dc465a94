"""The worker: takes jobs from the store and has its engine do them, one at a time on this machine, until it is told to end."""

import logging
import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tesserae.errors import StoreError
from tesserae.jobs.engine import WORK_MODULE, Engine
from tesserae.jobs.queue import open_queue
from tesserae.settings import Settings
from tesserae.store import Store, open_store
from tesserae.store.files import disk_errors
from tesserae.store.jobs import claim_next, hand_back, reclaim_stale

logger = logging.getLogger(__name__)

STALE_S = 30.0  # a worker of another machine that has not been heard of for so long is given up
LOOK_ROUND_EVERY_S = 60.0
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # those that the system has

Told = Callable[[], bool]


def serve(settings: Settings, *, work_module: str = WORK_MODULE) -> None:
    """Do jobs until the process is told to end (Ctrl-C, SIGTERM); what was running then is put back into the queue.

    For the main thread of a process: signals are answered there.

    Raises StoreError when a worker for this folder runs on this machine already, or database or queue cannot be opened.
    """
    name = socket.gethostname()
    with (
        _ending() as told_to_end,
        _only_worker_here(settings.home, name),
        open_store(settings) as store,
        closing(open_queue(settings)) as queue,
    ):
        engine = Engine(settings, work_module)
        logger.info("The worker of %s is ready.", name)
        try:
            while not told_to_end():
                _work_off(store, engine, name, told_to_end)
                if not queue.wait(LOOK_ROUND_EVERY_S, told_to_end):
                    engine.stop()  # nothing to do for a minute: others may have the memory
        finally:
            engine.stop()
            _hand_back(store, name)
        logger.info("The worker of %s has ended.", name)


def _work_off(store: Store, engine: Engine, name: str, told_to_end: Told) -> None:
    """Do what waits; a database that fails is logged, and asked again with the next message."""
    try:
        reclaim_stale(store, STALE_S)
        while not told_to_end():
            reclaim_stale(store, 0.0, worker=name)  # begun here, and nobody does it: the engine or an earlier worker died
            job = claim_next(store, name)
            if job is None:
                return
            logger.info("Job %s (%s) begins, attempt %d.", job.id[:12], job.kind, job.attempts)
            engine.run(store, job, told_to_end)
    except StoreError as error:
        logger.error("%s", error)


def _hand_back(store: Store, name: str) -> None:
    """Put what was running back into the queue."""
    try:
        for job in hand_back(store, name):
            logger.info("Job %s (%s) is %s.", job.id[:12], job.kind, job.state)
    except StoreError as error:  # then the next worker finds it
        logger.warning("%s", error)


@contextmanager
def _ending() -> Iterator[Told]:
    """Tell whether the process was told to end. No threading.Event: to set one in a signal handler may block for ever."""
    told: list[int] = []
    numbers = [signal.Signals[name] for name in _SIGNALS if hasattr(signal, name)]
    previous = {number: signal.signal(number, lambda number, _frame: told.append(number)) for number in numbers}
    try:
        yield lambda: bool(told)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def _only_worker_here(home: Path, name: str) -> Iterator[None]:
    """Hold the lock of this machine's worker; the system lets it go when the process ends, however it does.

    The machine's name is in the file's, for several machines may share the folder.
    """
    with disk_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / f"worker-{re.sub(r'[^A-Za-z0-9.-]', '_', name)}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(
                f"A worker for {home} runs on this machine already, and one machine does one job at a time. Use that one, or end it first."
            ) from error
    try:
        yield
    finally:
        lock.release()
