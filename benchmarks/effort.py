"""Strokes and time from the model's map of a real crop to its marked truth, by a simulated person, against outlining every stone by hand.

The computing time is measured. The person's time is an assumption, so many seconds for each kind of stroke (`SECONDS`): pointing and
drawing alone, without looking, thinking, changing tools or moving the view.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from benchmarks.marked import MarkedPhoto, figures_of, read_entries, read_marked_photo
from benchmarks.person import KINDS, Kind, Person, Stroke
from benchmarks.subject import Subject
from benchmarks.tables import Column, Row, Table, figures
from tesserae.click.clicks import Clicks
from tesserae.click.session import ClickSession
from tesserae.clock import Clock
from tesserae.corrections.operations import MaskRuns
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.evaluation import evaluate
from tesserae.find import find_side_px
from tesserae.models import load_models
from tesserae.segment import SegmentOptions, segment_photo
from tesserae.tilecache import PhotoMemory, TileCache

# Assumed, of a hand that knows the page: a press or a click 2.5 s, a line or a box 5 s, a drawn outline 12 s.
SECONDS: dict[Kind, float] = {
    "click": 2.5, "take": 2.5, "delete": 2.5, "box": 5.0, "cut": 5.0, "join": 5.0, "brush": 2.5, "outline": 12.0,
}  # fmt: skip
_ASKING: tuple[Kind, ...] = ("click", "box")
_CAP_BYTES = 10**10

_HEADINGS: dict[Kind, str] = {
    "click": "clicks for the model", "box": "boxes for it", "take": "its answer taken", "outline": "outlines by hand", "cut": "cuts",
    "join": "joins", "delete": "deleted", "brush": "brush",
}  # fmt: skip
STROKE_COLUMNS = (
    Column("photo", "photo"),
    Column("n_true", "marked"),
    *(Column(kind, _HEADINGS[kind]) for kind in KINDS),
    Column("strokes", "strokes"),
    Column("per_100", "strokes for 100 stones", ".0f"),
)
TIME_COLUMNS = (
    Column("photo", "photo"),
    Column("f1_before", "F1, model", ".3f"),
    Column("f1_after", "after", ".3f"),
    Column("error_before", "count error, model", "+.1%"),
    Column("error_after", "after", "+.1%"),
    Column("answer_ms", "model's answer, median (ms)", ".0f"),
    Column("correction_ms", "correction, median (ms)", ".1f"),
    Column("computing_s", "computing, all (s)", ".1f"),
    Column("hand_s", "hand, assumed (s)", ".0f"),
    Column("scratch", "strokes from nothing"),
    Column("scratch_s", "hand from nothing (s)", ".0f"),
    Column("share", "hand, of that", ".0%"),
)
STROKE_NOTES = (
    "Strokes: all that is drawn, clicked and pressed, also where the model's answer was not the stone.",
    "By the marks of the crop only: a tessera whose outline is wrong, but which holds its mark alone, is left as it is.",
)
TIME_NOTES = (
    "Hand: assumed, not measured: a press or a click 2.5 s, a line or a box 5 s, an outline 12 s.",
    "Looking, thinking, changing tools and moving the view are not in it. From nothing: every stone outlined by hand.",
    "Computing: of the model's answers, with what the run kept, and of the corrections; not of the page and the browser.",
)


def measure_effort(photos_dir: Path, subject: Subject, say: Callable[[str], None]) -> list[Row]:
    """A row for every photo with marked points."""
    rows: list[Row] = []
    for name, path in read_entries(photos_dir):
        say(name)
        with TemporaryDirectory(prefix="tesserae-effort-") as folder:
            rows.append(
                _measure_photo(read_marked_photo(photos_dir, name, path), subject, PhotoMemory(TileCache(Path(folder), _CAP_BYTES), name))
            )
        say(f"{name}: {rows[-1]['strokes']} strokes")
    return rows


def tables_of_effort(rows: list[Row]) -> tuple[Table, ...]:
    """Strokes, then times, each with a line for all photos."""
    keys = [column.key for column in STROKE_COLUMNS[1:-1]]
    whole: Row = {"photo": "**all**"} | {key: int(sum(figures(rows, key))) for key in keys}
    sums = {key: sum(figures(rows, key)) for key in ("computing_s", "hand_s", "scratch", "scratch_s")}
    whole |= {"per_100": _per_100(whole), **sums, "scratch": int(sums["scratch"]), "share": sums["hand_s"] / sums["scratch_s"]}
    return (
        Table("Strokes to the marked truth", STROKE_COLUMNS, [*rows, whole], STROKE_NOTES),
        Table("Time to the marked truth", TIME_COLUMNS, [*rows, whole], TIME_NOTES),
    )


def row_of_strokes(strokes: Sequence[Stroke], n_true: int) -> Row:
    """What the strokes of one crop with `n_true` judged marks come to."""
    row: Row = {"n_true": n_true} | {kind: sum(stroke.kind == kind for stroke in strokes) for kind in KINDS}
    row |= {"strokes": len(strokes)}
    answers = [1000 * stroke.elapsed_s for stroke in strokes if stroke.kind in _ASKING]
    corrections = [1000 * stroke.elapsed_s for stroke in strokes if stroke.kind not in _ASKING]
    hand_s, scratch_s = sum(SECONDS[stroke.kind] for stroke in strokes), n_true * SECONDS["outline"]
    return row | {
        "per_100": _per_100(row),
        "answer_ms": median(answers) if answers else None,
        "correction_ms": median(corrections) if corrections else None,
        "computing_s": sum(stroke.elapsed_s for stroke in strokes),
        "hand_s": hand_s,
        "scratch": n_true,
        "scratch_s": scratch_s,
        "share": hand_s / scratch_s if scratch_s else None,
    }


def _per_100(row: Row) -> float | None:
    (strokes,), (marked,) = figures([row], "strokes"), figures([row], "n_true")
    return 100 * strokes / marked if marked else None


def _measure_photo(marked: MarkedPhoto, subject: Subject, memory: PhotoMemory) -> Row:
    """The row of one photo: its run fills the memory, as before a person corrects on the page."""
    image = marked.photo.image
    run = segment_photo(image, subject.checkpoint, SegmentOptions(), device=subject.device, threads=subject.threads, memory=memory)
    models = load_models(subject.checkpoint, subject.device)
    side_px = find_side_px(image, models, Clock(), memory)
    corrected = CorrectedMap.of(run.labels)
    before = _scores(corrected, marked, "before")
    ask = partial(ask_model, ClickSession(models), image, side_px, memory)
    strokes = list(Person(corrected, marked.truth, ask).work())
    (n_true,) = figures([before], "n_true")
    return {"photo": marked.name, **before, **row_of_strokes(strokes, int(n_true)), **_scores(corrected, marked, "after")}


def _scores(corrected: CorrectedMap, marked: MarkedPhoto, when: str) -> Row:
    found = figures_of(evaluate(corrected.labels, marked.truth))
    return {"n_true": found["n_true"], f"f1_{when}": found["f1"], f"error_{when}": found["count_error"]}


def ask_model(session: ClickSession, image: NDArray[np.uint8], side_px: float, memory: PhotoMemory, clicks: Clicks) -> MaskRuns | None:
    """Return the model's answer to clicks on a photo uint8 (H, W, 3); None where it sees no stone."""
    try:
        return session.click(image, clicks, side_px, memory).mask
    except CorrectionError:
        return None
