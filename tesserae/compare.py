"""Two checkpoints on one photo: runs both, lets equal encoders look once, and writes down how the results differ and which is better."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tesserae.comparison import Comparison, compare_label_maps
from tesserae.evaluation import Evaluation, Truth, evaluate
from tesserae.options import RunOptions
from tesserae.overlay import paint_overlay
from tesserae.photo import Photo, read_photo
from tesserae.results import encode_png, make_folder, output_errors, replace_file, without_nan
from tesserae.service import Progress, Run, find_installed, run_photo
from tesserae.settings import Settings
from tesserae.tilecache import PhotoMemory, TileCache

RECORD_FILE, PICTURE_FILE = "compare.json", "compare.png"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs on one photo beside each other.

    Attributes:
        a, b: the runs; their times are without reading the photo.
        comparison: of their label maps.
        scores: their evaluations against the truth; None without one.
    """

    photo: Photo
    a: Run
    b: Run
    comparison: Comparison
    scores: tuple[Evaluation, Evaluation] | None

    @property
    def shared_embeddings(self) -> bool:
        """Whether both needed the same embeddings, so that B took over those of A."""
        id_a, id_b = self.a.segmentation.embeddings_id, self.b.segmentation.embeddings_id
        return id_a == id_b != ""


def compare_checkpoints(
    path: Path,
    names: tuple[str, str],
    options: RunOptions,
    settings: Settings,
    *,
    read_truth: Callable[[], Truth] | None = None,
    progress: Progress | None = None,
) -> Pair:
    """Run checkpoints A and B on a photo, A first, with all other options the same.

    What both need is computed once and kept in a temporary folder meanwhile, so that the figures of a pair do not depend on what was
    run before. `read_truth` is called before the runs.

    Raises TesseraeError: the photo, a checkpoint, the device or the truth cannot be used.
    """
    for name in names:
        find_installed(name, settings)
    photo = read_photo(path, max_pixels=settings.max_pixels)
    truth = None if read_truth is None else read_truth()
    with TemporaryDirectory(prefix="tesserae-compare-") as folder:
        memory = PhotoMemory(TileCache(Path(folder), int(settings.cache_gb * 1e9)), photo.id)

        def run(number: int) -> Run:
            named = replace(options, checkpoint=names[number])
            return run_photo(photo, named, settings, progress=_half(number, names[number], progress), memory=memory)

        a, b = run(0), run(1)
    maps = a.segmentation.labels, b.segmentation.labels
    scores = None if truth is None else (evaluate(maps[0], truth), evaluate(maps[1], truth))
    return Pair(photo, a, b, compare_label_maps(*maps), scores)


def write_pair(out_dir: Path, pair: Pair) -> None:
    """Write compare.json and compare.png (left the overlay of A, right that of B) into `out_dir`, each at once; raises OutputError.

    The record is written last and the old one removed first: a folder with a compare.json is complete.
    """
    record_path = make_folder(out_dir) / RECORD_FILE
    with output_errors(record_path):
        record_path.unlink(missing_ok=True)
    overlays = [paint_overlay(pair.photo.image, run.segmentation.labels) for run in (pair.a, pair.b)]
    replace_file(out_dir / PICTURE_FILE, lambda part: part.write_bytes(encode_png(np.hstack(overlays))))
    text = json.dumps(without_nan(describe_pair(pair)), indent=2, allow_nan=False) + "\n"
    replace_file(record_path, lambda part: part.write_text(text, encoding="utf-8"))


def describe_pair(pair: Pair) -> dict[str, object]:
    """The record of a pair, JSON types, NaN for a missing figure.

    Places are counted: only_a and only_b are tesserae that one found alone, split are tesserae of A that are several in B, merged the
    other way round.
    """
    scores = pair.scores or (None, None)
    tallies = pair.comparison.tallies
    differences = {kind: tallies[kind].places for kind in ("only_a", "only_b", "split", "merged")}
    sides = {"a": _describe_side(pair.a, scores[0]), "b": _describe_side(pair.b, scores[1])}
    return {**sides, **differences, "shared_embeddings": pair.shared_embeddings}


def _describe_side(run: Run, scores: Evaluation | None) -> dict[str, object]:
    made = run.segmentation
    stages_s = {stage: round(seconds, 3) for stage, seconds in made.stages_s.items()}
    facts: dict[str, object] = {"count": made.count, "elapsed_s": round(run.elapsed_s, 3), "stages_s": stages_s}
    return facts if scores is None else facts | {"metrics": scores.as_dict()}


def _half(number: int, name: str, progress: Progress | None) -> Progress | None:
    """Progress of the first or second of two runs as that of both."""
    return progress and (lambda share, stage: progress((number + share) / 2, f"{name}: {stage}"))
