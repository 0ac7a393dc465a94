"""A mosaic of 3,000 tesserae in 48 megapixels on the page that corrects, in a real browser: from the end of a stroke to the new picture."""

import io
import time
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.large_photo import open_window
from benchmarks.page_server import WebProcess, serve_page
from benchmarks.tables import Column, Row, Table
from tesserae.measure import median_side_px
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.drafts import DraftRecord, create_draft
from tesserae.store.photos import PhotoFacts, add_photo
from tesserae.synthetic import render_mosaic
from tesserae.ui.correct.view import View

SEED, MOSAIC_PX, SIDE_PX, STROKES = 5100, 1000, 10.4, 20
TESSERAE, SIZE = 3000, (8000, 6000)

_STROKE_PX = 60.0  # length on the canvas
_PATIENCE_MS = 60_000
_MARK_OLD = """() => document.querySelectorAll('[data-testid=stBidiComponentIsolated]').forEach(host => {
    host.shadowRoot?.querySelectorAll('canvas').forEach(canvas => canvas.dataset.old = '1');
})"""
_NEW_PICTURE = """() => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].some(host => {
    const canvases = [...(host.shadowRoot?.querySelectorAll('canvas.dc-canvas, canvas') ?? [])];
    const fresh = canvases.filter(canvas => !canvas.dataset.old && canvas.isConnected);
    if (!fresh.some(canvas => canvas.classList.contains('upper-canvas'))) return false;
    return fresh.some(canvas => {
        const context = canvas.getContext('2d');
        return context && context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3] > 0;
    });
})"""

COLUMNS = (
    Column("tesserae", "tesserae", ".0f"),
    Column("megapixels", "megapixels", ".0f"),
    Column("strokes", "strokes", ".0f"),
    Column("median_s", "median time (s)", ".2f"),
    Column("worst_s", "slowest (s)", ".2f"),
    Column("cpu_s", "processor time of the web process (s)", ".2f"),
    Column("sent_kb", "sent by the browser (kB)", ".1f"),
    Column("received_kb", "sent to the browser (kB)", ".0f"),
    Column("memory_mb", "memory of the web process (MB)", ".0f"),
    Column("peak_mb", "its peak (MB)", ".0f"),
)
NOTES = (
    "Strokes of the eraser at random places of the first view; time from the release of the mouse until the new canvas shows its picture.",
    "Bytes: of one stroke, in the frames of the web socket, the median. The server sends the picture of the canvas and of the map.",
)


def measure_strokes(say: Callable[[str], None], *, seed: int = SEED, strokes: int = STROKES) -> list[Row]:
    """One row; raises TesseraeError when there is no browser or the page does not start."""
    with TemporaryDirectory(prefix="tesserae-strokes-") as folder:
        home = Path(folder)
        say("drawing the mosaic")
        draft, labels = _make_draft(home, seed)
        view = View.first_look((labels.shape[1], labels.shape[0]), median_side_px(labels))
        with serve_page(home) as process, open_window() as window:
            return [_measure(process, window, draft, view, strokes, say) | _describe(labels)]


def tables_of_strokes(rows: list[Row]) -> tuple[Table, ...]:
    """One table."""
    return (Table("Correcting a large mosaic on the page", COLUMNS, rows, NOTES),)


def _make_draft(home: Path, seed: int) -> tuple[DraftRecord, Any]:
    """A collection with one enlarged synthetic mosaic, and a draft that begins with its truth."""
    mosaic = render_mosaic(seed, MOSAIC_PX, SIDE_PX)
    part = part_with(mosaic.labels, TESSERAE)
    image = np.asarray(cv2.resize(mosaic.image[part], SIZE, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    labels = np.asarray(cv2.resize(mosaic.labels[part], SIZE, interpolation=cv2.INTER_NEAREST), dtype=np.int32)
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=90)
    with open_store(Settings(home=home, database_url=None)) as store:
        photo = add_photo(store, file.getvalue(), "floor.jpg", PhotoFacts(*SIZE, "JPEG", 8, "RGB", 1, None, ()))
        return create_draft(store, photo.id, labels, "import", (), ""), labels


def part_with(labels: NDArray[np.int32], tesserae: int) -> tuple[slice, slice]:
    """The smallest upper left part, 4 wide and 3 high, of a label map (H, W) with so many tesserae at least; the largest where none has."""
    steps = range(1, min(labels.shape[0] // 3, labels.shape[1] // 4) + 1)
    parts = [(slice(0, 3 * step), slice(0, 4 * step)) for step in steps]
    found = bisect_left(parts, tesserae, key=lambda part: len(np.unique(labels[part])) - 1)
    return parts[min(found, len(parts) - 1)]


def _describe(labels: Any) -> Row:
    return {"tesserae": float(len(np.unique(labels)) - 1), "megapixels": labels.size / 1e6}


def _measure(process: WebProcess, window: Any, draft: DraftRecord, view: View, strokes: int, say: Callable[[str], None]) -> Row:
    traffic = _Traffic(window)
    window.goto(f"{process.address}/correct?mosaic={draft.photo_id}&draft={draft.id}")
    for row, name in (("Tools", "Brush"), ("Tool", "Erase")):
        window.get_by_role("radiogroup", name=row, exact=True).get_by_role("radio", name=name, exact=True).click()
    window.wait_for_timeout(3000)
    rng = np.random.default_rng(1)
    times_s, sent, received = [], [], []
    process.forget_peak()
    before_s = process.cpu_s()
    for _ in range(strokes):
        traffic.forget()
        times_s.append(_stroke(window, view, rng))
        window.wait_for_timeout(1000)  # what comes after the picture, such as the map, belongs to the stroke's bytes
        sent.append(traffic.sent)
        received.append(traffic.received)
        say(f"{times_s[-1]:.2f} s")
    after_s = process.cpu_s()
    memory_mb, peak_mb = process.memory_mb()
    return {
        "strokes": float(strokes),
        "median_s": median(times_s),
        "worst_s": max(times_s),
        "cpu_s": None if before_s is None or after_s is None else (after_s - before_s) / strokes,
        "sent_kb": median(sent) / 1e3,
        "received_kb": median(received) / 1e3,
        "memory_mb": memory_mb,
        "peak_mb": peak_mb,
    }


def _stroke(window: Any, view: View, rng: np.random.Generator) -> float:
    """Draw one stroke; seconds from its end to the new picture."""
    box = window.locator("canvas.upper-canvas").last.bounding_box()
    x, y = (float(rng.uniform(0.15, 0.8)) * side for side in view.canvas_size)
    window.evaluate(_MARK_OLD)
    window.mouse.move(box["x"] + x, box["y"] + y)
    window.mouse.down()
    window.mouse.move(box["x"] + x + _STROKE_PX, box["y"] + y + _STROKE_PX / 3, steps=8)
    window.mouse.up()
    start = time.perf_counter()
    window.wait_for_function(_NEW_PICTURE, timeout=_PATIENCE_MS)
    return time.perf_counter() - start


class _Traffic:
    """Bytes in the frames of a window's web sockets."""

    def __init__(self, window: Any) -> None:
        self.sent = self.received = 0
        window.on("websocket", self._attend)

    def forget(self) -> None:
        """Begin anew."""
        self.sent = self.received = 0

    def _attend(self, socket: Any) -> None:
        socket.on("framesent", lambda payload: self._count(payload, sent=True))
        socket.on("framereceived", lambda payload: self._count(payload, sent=False))

    def _count(self, payload: bytes | str, *, sent: bool) -> None:
        size = len(payload)
        if sent:
            self.sent += size
        else:
            self.received += size
