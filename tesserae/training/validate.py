"""Judges models on the parts of a split as people use them: every tessera found by itself, no point of the truth given."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tesserae.clock import Clock
from tesserae.corrections.boxes import common_box, mask_box, widened_box
from tesserae.dataset import Ground, Part
from tesserae.dataset.ground import crop_ground
from tesserae.models import Models, encoder_weights, identify_weights
from tesserae.options import SegmentOptions
from tesserae.segment import Segmentation, segment_image
from tesserae.tilecache import PhotoMemory, TileCache
from tesserae.training.figures import MosaicFigures, judge_labels, mean_figures

JUDGED_WITH = SegmentOptions()
"""A run is judged the way people count: every tessera found by itself and drawn by the checkpoint."""

_MARGIN_PX = 64  # of photo around what is known: models look beyond a tessera
_PEAKS = (0.34, 0.4, 0.46, 0.52, 0.58)
_LEAST_IOUS = (0.0, 0.8, 0.9, 1.01)  # the last one keeps every first outline
_GAIN_TO_CHANGE = 0.002  # of goodness; a threshold that brings less stays


@dataclass(frozen=True, eq=False)
class Judged:
    """The figures of each part by its name, and the label map and ground of the first one, for a picture."""

    figures: dict[str, MosaicFigures]
    labels: NDArray[np.int32]
    ground: Ground

    @property
    def mean(self) -> MosaicFigures:
        """Mean over the parts."""
        return mean_figures(self.figures.values())


def judge_models(
    models: Models, parts: Sequence[Part], cache: TileCache, options: SegmentOptions, report: Callable[[float], None] = lambda _share: None
) -> Judged:
    """Segment each part and compare with its truth; `report` hears the share that is done. There is at least one part."""
    figures: dict[str, MosaicFigures] = {}
    first: tuple[NDArray[np.int32], Ground] | None = None
    for name, result, ground in segment_parts(models, parts, cache, options, report):
        figures[name] = judge_labels(result.labels, ground)
        first = first or (result.labels, ground)
    assert first is not None
    return Judged(figures, *first)


def segment_parts(
    models: Models, parts: Sequence[Part], cache: TileCache, options: SegmentOptions, report: Callable[[float], None] = lambda _share: None
) -> Iterator[tuple[str, Segmentation, Ground]]:
    """Segment part after part; yields a name, each only once, what was found, and the ground, as much of it as matters for judging."""
    taken: set[str] = set()
    for number, part in enumerate(parts):
        ground = _known_ground(part)
        memory = PhotoMemory(cache, f"{part.photo_id} {part.box_xyxy} {part.truth_id}")

        def tell(share: float, _stage: str, number: int = number) -> None:
            report((number + share) / len(parts))

        name = _unique_name(part, taken)
        taken.add(name)
        yield name, segment_image(ground.image, models, options, Clock(), tell, memory), ground


def _unique_name(part: Part, taken: set[str]) -> str:
    """Return the part's name; of two photos with the same name the second gets a number."""
    number, name = 1, part.name
    while name in taken:
        number += 1
        name = f"{part.name} ({number})"
    return name


def calibrate(models: Models, parts: Sequence[Part], cache: TileCache, report: Callable[[float], None]) -> dict[str, float]:
    """Return the thresholds that serve best on the parts, `peak_above` and `least_predicted_iou`; where nothing is gained they stay."""
    tried = {"peak_above": (_PEAKS, True), "least_predicted_iou": (_LEAST_IOUS, False)}
    chosen: dict[str, float] = {}
    for number, (name, (values, fast)) in enumerate(tried.items()):
        options = replace(JUDGED_WITH, fast=fast)
        current = float(getattr(models, name))
        best = judge_models(models, parts, cache, options).mean.goodness
        chosen[name] = current
        for place, value in enumerate(value for value in values if value != current):
            report((number + place / len(values)) / len(tried))
            goodness = judge_models(with_thresholds(models, {name: value}), parts, cache, options).mean.goodness
            if goodness > best + _GAIN_TO_CHANGE:
                best, chosen[name] = goodness, value
        models = with_thresholds(models, chosen)
    return chosen


def with_thresholds(models: Models, thresholds: dict[str, float]) -> Models:
    """Return the same models with thresholds as a record would bring them."""
    record = {**models.checkpoint.record, **thresholds}
    return replace(models, checkpoint=replace(models.checkpoint, record=record))


def as_they_are(models: Models) -> Models:
    """Return models that learn with ids of their weights at this moment, so that the cache never takes them for what they were."""
    finder_weights = encoder_weights(models.finder_predictor.model) | models.finder.state_dict(prefix="finder.")
    encoder_id = identify_weights(encoder_weights(models.predictor.model))
    return replace(models, encoder_id=encoder_id, finder_id=identify_weights(finder_weights))


def _known_ground(part: Part) -> Ground:
    """The ground of a part, without what lies far from the known: nobody judges it, and looking costs time."""
    ground = part.read()
    height, width = ground.labels.shape
    return crop_ground(ground, common_box(widened_box(mask_box(ground.known), _MARGIN_PX), (0, 0, width, height)))
