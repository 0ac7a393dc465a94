"""The app as its users have it, page and worker as processes of their own, and what tests in a real browser wait for."""

import os
import re
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import PATIENCE_S, PROJECT_DIR
from PIL import Image
from playwright.sync_api import expect, sync_playwright

import launch
from benchmarks.page_server import serve_page

PATIENCE_MS = 1000 * PATIENCE_S
expect.set_options(timeout=PATIENCE_MS)

RESTING = "[data-testid=stApp][data-test-script-state=notRunning]"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
# What moves while a test waits would take a processor's whole time to draw.
STILL = """addEventListener('DOMContentLoaded', () => {
    const still = new CSSStyleSheet();
    still.replaceSync('*, *::before, *::after { animation: none !important; transition: none !important; }');
    document.adoptedStyleSheets.push(still);
})"""
COLOURS = 128  # of a picture for the docs, which halves its size


@contextmanager
def running_app(home, script="app.py"):
    """The address of a page server with data in `home`; it is ended afterwards."""
    with serve_page(home, script, patience_s=PATIENCE_S) as server:
        yield server.address


@contextmanager
def running_worker(home):
    """A worker for the collection in `home`, ended afterwards as Ctrl-C ends it, with what it started."""
    environment = {**os.environ, "TESSERAE_HOME": str(home)}
    with (Path(home) / "worker.log").open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tesserae", "worker"], cwd=PROJECT_DIR, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        yield worker
    finally:
        worker.terminate()
        worker.wait(timeout=PATIENCE_S)


@contextmanager
def running_browser(**options):
    """A real browser whose tabs share one cache, which spares seconds for each of them; the test fails where there is none."""
    browser_path = launch.find_browser(os.environ)
    if browser_path is None:
        pytest.fail(launch.BROWSER_ADVICE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        tabs = chromium.new_context(**options)
        tabs.set_default_timeout(PATIENCE_MS)
        tabs.add_init_script(STILL)
        yield tabs
        chromium.close()


def leaves(url, address):
    """Whether a request goes anywhere but to the page's own server."""
    return not url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))


def open_photo(page, address, path):
    """Upload a photo that is new to the collection on the first page, wait until it is shown there, and return its id."""
    page.goto(address)
    return give_photo(page, path)


def give_photo(page, path):
    """The same on the first page as it is shown."""
    expect(page.get_by_role("button", name="Open the sample")).to_be_visible()
    for patience_ms in (PATIENCE_MS / 8, PATIENCE_MS):  # a file that is given while its field is still being drawn is lost with it
        page.locator(RESTING).wait_for(state="attached")
        page.locator("input[type=file]").set_input_files(path)
        with suppress(AssertionError):
            expect(page.get_by_text(f"{path.name}, ")).to_be_visible(timeout=patience_ms)
            break
    expect(page.get_by_text(f"{path.name}, ")).to_be_visible()
    expect(page.get_by_text("was not counted yet")).to_be_visible()
    expect(page).to_have_url(re.compile("mosaic=[0-9a-f]{64}"))
    return re.search("mosaic=([0-9a-f]{64})", page.url)[1]


def wait_until_sharp(page):
    """Wait until the server's picture of the present view is shown in the viewer, and the script has come to rest."""
    page.locator(".viewer[data-sharp]").first.wait_for(state="attached")
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)


def for_docs():
    """Whether pictures for the docs are asked for, by TESSERAE_PICTURES naming a folder for them."""
    return bool(os.environ.get("TESSERAE_PICTURES"))


def size_px(quick, shown):
    """Side of a synthetic mosaic: quick to work on, or, when pictures for the docs are asked for, large enough to be looked at."""
    return shown if for_docs() else quick


def keep_picture(page, name):
    """Keep a picture of the page, when they are asked for."""
    if not for_docs():
        return
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.mouse.move(0, 0)
    path = Path(os.environ["TESSERAE_PICTURES"]) / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
