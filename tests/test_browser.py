"""The page in a real browser: a photo is uploaded, the count is read, and it is that of the command line."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import PROJECT_DIR
from PIL import Image
from playwright.sync_api import expect, sync_playwright

import launch
from tesserae.cli import main

pytestmark = pytest.mark.browser

START_S, RUN_MS = 60, 120_000
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def mosaic(tmp_path_factory):
    from tesserae.synthetic import render_mosaic

    path = tmp_path_factory.mktemp("photo") / "floor.png"
    Image.fromarray(render_mosaic(24, 384, 24.0).image).save(path)
    return path


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Address of a page of the test's own; the server is ended afterwards."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"],
            cwd=PROJECT_DIR,
            env={**os.environ, "TESSERAE_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}", server, home / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def _wait_until_healthy(address, server, log):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer:
                if answer.read() == b"ok":
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"The page did not start within {START_S} s:\n{log.read_text(encoding='utf-8', errors='replace')}")


@pytest.fixture
def browser_page():
    browser_path = launch.find_browser(os.environ)
    if browser_path is None:
        pytest.fail(launch.BROWSER_ADVICE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=list(FLAGS))
        yield browser.new_page()
        browser.close()


def test_an_uploaded_photo_is_counted_as_on_the_command_line(browser_page, address, mosaic, tmp_path):
    page = browser_page
    faults = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if _leaves(request.url, address) else None)
    page.goto(address)
    page.locator("input[type=file]").set_input_files(mosaic)
    expect(page.get_by_text("floor.png, 384 x 384 pixels.")).to_be_visible(timeout=RUN_MS)
    page.get_by_role("button", name="Count the tesserae").click()
    count = page.get_by_test_id("stMetricValue").first
    expect(count).to_be_visible(timeout=RUN_MS)
    expect(page.get_by_text("Outlines", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table (CSV)").click()
    table = download.value.path().read_bytes()

    assert main(["segment", str(mosaic), "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "floor" / "result.json").read_text(encoding="utf-8"))
    assert int(count.inner_text()) == record["count"] > 50
    assert table == (tmp_path / "floor" / "tesserae.csv").read_bytes()
    assert (faults, elsewhere) == ([], [])


def _leaves(url, address):
    """Whether a request goes anywhere but to the page's own server."""
    return not url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:"))
