"""A second opinion: where the label map of another model, or of the same model on a changed photo, says something else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tesserae.comparison import Kind as Difference
from tesserae.comparison import compare_label_maps
from tesserae.corrections.operations import Add, BoxXYXY, Correction, MaskRuns, Merge
from tesserae.review.cues import DISSENT, MOVED

_SENTENCES: Mapping[Difference, str] = {
    "only_a": "The other result has no tessera here.",
    "only_b": "The other result has a tessera here.",
    "split": "The other result has more tesserae here.",
    "merged": "The other result has fewer tesserae here.",
    "moved": "The other result has a clearly different outline.",
}


@dataclass(frozen=True)
class Dissent:
    """A place where the other map differs.

    Attributes:
        labels: tesserae of the map under review there, ascending; empty where it has none.
        box_xyxy: around the place, pixels, half open.
        doubt: 0..1, how likely the map under review is wrong there.
        sentence: for the conservator.
        fix: what would make the map as the other one, where that is mostly right.
    """

    labels: tuple[int, ...]
    box_xyxy: BoxXYXY
    doubt: float
    sentence: str
    fix: Correction | None


def find_dissents(labels: NDArray[np.int32], other_labels: NDArray[np.int32]) -> list[Dissent]:
    """Where the other label map (H, W) of the same photo differs; raises LabelMapError when it is of another size."""
    return [_dissent(place, other_labels) for place in compare_label_maps(labels, other_labels).differences.itertuples()]


def _dissent(place: Any, other_labels: NDArray[np.int32]) -> Dissent:
    """One row of the table of differences as a dissent."""
    box = (int(place.box_x0), int(place.box_y0), int(place.box_x1), int(place.box_y1))
    doubt = float(MOVED.doubts(np.array(place.iou))) if place.kind == "moved" else DISSENT[place.kind]
    return Dissent(place.labels_a, box, doubt, _SENTENCES[place.kind], _fix(place, box, other_labels))


def _fix(place: Any, box: BoxXYXY, other_labels: NDArray[np.int32]) -> Correction | None:
    """No split where the other map has two tesserae for one: it was wrong in all of 18 places (docs/decisions.md, 2026-11-26)."""
    if place.kind == "merged" and len(place.labels_b) == 1:
        return Merge(labels=place.labels_a)
    if place.kind == "only_b":
        return Add(mask=MaskRuns.of_array(other_labels[box[1] : box[3], box[0] : box[2]] == place.labels_b[0], box[:2]))
    return None
