"""Runs of a fine-tune as they lie in a journal, for tests that train nothing."""

import dataclasses
import io

from PIL import Image

from tesserae.jobs.orders import FINETUNE, finetune_arguments
from tesserae.store.jobs import queue_job
from tesserae.training.figures import MosaicFigures
from tesserae.training.journal import Epoch, RunFacts, journal_of
from tesserae.training.order import Order
from tesserae.training.record import table_as_dict

NAME, BASE = "kos", "tesserae_mini"


def figures(f1, found=100.0):
    """Figures of a mosaic of 100 tesserae, all shares alike."""
    shares = dict.fromkeys(("f1_50", "f1_75", "mean_f1", "pixel_iou", "precision", "recall", "f_measure"), f1)
    return MosaicFigures(true_count=100.0, found_count=found, **shares, count_error=found / 100 - 1, abs_count_error=abs(found / 100 - 1))


def facts(dataset="d" * 64, name=NAME, **changes):
    order = Order(name, BASE, epochs=10)
    told = RunFacts(name, BASE, "c" * 64, order.recipe().as_dict(), dataset, "cpu", 1, 36, 1, True, ("Each was cut in two.",))
    return dataclasses.replace(told, **changes)


def epoch(number):
    losses = {"mask": 1.0 / number, "score": 0.1, "finder": 0.5, "total": 0.6 + 1.0 / number} if number else {}
    shown = figures(0.8 + 0.01 * number, 90.0 + number).as_dict()
    return Epoch(number, 10.0 + 60.0 * number, losses, shown, {"wall": shown}, 1480.0, "cpu")


def write_run(settings, last, told=None):
    """Begin a run whose journal holds epochs 0 to `last`."""
    journal = journal_of(settings, NAME)
    journal.begin(told or facts())
    journal.keep_epochs([epoch(number) for number in range(last + 1)])
    for number in range(last + 1):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8), (number, 0, 0)).save(stream, format="PNG")
        journal.keep_sample(number, stream.getvalue())
    return journal


def end_run(journal, *, promoted):
    table = {BASE: {"wall": figures(0.8, 90.0)}, NAME: {"wall": figures(0.85, 98.0)}}
    told = "Its score is 83.0, against 70.0." if promoted else "It is not better by enough."
    outcome = {"name": NAME, "best_epoch": 2, "epochs": 3, "calibration": {}, "sentence": "Trained on 1 mosaic, 36 tesserae."}
    journal.end(
        {
            **outcome,
            "promoted": promoted,
            "reason": told,
            "validation": table_as_dict(table),
            "test": table_as_dict(table) if promoted else {},
        }
    )


def queue_run(store, name=NAME):
    return queue_job(store, FINETUNE, finetune_arguments(Order(name, BASE, epochs=10)), key=FINETUNE)
