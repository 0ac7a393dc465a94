"""The collection in a real browser: two photos are added at once, found by search, opened, and there again after a reload."""

import os
import re
import socket
import subprocess
import sys

import pytest
from conftest import PROJECT_DIR, save_grey
from playwright.sync_api import expect, sync_playwright
from test_browser import FLAGS, _leaves, _wait_until_healthy

import launch

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of a page with an empty collection; the server is ended afterwards."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=PROJECT_DIR, env={**os.environ, "TESSERAE_HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}", server, home / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def browser_page():
    browser_path = launch.find_browser(os.environ)
    if browser_path is None:
        pytest.fail(launch.BROWSER_ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        yield browser.new_page(viewport={"width": 1280, "height": 1000})
        browser.close()


def test_two_photos_are_added_found_opened_and_there_after_a_reload(browser_page, address, tmp_path):
    page, faults, elsewhere = browser_page, [], []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("request", lambda request: elsewhere.append(request.url) if _leaves(request.url, address) else None)
    page.goto(f"{address}/mosaics")
    expect(page.get_by_text("The collection is empty")).to_be_visible(timeout=PATIENCE_MS)
    photos = [save_grey(tmp_path / "orpheus.png", (640, 480), 90), save_grey(tmp_path / "dolphins.png", (480, 640), 160)]
    page.locator("input[type=file]").set_input_files(photos)
    expect(page.get_by_text("2 photos added")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_alt_text("Thumbnail of")).to_have_count(2, timeout=PATIENCE_MS)

    page.get_by_placeholder("Title, site").fill("dolph")
    page.get_by_placeholder("Title, site").press("Enter")
    expect(page.get_by_text("1 mosaic found")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_alt_text("Thumbnail of")).to_have_count(1, timeout=PATIENCE_MS)
    page.get_by_role("button", name="dolphins.png", exact=True).click()
    expect(page).to_have_url(re.compile(r"mosaic=[0-9a-f]{64}"), timeout=PATIENCE_MS)
    page.locator(".viewer[data-sharp]").wait_for(state="attached", timeout=PATIENCE_MS)

    page.get_by_label("Title").fill("Dolphins of Delos")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Dolphins of Delos")).to_be_visible(timeout=PATIENCE_MS)
    page.reload()
    expect(page.get_by_role("heading", name="Dolphins of Delos")).to_be_visible(timeout=PATIENCE_MS)

    page.get_by_text("Two clicks on a scale bar").click()
    expect(page.get_by_text("Click on one end of the scale bar")).to_be_visible(timeout=PATIENCE_MS)
    page.locator(".viewer[data-sharp]").wait_for(state="attached", timeout=PATIENCE_MS)
    page.locator("canvas.picture").click(position={"x": 200, "y": 200})
    expect(page.get_by_text("Now click on its other end.")).to_be_visible(timeout=PATIENCE_MS)
    page.locator("canvas.picture").click(position={"x": 300, "y": 200})
    page.get_by_label("Length between the two points").fill("10")
    page.get_by_label("Length between the two points").press("Enter")
    page.get_by_role("button", name="Use this scale").click()
    expect(page.get_by_text("mm per pixel; the photo shows")).to_be_visible(timeout=PATIENCE_MS)
    families = page.evaluate("[...document.fonts].filter(face => face.status === 'loaded').map(face => face.family.replaceAll('\"', ''))")
    assert {"Source Sans 3", "Source Serif 4"} <= set(families)
    assert (faults, elsewhere) == ([], [])
