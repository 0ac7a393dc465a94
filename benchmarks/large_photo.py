"""A photo of 100 megapixels on the page, in a real browser: seconds and memory of the web process to add it, open it and zoom in."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import launch
from benchmarks.big import mirror_tile, write_tiff
from benchmarks.page_server import WebProcess, serve_page
from benchmarks.tables import Column, Row, Table
from tesserae.download import sha256_of_file
from tesserae.errors import TesseraeError
from tesserae.synthetic import render_mosaic

SEED, MOSAIC_PX, SIDE_PX, COPIES, STEPS = 5100, 1250, 30.0, 8, 8

_PATIENCE_S = 600.0
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
_WINDOW = {"width": 1280, "height": 1000}
_SHARP = ".viewer[data-sharp]"
_ZOOMED = """before => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].some(host => {
    const viewer = host.shadowRoot.querySelector('.viewer');
    return viewer && 'sharp' in viewer.dataset && viewer.dataset.view !== before;
})"""

COLUMNS = (
    Column("step", "step"),
    Column("elapsed_s", "time (s)", ".1f"),
    Column("worst_s", "slowest (s)", ".1f"),
    Column("cpu_s", "processor time of the web process (s)", ".1f"),
    Column("peak_mb", "peak memory (MB)", ".0f"),
    Column("after_mb", "memory afterwards (MB)", ".0f"),
)
NOTES = (
    (
        "Time: from the click, or from the end of the wheel's turn, until the picture is sharp; of several, the median and the slowest. "
        "Empty library: the first visit, which loads the page's scripts. Add: from choosing the file to its card in the library, which is "
        "upload, check, copy, zoom levels and thumbnail. Open in a new session: the photo's address in a new window, after the program was "
        "started anew."
    ),
    (
        "Memory: resident memory of the web process, with the mapped pages of the file of zoom levels, which the system takes back when it "
        "needs them."
    ),
    "Other work shared the machine; processor time, the mean of one, is least changed by that.",
)


@dataclass
class Stopwatch:
    """Collects rows; each names what was done, how long it took, and what memory the web process had."""

    process: WebProcess
    say: Callable[[str], None]
    rows: list[Row] = field(default_factory=list)

    def measure(self, step: str, acts: list[Callable[[], object]]) -> None:
        """Do `acts` one after the other and add their row."""
        self.process.forget_peak()
        before_s = self.process.cpu_s()
        times_s = []
        for act in acts:
            start = time.perf_counter()
            act()
            times_s.append(time.perf_counter() - start)
        after_mb, peak_mb = self.process.memory_mb()
        after_s = self.process.cpu_s()
        cpu_s = None if before_s is None or after_s is None else (after_s - before_s) / len(acts)
        self.rows.append({**row_of_step(step, times_s), "cpu_s": cpu_s, "peak_mb": peak_mb, "after_mb": after_mb})
        self.say(f"{step}: {median(times_s):.1f} s, peak {peak_mb} MB")


def measure_large_photo(
    work_dir: Path, say: Callable[[str], None], *, seed: int = SEED, mosaic_px: int = MOSAIC_PX, copies: int = COPIES, steps: int = STEPS
) -> list[Row]:
    """Rows of an empty collection to which the photo is added; the photo goes into `work_dir`, the collection is removed at the end.

    Raises TesseraeError when there is no browser or the page does not start.
    """
    say("drawing the photo")
    image = mirror_tile(render_mosaic(seed, mosaic_px, SIDE_PX).image, copies)
    photo = write_tiff(photo_path(work_dir, mosaic_px * copies), image)
    del image
    return measure_page(photo, say, steps)


def measure_page(photo: Path, say: Callable[[str], None], steps: int = STEPS) -> list[Row]:
    """Rows of a photo that is there; raises as `measure_large_photo`."""
    with TemporaryDirectory(prefix="tesserae-large-") as home:
        with serve_page(Path(home)) as process, open_window() as window:
            rows = _add_open_and_zoom(photo, Stopwatch(process, say), window, steps)
        with serve_page(Path(home)) as process, open_window() as window:
            return rows + _open_anew(photo, Stopwatch(process, say), window)


def photo_path(work_dir: Path, side_px: int) -> Path:
    """Where the photo lies, or will."""
    return work_dir / f"large_{side_px}.tif"


def tables_of_large_photo(rows: list[Row], photo_mb: float | None = None) -> tuple[Table, ...]:
    """One table; `photo_mb` is the size of the file."""
    size = () if photo_mb is None else (f"The file: {photo_mb:.0f} MB.",)
    return (Table("A photo of 100 megapixels on the page", COLUMNS, rows, (*NOTES, *size)),)


def row_of_step(step: str, times_s: list[float]) -> Row:
    """The median and, of several, the slowest."""
    return {"step": step, "elapsed_s": median(times_s), "worst_s": max(times_s) if len(times_s) > 1 else None}


@contextmanager
def open_window() -> Iterator[Any]:
    """A window of a headless browser, playwright's `Page`; raises TesseraeError when there is no browser."""
    from playwright.sync_api import sync_playwright  # a tool of the tests, not of the program

    browser_path = launch.find_browser(os.environ)
    if browser_path is None:
        raise TesseraeError(launch.BROWSER_ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(_FLAGS))
        window = browser.new_page(viewport=_WINDOW)
        window.set_default_timeout(_PATIENCE_S * 1000)
        yield window
        browser.close()


def _add_open_and_zoom(photo: Path, watch: Stopwatch, window: Any, steps: int) -> list[Row]:
    address = watch.process.address
    upload = window.locator("input[type=file]").first
    watch.measure("empty library", [lambda: (window.goto(f"{address}/mosaics"), upload.wait_for(state="attached"))])
    card = window.get_by_role("button", name=photo.name, exact=True)
    watch.measure("add", [lambda: (upload.set_input_files(photo), card.wait_for())])
    sharp = window.locator(_SHARP)
    watch.measure("open", [lambda: (card.click(), sharp.wait_for(state="attached"))])
    window.locator("canvas.picture").hover()
    watch.measure("zoom in", [lambda: _zoom(window)] * steps)
    return watch.rows


def _open_anew(photo: Path, watch: Stopwatch, window: Any) -> list[Row]:
    address = f"{watch.process.address}/mosaics?mosaic={sha256_of_file(photo)}"
    sharp = window.locator(_SHARP)
    watch.measure("open in a new session", [lambda: (window.goto(address), sharp.wait_for(state="attached"))])
    return watch.rows


def _zoom(window: Any) -> None:
    before = window.locator(".viewer").get_attribute("data-view")
    window.mouse.wheel(0, -200)
    window.wait_for_function(_ZOOMED, arg=before)
