"""Correction sessions that end by kill -9 at a random moment: what was shown as applied must be there when the draft is opened again.

Needs a system that can fork: each session is a process of its own, and to import everything a hundred times would take most of the time.
"""

import multiprocessing
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.tables import Column, Row, Table
from tesserae.correcting import Desk, apply, approve, open_desk, redo, undo
from tesserae.corrections.log import play
from tesserae.corrections.operations import (
    Add,
    Correction,
    Delete,
    Erase,
    Ignore,
    Merge,
    Mortar,
    Paint,
    PointXY,
    Replace,
    Several,
    Split,
)
from tesserae.corrections.replay import CorrectedMap
from tesserae.errors import CorrectionError
from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import Store, open_store
from tesserae.store.annotations import list_annotations
from tesserae.store.drafts import create_draft, read_base, read_entries
from tesserae.store.photos import add_photo, facts_of

SESSIONS, SIZE_PX, STEP_PX, JOINT_PX = 100, 240, 16, 3
PER_DRAFT = 10
"""So many sessions go on with the same draft, one after the other."""
MOST, LATER_S = 40, 0.1
"""A session ends after at most so many corrections were shown, and at most so much later, in the middle of whatever it does then."""

COLUMNS = (
    Column("draft", "draft"),
    Column("sessions", "sessions"),
    Column("shown", "shown as applied"),
    Column("stored", "in the log"),
    Column("lost", "lost"),
    Column("different", "sessions with other pixels"),
    Column("unapproved", "sessions with other approvals"),
    Column("replay_ms", "replay (ms per entry, median)", ".2f"),
)
NOTES = (
    (
        "Each session is a process of its own that applies random corrections, with undo, redo and approvals among them, and is ended by "
        "kill -9. Lost: shown as applied, but not in the log when the draft was opened again. Other pixels: the log, replayed to the last "
        "entry that was shown, gives another label map than the one that was shown."
    ),
)


@dataclass(frozen=True)
class Shown:
    """What a session said last before its end: the length of the log, and the checksum of the map; (0, None) when it said nothing."""

    number: int
    checksum: str | None


def measure_sessions(sessions: int, first_seed: int, say: Callable[[str], None]) -> list[Row]:
    """Run `sessions` sessions in a collection of their own; one row per draft."""
    rows: list[Row] = []
    with TemporaryDirectory(prefix="tesserae-sessions-") as folder, open_store(Settings(home=Path(folder), database_url=None)) as store:
        photo_id = add_plain_photo(store, Path(folder) / "photo.png")
        for first in range(0, sessions, PER_DRAFT):
            seeds = range(first_seed + first, first_seed + min(first + PER_DRAFT, sessions))
            rows.append({"draft": len(rows) + 1, **_measure_draft(store, photo_id, seeds)})
            say(", ".join(f"{name} {value}" for name, value in rows[-1].items()))
    return rows


def tables_of_sessions(rows: Sequence[Row]) -> tuple[Table, ...]:
    """All sessions in one row, then one row per draft."""
    keys = ("sessions", "shown", "stored", "lost", "different", "unapproved")
    total: Row = {"draft": "all", **{key: sum(int(str(row[key])) for row in rows) for key in keys}}
    return (Table("Sessions ended by kill -9", COLUMNS, [total, *rows], NOTES),)


def add_plain_photo(store: Store, path: Path) -> str:
    """Add a grey photo of the size of `grid_of_tesserae`; return its id."""
    Image.new("RGB", (SIZE_PX, SIZE_PX), (128, 128, 128)).save(path)
    return add_photo(store, path, path.name, facts_of(read_photo(path, max_pixels=SIZE_PX**2))).id


