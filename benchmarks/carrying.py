"""What corrections of one real mosaic do to others: fine-tuned on the corrected crop of one photo, judged on the marks of all.

The crop is brought to its marks by the simulated person of `benchmarks.person`, and learned from as a mosaic that is alone: cut in two,
with a strip between. Marks say how many stones there are, not where their edges run; what is learned of outlines is the model's own.
"""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.effort import ask_model
from benchmarks.marked import MarkedPhoto, figures_of, read_entries, read_marked_photo
from benchmarks.person import Person
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table
from tesserae.checkpoints import find_checkpoint
from tesserae.click.session import ClickSession
from tesserae.clock import Clock
from tesserae.corrections.replay import CorrectedMap
from tesserae.dataset import Dataset, Ground, Part
from tesserae.dataset.blocks import cut_blocks
from tesserae.dataset.ground import limit_truth
from tesserae.errors import TruthError
from tesserae.evaluation import evaluate
from tesserae.find import find_side_px
from tesserae.models import load_models
from tesserae.polygons import points_in_polygon
from tesserae.settings import Settings
from tesserae.tilecache import PhotoMemory, TileCache
from tesserae.training.order import Order
from tesserae.training.run import finetune

NAME = "carried"
_MARGIN_SIDES = 6  # of photo around a marked crop
_CAP_BYTES = 10**10

COLUMNS = (
    Column("taught", "learned from"),
    Column("photo", "photo"),
    Column("f1_before", "F1 before", ".3f"),
    Column("f1_after", "after", ".3f"),
    Column("error_before", "count error before", "+.1%"),
    Column("error_after", "after", "+.1%"),
    Column("said", "what the run said"),
)
NOTES = ("Marked crops with six tesserae of photo around them, default way. The run itself compares on a quarter of the crop.",)


@dataclass(frozen=True)
class _Crop:
    """A marked crop with its surroundings: image uint8 (h, w, 3), and the marks moved into it."""

    marked: MarkedPhoto
    image: NDArray[np.uint8]


def measure_carrying(photos_dir: Path, taught: list[str], epochs: int, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """For each entry that is taught a row for every photo with marks."""
    crops = {name: _cut(read_marked_photo(photos_dir, name, path)) for name, path in read_entries(photos_dir)}
    before = {name: _judge(crop, subject) for name, crop in crops.items()}
    rows: list[Row] = []
    for name in taught:
        with TemporaryDirectory(prefix="tesserae-carrying-") as folder:
            learned, said = _learn(crops[name], epochs, subject, Path(folder), say)
            for other, crop in crops.items():
                after = _judge(crop, learned)
                row: Row = {"taught": name, "photo": other, "said": said}
                row |= {"f1_before": before[other]["f1"], "error_before": before[other]["count_error"]}
                rows.append(row | {"f1_after": after["f1"], "error_after": after["count_error"]})
                say(f"{name} -> {other}: F1 {row['f1_before']:.3f} -> {after['f1']:.3f}")
    return rows


def tables_of_carrying(rows: list[Row]) -> tuple[Table, ...]:
    """One table."""
    return (Table("Corrections of one real mosaic, judged on all", COLUMNS, rows, NOTES),)


def _cut(marked: MarkedPhoto) -> _Crop:
    truth, margin = marked.truth, int(_MARGIN_SIDES * marked.truth.tessera_px)
    x0, y0 = max(0, truth.x0 - margin), max(0, truth.y0 - margin)
    image = np.ascontiguousarray(marked.photo.image[y0 : truth.y0 + truth.side_px + margin, x0 : truth.x0 + truth.side_px + margin])
    return _Crop(replace(marked, truth=replace(truth, x0=truth.x0 - x0, y0=truth.y0 - y0)), image)


def _judge(crop: _Crop, subject: Subject) -> Row:
    return figures_of(evaluate(subject.segment(crop.image)[0].labels, crop.marked.truth))


def _learn(crop: _Crop, epochs: int, subject: Subject, folder: Path, say: Callable[[str], None]) -> tuple[Subject, str]:
    """Correct the crop, fine-tune on it in a folder of its own; return the new model and its record in words."""
    settings = Settings(home=folder / "home", database_url=None, weights=folder / "weights")
    settings.weights.mkdir()
    for path in (subject.checkpoint.path, subject.checkpoint.path.with_suffix(".json")):
        shutil.copy(path, settings.weights / path.name)
    outcome = finetune(Order(NAME, epochs=epochs, device=subject.device), _dataset(crop, subject, folder), settings, lambda *_: None)
    if outcome is None:
        raise TruthError("Expected a run on one device, found one on several. Leave the number of devices out.")
    say(outcome.findings.sentence)
    checkpoint = find_checkpoint(NAME, settings.weights, settings.checkpoint_url)
    return replace(subject, checkpoint=checkpoint), f"{outcome.findings.sentence} {outcome.findings.verdict.reason}"


def _dataset(crop: _Crop, subject: Subject, folder: Path) -> Dataset:
    """The corrected crop in two blocks."""
    labels, known = limit_truth(_correct(crop, subject, folder), _known(crop))
    blocks = cut_blocks(labels, known)
    if blocks is None:
        raise TruthError(f"Expected marks enough to cut the crop of '{crop.marked.name}' in two, found too few. Teach another photo.")
    identity = hashlib.sha256(crop.image.tobytes() + labels.tobytes()).hexdigest()
    ground = Ground(crop.image, labels, known)
    boxes = (("train", blocks.train_xyxy, blocks.train_count), ("validation", blocks.validation_xyxy, blocks.validation_count))
    parts = [Part(identity, crop.marked.name, split, box, count, None, identity, lambda: ground) for split, box, count in boxes]
    return Dataset(tuple(parts), by_blocks=True)


def _correct(crop: _Crop, subject: Subject, folder: Path) -> NDArray[np.int32]:
    models = load_models(subject.checkpoint, subject.device)
    memory = PhotoMemory(TileCache(folder / "clicks", _CAP_BYTES), crop.marked.name)
    corrected = CorrectedMap.of(subject.segment(crop.image)[0].labels)
    side_px = find_side_px(crop.image, models, Clock(), memory)
    list(Person(corrected, crop.marked.truth, partial(ask_model, ClickSession(models), crop.image, side_px, memory)).work())
    return corrected.labels.copy()


def _known(crop: _Crop) -> NDArray[np.bool_]:
    """The marked square without what the eye could not tell."""
    truth = crop.marked.truth
    y, x = np.indices((truth.side_px, truth.side_px))
    points_xy = np.stack([x.ravel(), y.ravel()], 1).astype(np.float64)
    readable = np.ones(len(points_xy), dtype=bool)
    for polygon_xy in truth.ignore_xy:
        readable &= ~points_in_polygon(points_xy, polygon_xy)
    known = np.zeros(crop.image.shape[:2], dtype=bool)
    known[truth.y0 : truth.y0 + truth.side_px, truth.x0 : truth.x0 + truth.side_px] = readable.reshape(y.shape)
    return known
