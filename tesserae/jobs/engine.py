"""The engine: a child process that does jobs one after the other, so that stopping one frees its memory at once, whatever it does.

The parent is light (no torch). It passes a job to the child, writes the child's progress and its own heartbeat into the job row, and when
the row says "cancel" it kills the child: at most `POLL_S` later nothing of it is left, graphics memory included. The child ends with
its parent, however that ends.
"""

import importlib
import logging
import multiprocessing as mp
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from tesserae.errors import ConflictError, TesseraeError
from tesserae.settings import Settings
from tesserae.store import Store, open_store
from tesserae.store.jobs import Job, cancel_job, fail_job, finish_job, postpone_job, report_progress
from tesserae.store.schema import to_json
from tesserae.training.order import Paused

logger = logging.getLogger(__name__)

WORK_MODULE = "tesserae.jobs.work"
POLL_S = 0.5
_TELL_EVERY_S = 0.2
_GONE_S = 5.0
_GPU_FULL = "OutOfMemoryError"  # torch's, by its name: the parent does without torch


@dataclass(frozen=True)
class _Progress:
    share: float
    stage: str


@dataclass(frozen=True)
class _Done:
    result: dict[str, object]


@dataclass(frozen=True)
class _Failed:
    message: str


@dataclass(frozen=True)
class _Paused:
    """The work goes on later, after what waits."""


class Engine:
    """Starts its child with the first job, and a new one after each that was ended.

    Args:
        work_module: name of the module whose `do_job(store, settings, job, report)` does a job; only the child imports it.
    """

    def __init__(self, settings: Settings, work_module: str = WORK_MODULE) -> None:
        self._settings = settings
        self._work_module = work_module
        self._child: BaseProcess | None = None
        self._connection: Connection | None = None

    def run(self, store: Store, job: Job, told_to_end: Callable[[], bool]) -> None:
        """Have the child do a claimed job, and end its row (done, failed, cancelled), or queue it anew behind what waits.

        The row is left as it is, running, if the child died or the worker was told to end; the child is gone then, and
        `tesserae.store.jobs.reclaim_stale` puts the job back. Raises StoreError when the database fails; the same holds then.
        """
        ended = False
        try:
            connection = self._start()
            connection.send(job)
            while not (ended or told_to_end()):
                ended = self._attend(store, job, connection)
        except (EOFError, OSError):
            logger.warning("The process that did job %s died%s.", job.id[:12], self._last_words())
        except ConflictError as error:
            logger.warning("%s", error)
        finally:
            if not ended:
                self.stop()

    def stop(self) -> None:
        """Kill the child, if there is one, with all that it started."""
        if self._child is None or self._connection is None:
            return
        _kill_group(self._child)
        self._child.join(_GONE_S)
        if self._child.is_alive():
            logger.error("Process %s cannot be killed; its memory stays in use until the machine starts anew.", self._child.pid)
        else:
            self._child.close()
        self._connection.close()
        self._child = self._connection = None

    def _start(self) -> Connection:
        if self._connection is not None and self._child is not None and self._child.is_alive():
            return self._connection
        self.stop()
        context = mp.get_context("spawn")  # a fork would share locks and graphics card with the parent
        ours, theirs = context.Pipe()
        # no daemon: one may not have children of its own, as the loading of training data does
        child = context.Process(target=_serve, args=(theirs, self._settings, self._work_module), name="tesserae-engine")
        child.start()
        theirs.close()
        self._child, self._connection = child, ours
        return ours

    def _attend(self, store: Store, job: Job, connection: Connection) -> bool:
        """Listen for a moment, write down what was heard; return whether the job has ended."""
        wait([connection], POLL_S)
        share = stage = None
        while connection.poll():
            said = connection.recv()
            if isinstance(said, _Done):
                finish_job(store, job, said.result)
                return True
            if isinstance(said, _Failed):
                fail_job(store, job, said.message)
                return True
            if isinstance(said, _Paused):
                postpone_job(store, job)
                return True
            share, stage = said.share, said.stage
        if not report_progress(store, job, share, stage):
            return False
        self.stop()
        cancel_job(store, job)
        return True

    def _last_words(self) -> str:
        if self._child is None:
            return ""
        self._child.join(_GONE_S)
        return f" (exit status {self._child.exitcode})"


def _kill_group(child: BaseProcess) -> None:
    if hasattr(os, "killpg") and child.pid is not None:
        with suppress(ProcessLookupError, PermissionError):  # gone already, or killed before it led a group
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()


def _serve(connection: Connection, settings: Settings, work_module: str) -> None:
    """The child: take a job, do it, tell how it ended; until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    if hasattr(os, "setsid"):
        os.setsid()  # leads a group of its own, which ends as one
    _end_with_parent()
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(settings, work_module, job, connection))


def _outcome(settings: Settings, work_module: str, job: Job, connection: Connection) -> _Done | _Failed | _Paused:
    told_at = -_TELL_EVERY_S

    def report(share: float, stage: str) -> None:
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= _TELL_EVERY_S:
            told_at = now
            connection.send(_Progress(share, stage))

    try:
        report(0.0, "load")
        do_job = importlib.import_module(work_module).do_job  # brings torch
        with open_store(settings) as store:
            return _Done(to_json(do_job(store, settings, job, report)))
    except Paused:
        return _Paused()
    except TesseraeError as error:
        return _Failed(str(error))
    except MemoryError:
        return _Failed("The memory of this machine is too small for that. Give a smaller photo, or choose a smaller checkpoint.")
    except Exception as error:
        if type(error).__name__ == _GPU_FULL:
            return _Failed("The memory of the graphics card is too small for that. Choose a smaller checkpoint, or the processor.")
        logger.exception("Job %s failed in a way nobody foresaw.", job.id[:12])
        return _Failed(f"This {job.kind} job failed in a way that the program did not foresee; the worker's log tells more. Try it again.")


def _end_with_parent() -> None:
    """End this process and its children as soon as the parent has ended."""
    parent = mp.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
