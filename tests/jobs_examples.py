"""Jobs without a model for the tests of engine and worker, and real worker processes that tests may kill."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from conftest import PATIENCE_S, PROJECT_DIR
from store_examples import provenance

from tesserae.errors import StoreError
from tesserae.store.files import EMBEDDINGS
from tesserae.store.photos import PhotoFacts, add_photo
from tesserae.store.segmentations import Scores, add_segmentation

SOON_S = 10.0  # two seconds on a machine with nothing else to do; what does not come by itself does not come in this time either

# As `python -m tesserae worker`, but the jobs are those of this module.
EXAMPLES = """
import logging
from tesserae.jobs.worker import serve
from tesserae.settings import Settings

logging.basicConfig(level=logging.INFO)
serve(Settings(), work_module="jobs_examples")
"""


class OutOfMemoryError(RuntimeError):
    """Called as torch's."""


def do_job(store, settings, job, report):
    """The engine's child calls this."""
    with (store.home / "begun").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return globals()[f"_{job.kind}"](store, job, report)


def _count(store, job, report):
    report(0.5, "count")
    return {"count": job.arguments["number"], "pid": os.getpid()}


def _hold(store, job, report):
    """Goes on until there is a file called "go"."""
    while not (store.home / "go").exists():
        report(0.25, "hold")
        time.sleep(0.02)
    return {"pid": os.getpid()}


def _family(store, job, report):
    """As `hold`, with a child of its own."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (store.home / "grandchild.part").write_text(str(child.pid))
    (store.home / "grandchild.part").replace(store.home / "grandchild")
    return _hold(store, job, report)


def _refuse(store, job, report):
    raise StoreError("The photo is gone.")


def _stumble(store, job, report):
    return {"count": 1 / 0}


def _nan(store, job, report):
    return {"count": float("nan")}


def _memory(store, job, report):
    raise MemoryError


def _gpu(store, job, report):
    raise OutOfMemoryError("CUDA out of memory.")


def _store(store, job, report):
    """Stores a label map that takes about 8 MB."""
    facts = PhotoFacts(2000, 2000, "PNG", 8, "RGB", 1, None, ())
    photo = add_photo(store, b"photo", "wall.png", facts)
    labels = np.random.default_rng(1).integers(0, 1 << 16, (2000, 2000), dtype=np.int32)
    return {"id": add_segmentation(store, photo.id, labels, Scores(), provenance()).id}


def _cache(store, job, report):
    """Keeps two tiles, one of about 8 MB."""
    import torch

    from tesserae.tilecache import TileCache

    cache = TileCache(store.home / EMBEDDINGS, 10**9)
    for key, numbers in (("large", 2_000_000), ("small", 10)):
        cache.write(key, {"tokens": torch.rand(numbers)})
    return {"kept": [key for key in ("large", "small") if cache.read(key) is not None]}


def _die(store, job, report):
    os._exit(7)


def begun(home):
    """Process of each job that was begun, in their order."""
    file = Path(home) / "begun"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_until(condition, timeout_s=PATIENCE_S, every_s=0.05):
    """Wait, and return what `condition` gave at last."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(every_s)
    return found


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def descendants(pid):
    rows = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout.split("\n")
    children = {}
    for row in filter(None, rows):
        own, parent = map(int, row.split())
        children.setdefault(parent, []).append(own)
    found = children.get(pid, [])
    return found + [below for each in found for below in descendants(each)]


@contextmanager
def worker_process(settings, *arguments, largest_file_bytes=None):
    """A worker for these settings, which is not left behind, nor are its children; it may be kept from writing larger files."""

    def limit():
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file_bytes, largest_file_bytes))

    named = {"HOME": settings.home, "DATABASE_URL": settings.database_url, "QUEUE_URL": settings.queue_url, "WEIGHTS": settings.weights}
    environment = os.environ | {f"TESSERAE_{name}": str(value) for name, value in named.items() if value is not None}
    environment["PYTHONPATH"] = os.pathsep.join((str(PROJECT_DIR), str(PROJECT_DIR / "tests")))
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit if largest_file_bytes else None,
    )
    try:
        yield process
    finally:
        family = descendants(process.pid)
        process.kill()
        process.communicate()
        for pid in filter(is_alive, family):
            os.kill(pid, signal.SIGKILL)
