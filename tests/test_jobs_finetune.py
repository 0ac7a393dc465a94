"""Fine-tuning as a job of a real worker: killed in its second epoch, it goes on, and ends as if nothing had happened."""

import os
import signal
from contextlib import closing
from dataclasses import replace

import pytest
import torch
from conftest import PROJECT_DIR
from jobs_examples import descendants, is_alive, wait_until, worker_process
from short_lessons import SHORT, WORKER
from training_examples import approve_mosaics, own_weights

from tesserae.architecture import read_checkpoint_file
from tesserae.dataset import collect_dataset
from tesserae.jobs.orders import FINETUNE, SEGMENT, finetune_arguments, segment_arguments
from tesserae.jobs.queue import open_queue, submit_job
from tesserae.options import RunOptions
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import get_job
from tesserae.training.journal import journal_of
from tesserae.training.order import Order
from tesserae.training.run import finetune

pytestmark = pytest.mark.skipif(os.name == "nt", reason="kills processes as POSIX systems do")

ORDER = Order("learned", device="cpu", epochs=3)


def test_killed_in_its_second_epoch_a_job_ends_with_the_same_weights(tmp_path):
    weights = own_weights(tmp_path / "weights", PROJECT_DIR / "weights")
    settings = Settings(home=tmp_path / "home", database_url=None, queue_url=None, weights=weights)
    with open_store(settings) as store, closing(open_queue(settings)) as queue:
        photos = approve_mosaics(store, 1)
        job = submit_job(store, queue, FINETUNE, finetune_arguments(ORDER))
        journal = journal_of(settings, ORDER.name)
        with worker_process(settings, "-c", WORKER) as worker:
            wait_until(lambda: len(journal.epochs()) == 2)  # the base and the first
            family = descendants(worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
            wait_until(lambda: not any(map(is_alive, family)))
        # somebody else's photo need not wait for the end of the run
        short = submit_job(store, queue, SEGMENT, segment_arguments(photos[0].id, [RunOptions(device="cpu")]))
        with worker_process(settings, "-c", WORKER):
            done = wait_until(lambda: (now := get_job(store, job.id)).finished and now)
        assert (done.state, done.result["checkpoint"]) == ("done", "learned"), done.message
        assert get_job(store, short.id).finished_at < done.finished_at
        dataset = collect_dataset(store, settings)
    assert [epoch.epoch for epoch in journal.epochs()] == [0, 1, 2, 3]

    other = Settings(home=tmp_path / "other", database_url=None, weights=own_weights(tmp_path / "more", PROJECT_DIR / "weights"))
    finetune(ORDER, dataset, other, lambda *_: None, recipe=replace(SHORT, epochs=ORDER.epochs))
    one, same = (read_checkpoint_file(each.weights / "learned.pt") for each in (settings, other))
    assert all(torch.equal(value, same[part][name]) for part in one for name, value in one[part].items())
