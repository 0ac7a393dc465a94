"""What a run leaves behind for one photo: label map, overlay, table and record; knows neither models nor prompts.

A segmentation is taken by its shape (`SegmentedPhoto`), so that results of any origin are written the same way. The
record is written last and the old one removed first: a folder with a result.json is complete.
"""

import io
import json
import math
import os
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

import tesserae
from tesserae.clock import STAGES
from tesserae.errors import OutputError
from tesserae.labelmap import count_tesserae, write_label_map
from tesserae.measure import measure_tesserae
from tesserae.overlay import paint_overlay
from tesserae.photo import Photo

LABELS_FILE, OVERLAY_FILE, TABLE_FILE, RECORD_FILE = "labels.tif", "overlay.png", "tesserae.csv", "result.json"

_DECIMALS = {"centroid_x_px": 2, "centroid_y_px": 2, "side_px": 2, "predicted_iou": 4, "stability": 4}
_PNG_LEVEL = 3  # the file grows by a tenth beside Pillow's usual 6, and is written in half the time
_STATUS = Path("/proc/self/status")


class SegmentedPhoto(Protocol):
    """The parts of a segmentation that are written down; labels int32 (H, W) in the photo's frame."""

    @property
    def labels(self) -> NDArray[np.int32]:
        """Label map."""

    @property
    def predicted_iou(self) -> Mapping[int, float]:
        """The model's own estimate per label."""

    @property
    def stability(self) -> Mapping[int, float]:
        """Stability score per label."""

    @property
    def checkpoint(self) -> str:
        """Name of the checkpoint."""

    @property
    def prompts(self) -> str:
        """How the prompts were made."""

    @property
    def decode(self) -> str:
        """How masks were decoded."""

    @property
    def decode_agreement(self) -> float | None:
        """Agreement of windowed with full decoding, None when it was not measured."""

    @property
    def device(self) -> str:
        """Where the model ran."""

    @property
    def dtype(self) -> str:
        """Number format in which the model ran."""

    @property
    def median_side_px(self) -> float:
        """Median side of a tessera; NaN when there are none."""

    @property
    def stages_s(self) -> Mapping[str, float]:
        """Seconds per stage."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Plain sentences for the user."""


def write_results(
    out_dir: Path,
    photo: Photo,
    segmentation: SegmentedPhoto,
    *,
    mm_per_px: float | None = None,
    elapsed_s: float = 0.0,
    read_s: float = 0.0,
    folder_name: str | None = None,
    options: Mapping[str, object] | None = None,
) -> Path:
    """Write labels.tif, overlay.png, tesserae.csv and result.json into a folder of `out_dir`, each at once.

    Args:
        out_dir: created if need be.
        mm_per_px: scale of the photo; without it the real units in the table stay blank.
        elapsed_s: time that the photo took before this call; the time of the call is added to it.
        read_s: time that reading the photo took; counted to the stage "load".
        folder_name: name of the photo's folder; the photo's name without its ending by default.
        options: what was asked for, JSON types; goes into the record as it is.

    Returns the folder. Raises OutputError when something cannot be written, TesseraeError when the scale is none.
    """
    start = time.perf_counter()
    table = measure_tesserae(
        segmentation.labels,
        predicted_iou=segmentation.predicted_iou,
        stability=segmentation.stability,
        mm_per_px=mm_per_px,
    )
    folder = make_folder(out_dir / (folder_name or result_folder_name(photo.name)))
    with output_errors(folder / RECORD_FILE):
        (folder / RECORD_FILE).unlink(missing_ok=True)
    write_label_map(folder / LABELS_FILE, segmentation.labels)
    overlay = paint_overlay(photo.image, segmentation.labels)
    replace_file(folder / OVERLAY_FILE, lambda part: part.write_bytes(encode_png(overlay)))
    replace_file(folder / TABLE_FILE, lambda part: part.write_bytes(format_table(table)))
    writing_s = time.perf_counter() - start
    stages_s = add_seconds(segmentation.stages_s, load=read_s, paint=writing_s)
    facts = {"mm_per_px": mm_per_px, "elapsed_s": round(elapsed_s + writing_s, 3), "stages_s": stages_s}
    record = describe_run(photo, segmentation) | facts | {"peak_rss_mb": peak_rss_mb(), "options": dict(options or {})}
    text = json.dumps(without_nan(record), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    replace_file(folder / RECORD_FILE, lambda part: part.write_text(text, encoding="utf-8"))
    return folder


def describe_run(photo: Photo, segmentation: SegmentedPhoto) -> dict[str, Any]:
    """What is known of a photo and its segmentation beside the pixels; JSON types, NaN for a missing figure."""
    width, height = photo.size
    return {
        "count": count_tesserae(segmentation.labels),
        "width": width,
        "height": height,
        "photo": photo.name,
        "photo_id": photo.id,
        "profile": photo.profile,
        "notes": list(photo.notes),
        "checkpoint": segmentation.checkpoint,
        "prompts": segmentation.prompts,
        "decode": segmentation.decode,
        "decode_agreement": segmentation.decode_agreement,
        "device": segmentation.device,
        "dtype": segmentation.dtype,
        "median_side_px": segmentation.median_side_px,
        "warnings": list(segmentation.warnings),
        "version": tesserae.__version__,
    }


def format_table(table: pd.DataFrame) -> bytes:
    """The measurements as CSV (UTF-8, comma, point); a missing figure is blank, never 0."""
    text: str = table.round(_DECIMALS).to_csv(index=False, lineterminator="\n")
    return text.encode()


def encode_png(image: NDArray[np.uint8]) -> bytes:
    """An image uint8 (H, W, 3) as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG", compress_level=_PNG_LEVEL)
    return stream.getvalue()


def result_folder_name(photo_name: str, taken: frozenset[str] = frozenset()) -> str:
    """The photo's name without its ending; with _2, _3 ... added when that is `taken` (names in lower case)."""
    stem = Path(photo_name).stem
    name = stem if stem.strip(". ") else "photo"  # a file called "...jpg" must not write outside its folder
    candidate, number = name, 2
    while candidate.casefold() in taken:
        candidate, number = f"{name}_{number}", number + 1
    return candidate


def make_folder(folder: Path) -> Path:
    """Create a folder with its parents and see that files can be made in it; raise OutputError if not."""
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{uuid.uuid4().hex}.part"
        probe.touch()
        probe.unlink()
    return folder


def add_seconds(stages_s: Mapping[str, float], **more_s: float) -> dict[str, float]:
    """All stages in order with what was spent on top; rounded to milliseconds."""
    total_s = {stage: stages_s.get(stage, 0.0) + more_s.get(stage, 0.0) for stage in (*STAGES, *stages_s)}
    return {stage: round(seconds, 3) for stage, seconds in total_s.items()}


def peak_rss_mb() -> float | None:
    """Greatest resident memory of this process so far in MB (10^6 bytes); None where the system does not tell."""
    if _STATUS.is_file():
        # ru_maxrss would count the process that started this one, until it became a program of its own
        found = [line.split()[1] for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:")]
        if found:
            return round(int(found[0]) * 1024 / 1e6, 1)
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then put it in place; raises OutputError, leaving the former file as it was."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with output_errors(path):
        try:
            write(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an OSError on `path` into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} could not be written ({error.strerror or error}). Expected a folder with room in which this user "
            "may write; make room or choose another folder, then start again."
        ) from error


def without_nan(value: Any) -> Any:
    """JSON types in which a missing figure is None."""
    if isinstance(value, Mapping):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
