"""What a variant came to, as it is kept in a file, so that a study that was cut off goes on where it was."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tesserae.atomic import write_file
from tesserae.results import output_errors, without_nan
from tesserae.study.calibration import Bin, Calibration
from tesserae.training.figures import MosaicFigures


@dataclass(frozen=True)
class Training:
    """How a variant was fine-tuned.

    Attributes:
        mosaics, tesserae: that it learned from.
        sentence: the record in words, on the validation parts.
        notes: sentences on how its mosaics were split.
        best_epoch: the one that was kept.
        goodness: on the validation parts after each epoch, the base first.
        losses: mean total loss of each epoch.
        epoch_s: seconds of each epoch, with its validation.
        memory_mb: greatest memory.
    """

    mosaics: int
    tesserae: int
    sentence: str
    notes: tuple[str, ...]
    best_epoch: int
    goodness: tuple[float, ...]
    losses: tuple[float, ...]
    epoch_s: tuple[float, ...]
    memory_mb: float

    @property
    def usual_epoch_s(self) -> float:
        """Median of the seconds of an epoch."""
        return median(self.epoch_s) if self.epoch_s else math.nan


@dataclass(frozen=True)
class Finding:
    """What a variant came to.

    Attributes:
        variant: its name.
        figures: of each unseen mosaic by name.
        calibration: of predicted IoU; None where the variant predicts none.
        elapsed_s: seconds of finding and judging all of them.
        training: None where it is the base.
    """

    variant: str
    figures: Mapping[str, MosaicFigures]
    calibration: Calibration | None
    elapsed_s: float
    training: Training | None

    def values(self, figure: str) -> list[float]:
        """One figure of each mosaic."""
        return [float(getattr(each, figure)) for each in self.figures.values()]


def write_finding(path: Path, finding: Finding) -> None:
    """Keep a finding; raises OutputError."""
    text = json.dumps(without_nan(asdict(finding)), indent=2)
    with output_errors(path):
        write_file(path, f"{text}\n".encode())


def read_finding(path: Path) -> Finding | None:
    """Return a finding that was kept; None where there is none."""
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    figures = {mosaic: _figures(each) for mosaic, each in kept["figures"].items()}
    calibration, training = kept["calibration"], kept["training"]
    return Finding(
        kept["variant"],
        figures,
        None if calibration is None else Calibration(tuple(Bin(**each) for each in calibration["bins"]), calibration["error"]),
        kept["elapsed_s"],
        None if training is None else Training(**{name: _plain(value) for name, value in training.items()}),
    )


def _figures(kept: Mapping[str, float | None]) -> MosaicFigures:
    return MosaicFigures(**{name: math.nan if value is None else value for name, value in kept.items()})


def _plain(value: Any) -> Any:
    return tuple(math.nan if each is None else each for each in value) if isinstance(value, list) else value
