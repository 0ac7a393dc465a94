"""What a fine-tuned checkpoint's record says: where it comes from, what it learned from, how it was judged. Pure words and figures."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from tesserae.checkpoints import Checkpoint
from tesserae.dataset import Dataset
from tesserae.store.members import SPLITS
from tesserae.training.figures import MosaicFigures, mean_figures
from tesserae.training.promotion import Verdict
from tesserae.training.recipe import Recipe

_INHERITED = ("decode", "mask_prompts", "decode_side_px", "least_predicted_iou", "peak_above")
_VERSIONS = ("torch", "sam2", "numpy", "lightning-fabric")

Table = Mapping[str, Mapping[str, MosaicFigures]]


@dataclass(frozen=True)
class Findings:
    """What was found out about a new checkpoint.

    Attributes:
        calibration: what the validation parts set: how far it went from its base ("way"), and thresholds.
        table: figures on the validation parts, by model and mosaic: the base, the active one where it is another, the new one.
        test: the same on the test parts; empty without any.
        verdict: whether it became the default, and why.
        sentence: the record in words.
        best_epoch, epochs: the epoch that was kept, and how many there were.
    """

    calibration: Mapping[str, float]
    table: Table
    test: Table
    verdict: Verdict
    sentence: str
    best_epoch: int
    epochs: int

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "sentence": self.sentence,
            "promoted": self.verdict.promoted,
            "reason": self.verdict.reason,
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "calibration": dict(self.calibration),
            "validation": table_as_dict(self.table),
            "test": table_as_dict(self.test),
        }


def describe_checkpoint(
    base: Checkpoint, base_sha256: str, ids: Mapping[str, str], recipe: Recipe, dataset: Dataset, findings: Findings
) -> dict[str, Any]:
    """Return the record's facts, JSON types; name, date, size and hash are added by who writes the file.

    `ids` are those of the encoders that decoder and finder head understand.
    """
    inherited = {name: base.record[name] for name in _INHERITED if name in base.record}
    return {
        "config": base.config,
        "parent": {"name": base.name, "sha256": base_sha256},
        **ids,
        **inherited,
        **findings.calibration,
        **findings.as_dict(),
        "recipe": recipe.as_dict(),
        "dataset": {
            "fingerprint": dataset.fingerprint,
            "mosaics": len(dataset.photo_ids("train")),
            "tesserae": dataset.tessera_count("train"),
            "by_blocks": dataset.by_blocks,
            "notes": list(dataset.notes),
        },
        "photo_ids": {split: list(dataset.photo_ids(split)) for split in SPLITS},
        "versions": {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()},
    }


def table_as_dict(table: Table) -> dict[str, Any]:
    """Return figures by model and mosaic, with the mean over mosaics under "mean"; JSON types."""
    return {
        model: {
            "mean": mean_figures(figures.values()).as_dict(),
            "per_mosaic": {mosaic: each.as_dict() for mosaic, each in figures.items()},
        }
        for model, figures in table.items()
    }


def format_table(table: Table) -> str:
    """Return figures by model and mosaic as a table for people, one line per mosaic and model, means last."""
    width = max([len(mosaic) for figures in table.values() for mosaic in figures] + [len("mean")])
    model_width = max([len(model) for model in table] + [len("model")])
    head = f"{'mosaic':<{width}}  {'model':<{model_width}}  {'true':>6}  {'found':>6}  {'count error':>11}  {'F1@50':>6}  {'F1@75':>6}  "
    lines = [head + f"{'pixel IoU':>9}  {'precision':>9}  {'recall':>7}  {'F':>6}"]
    mosaics = list(next(iter(table.values())))
    for mosaic in mosaics:
        lines += [_line(mosaic, width, model, model_width, figures[mosaic]) for model, figures in table.items()]
    lines += [_line("mean", width, model, model_width, mean_figures(figures.values())) for model, figures in table.items()]
    return "\n".join(lines)


def _line(mosaic: str, width: int, model: str, model_width: int, figures: MosaicFigures) -> str:
    counts = f"{figures.true_count:>6.0f}  {figures.found_count:>6.0f}  {100 * figures.count_error:>+9.1f} %"
    shares = [f"{100 * value:>{size}.1f}" for value, size in ((figures.f1_50, 6), (figures.f1_75, 6), (figures.pixel_iou, 9))]
    shares += [f"{100 * value:>{size}.1f}" for value, size in ((figures.precision, 9), (figures.recall, 7), (figures.f_measure, 6))]
    return f"{mosaic:<{width}}  {model:<{model_width}}  {counts}  " + "  ".join(shares)
