"""What a job is asked to do: kinds and arguments. Needs no model: whoever submits a job does without torch."""

from collections.abc import Mapping
from dataclasses import asdict

from tesserae.options import RunOptions
from tesserae.store.schema import to_json
from tesserae.training.order import Order

SEGMENT = "segment"
FINETUNE = "finetune"


def segment_arguments(photo_id: str, runs: list[RunOptions]) -> Mapping[str, object]:
    """Arguments of a job that segments a photo once for each of `runs`, as one piece of work."""
    return {"photo_id": photo_id, "runs": [options.as_dict() for options in runs]}


def finetune_arguments(order: Order) -> Mapping[str, object]:
    """Arguments of a job that fine-tunes on everything that is approved when it begins."""
    return asdict(order)


def revision_options(options: RunOptions) -> Mapping[str, object]:
    """Return what tells revisions of one photo and one checkpoint file apart, JSON types.

    Device and threads do not, and the file's hash says more than the checkpoint's name.
    """
    return to_json(asdict(options.segment))