def grid_of_tesserae() -> NDArray[np.int32]:
    """A label map of square tesserae in rows; int32 (SIZE_PX, SIZE_PX)."""
    place = np.arange(SIZE_PX)
    number = (place // STEP_PX)[:, None] * (SIZE_PX // STEP_PX) + place // STEP_PX + 1
    joint = place % STEP_PX < JOINT_PX
    return np.where(joint[:, None] | joint, 0, number).astype(np.int32)


def run_until_killed(settings: Settings, draft_id: str, seed: int, *, most: int = MOST) -> Shown:
    """Start a session on a draft, end it by kill -9 at a random moment, and return what it said last."""
    rng = np.random.default_rng(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([__name__])
    hearing, telling = processes.Pipe(duplex=False)
    session = processes.Process(target=_correct_until_killed, args=(settings.home, settings.database_url, draft_id, seed, telling))
    session.start()
    telling.close()  # or the end of the session would never be heard
    said: list[tuple[int, str | None]] = [(0, None)]
    with hearing:
        try:
            said += [hearing.recv() for _ in range(rng.integers(1, most))]
            time.sleep(rng.uniform(0, LATER_S))
        finally:
            session.kill()
            session.join()
        said += _rest_of(hearing)
    return Shown(*said[-1])


def judge(store: Store, draft_id: str, shown: Shown) -> Row:
    """Open a draft again, and compare it with what was shown of it."""
    start = time.perf_counter()
    desk = open_desk(store, draft_id)
    elapsed_s = time.perf_counter() - start
    standing = [each for each in list_annotations(store, desk.draft.photo_id) if each.draft_id == draft_id and not each.withdrawn]
    return {
        "stored": desk.number,
        "lost": max(0, shown.number - desk.number),
        "different": int(shown.checksum is not None and checksum(_replayed(desk, shown.number)) != shown.checksum),
        "unapproved": int(len(standing) != len(desk.map.approvals)),
        "replay_ms": 1000 * elapsed_s / max(1, desk.number),
    }


def checksum(corrected: CorrectedMap) -> str:
    """What tells one corrected map from another: pixels, the next number, how many steps can be undone and redone."""
    pixels = zlib.crc32(corrected.ignored.tobytes(), zlib.crc32(corrected.labels.tobytes()))
    return f"{pixels:08x}-{corrected.next_label}-{corrected.done}-{corrected.undone}-{len(corrected.approvals)}"


def correct_at_random(desk: Desk, rng: np.random.Generator) -> bool:
    """Apply, undo, redo or approve something; return whether that was possible."""
    chance = rng.random()
    try:
        if chance < 0.15:
            undo(desk, "Anna")
        elif chance < 0.25:
            redo(desk, "Anna")
        elif chance < 0.3:
            approve(desk, None if rng.random() < 0.2 else _polygon(rng), "Anna")
        else:
            apply(desk, random_correction(rng, desk.map), "Anna")
    except CorrectionError:
        return False
    return True


def random_correction(rng: np.random.Generator, corrected: CorrectedMap) -> Correction:
    """Any correction but an approval; it may be one that cannot be made."""
    if rng.random() < 0.1:
        return Several("Some at once", tuple(_single(rng, corrected) for _ in range(3)))
    return _single(rng, corrected)


def _single(rng: np.random.Generator, corrected: CorrectedMap) -> Correction:
    label = int(rng.choice(list(corrected.boxes) or [1]))
    makers: tuple[Callable[[], Correction], ...] = (
        lambda: Add(polygon_xy=_polygon(rng)),
        lambda: Delete(labels=(label,)),
        lambda: Delete(polygon_xy=_polygon(rng)),
        lambda: Merge(line_xy=_line(rng)),
        lambda: Split(line_xy=_line(rng)),
        lambda: Split(label=label),
        lambda: Paint(_line(rng), 5.0, label),
        lambda: Paint(_line(rng), 5.0),
        lambda: Erase(_line(rng), 4.0),
        lambda: Replace(label, polygon_xy=_polygon(rng)),
        lambda: Mortar(_polygon(rng)),
        lambda: Ignore(_polygon(rng)),
    )
    return makers[rng.integers(len(makers))]()


def _polygon(rng: np.random.Generator) -> tuple[PointXY, ...]:
    """Four corners around a random point."""
    x, y = rng.uniform(0, SIZE_PX, 2)
    rx, ry = rng.uniform(3, 1.5 * STEP_PX, 2)
    return (float(x - rx), float(y)), (float(x), float(y - ry)), (float(x + rx), float(y)), (float(x), float(y + ry))


def _line(rng: np.random.Generator) -> tuple[PointXY, ...]:
    (x0, y0), (dx, dy) = rng.uniform(0, SIZE_PX, 2), rng.uniform(-1.5 * STEP_PX, 1.5 * STEP_PX, 2)
    return (float(x0), float(y0)), (float(x0 + dx), float(y0 + dy))


def _measure_draft(store: Store, photo_id: str, seeds: Sequence[int]) -> Row:
    draft = create_draft(store, photo_id, grid_of_tesserae(), "import", (), "Anna")
    shown_before, judged = 0, []
    row: Row = {"sessions": len(seeds)}
    shown_in_all = 0
    for seed in seeds:
        shown = run_until_killed(Settings(home=store.home, database_url=None), draft.id, seed)
        judged.append(judge(store, draft.id, shown))
        shown_in_all += max(0, shown.number - shown_before)
        shown_before = int(str(judged[-1]["stored"]))
    row |= {"shown": shown_in_all, "stored": shown_before}
    row |= {key: sum(int(str(each[key])) for each in judged) for key in ("lost", "different", "unapproved")}
    return row | {"replay_ms": median(float(str(each["replay_ms"])) for each in judged)}


def _replayed(desk: Desk, number: int) -> CorrectedMap:
    """The map as it was after so many entries."""
    corrected = CorrectedMap.of(read_base(desk.store, desk.draft))
    for logged in read_entries(desk.store, desk.draft.id)[:number]:
        play(corrected, logged.entry.correction)
    return corrected


def _correct_until_killed(home: Path, database_url: str | None, draft_id: str, seed: int, telling: Connection) -> None:
    """Correct a draft, and tell after each correction how long the log is and what the map is like, until somebody ends the process."""
    rng = np.random.default_rng(seed)
    with open_store(Settings(home=home, database_url=database_url)) as store:
        desk = open_desk(store, draft_id)
        while True:
            if correct_at_random(desk, rng):
                telling.send((desk.number, checksum(desk.map)))


def _rest_of(hearing: Connection) -> Iterator[tuple[int, str | None]]:
    """What a session that has ended had told and nobody had heard yet."""
    while True:
        try:
            yield hearing.recv()
        except EOFError:
            return
