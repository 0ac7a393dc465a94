"""The viewer in a real browser: wheel, drag, pinch, keys, clicks, divider and linked panes, on a page of its own."""

import io
import json

import numpy as np
import pytest
from browser_examples import running_app, running_browser, wait_until_sharp
from PIL import Image
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PHOTO_SIZE, MARK_XY = (3000, 2000), (1815, 615)  # of tests/apps/viewer_app.py


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running_app(tmp_path_factory.mktemp("home"), "tests/apps/viewer_app.py") as address:
        yield address


@pytest.fixture(scope="module")
def context():
    """A browser with mouse and touch screen."""
    with running_browser(viewport={"width": 1200, "height": 900}, has_touch=True) as tabs:
        yield tabs


@pytest.fixture
def open_viewer(context, address):
    """Open the viewer in a mode, in a session of its own; no script may fail in it."""
    page, faults = context.new_page(), []
    page.on("pageerror", lambda fault: faults.append(str(fault)))

    def open_page(mode):
        page.goto(f"{address}/?mode={mode}")
        wait_until_sharp(page)
        return page

    yield open_page
    page.close()
    assert faults == []


def view_of(page):
    return json.loads(page.locator(".viewer").get_attribute("data-view"))


def corner_of(page):
    box = page.locator("canvas.picture").bounding_box()
    return box["x"], box["y"], box["width"], box["height"]


def wait_for_change(page, before):
    """Wait until the view is another one and is sharp; return it."""
    page.wait_for_function(
        "before => { for (const host of document.querySelectorAll('[data-testid=stBidiComponentIsolated]')) {"
        " const viewer = host.shadowRoot.querySelector('.viewer');"
        " return viewer.dataset.view !== JSON.stringify(before) && 'sharp' in viewer.dataset; } }",
        arg=before,
    )
    return view_of(page)


def red_marks(page):
    """Middle of the red mark in each half of the picture, in CSS pixels of the canvas; None where there is none."""
    left, top, width, height = corner_of(page)
    shot = page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})
    pixels = np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)
    red = (pixels[:, :, 0] > 180) & (pixels[:, :, 1:].max(axis=2) < 100)
    middles = []
    for half in (slice(0, int(width) // 2), slice(int(width) // 2, None)):
        rows, columns = np.nonzero(red[:, half])
        middles.append((columns.mean() + half.start + 0.5, rows.mean() + 0.5) if rows.size else None)
    return middles


def last_click(page):
    """What the page has written about the last click, once it has."""
    marker = page.get_by_text('"click": [')
    expect(marker).to_be_visible()
    return json.loads(marker.inner_text())


def test_the_wheel_zooms_about_the_pointer_and_a_drag_pans(open_viewer):
    page = open_viewer("single")
    left, top, width, _ = corner_of(page)
    fit = view_of(page)
    assert fit == pytest.approx({"x": 1500, "y": 1000, "scale": width / 3000}, rel=1e-3)
    mark_x, mark_y = red_marks(page)[1]
    page.mouse.move(left + mark_x, top + mark_y)
    page.mouse.wheel(0, -400)
    page.mouse.wheel(0, -400)
    near = wait_for_change(page, fit)
    assert near["scale"] == pytest.approx(fit["scale"] * np.exp(2 * 0.72), rel=1e-6)
    assert red_marks(page)[1] == pytest.approx((mark_x, mark_y), abs=2)

    page.mouse.down()
    page.mouse.move(left + mark_x - 60, top + mark_y - 5, steps=3)
    page.mouse.move(left + mark_x - 100, top + mark_y + 40, steps=3)
    page.mouse.up()
    moved = wait_for_change(page, near)
    assert (moved["x"] - near["x"], moved["y"] - near["y"]) == pytest.approx((100 / near["scale"], -40 / near["scale"]), abs=1e-6)
    assert '"click": null, "page_runs": 1' in page.get_by_text("ready").inner_text()


def test_a_click_names_the_photo_point_and_what_lies_there(open_viewer):
    page = open_viewer("single")
    left, top, width, height = corner_of(page)
    page.get_by_role("button", name="Show the mark").click()
    near = wait_for_change(page, view_of(page))
    assert (near["x"], near["y"]) == MARK_XY
    page.get_by_role("button", name="Zoom out").click()
    view = wait_for_change(page, near)
    scale = view["scale"]
    assert scale == pytest.approx(16 / 1.4)
    assert red_marks(page)[0] is not None
    page.mouse.click(left + width / 2 + 14 * scale, top + height / 2 - 10 * scale)
    assert last_click(page)["click"] == pytest.approx([MARK_XY[0] + 14, MARK_XY[1] - 10, 0], abs=1 / scale)
    expect(page.locator(".answer")).to_have_text(f"Tessera {605 // 50 * 60 + 1829 // 50 + 1}")
    page.get_by_role("button", name="Show the whole photo").click()
    fitted = wait_for_change(page, view)
    assert fitted["scale"] == pytest.approx(width / PHOTO_SIZE[0], rel=1e-3)


def test_keys_zoom_move_ask_and_fit(open_viewer):
    page = open_viewer("single")
    stage = page.get_by_role("application", name="Baseline")
    expect(page.get_by_role("img", name="Squares and a mark")).to_be_visible()
    stage.focus()
    fit = view_of(page)
    for key in ("+", "+", "ArrowRight", "ArrowUp", "-"):
        stage.press(key)
    there = wait_for_change(page, fit)
    assert there["scale"] == pytest.approx(1.4 * fit["scale"])
    assert (there["x"] > 1500, there["y"] < 1000) == (True, True)
    stage.press("Enter")
    assert last_click(page)["click"] == pytest.approx([there["x"], there["y"], 0])
    stage.press("0")
    assert wait_for_change(page, there) == fit


def test_the_divider_moves_by_hand_and_by_keys(open_viewer):
    page = open_viewer("swipe")
    left, top, width, height = corner_of(page)
    divider = page.get_by_role("slider", name="Divider between Baseline and Fine-tuned")
    assert divider.get_attribute("aria-valuenow") == "50"
    grip = divider.bounding_box()
    assert grip["width"] == 44
    page.mouse.move(left + width / 2, top + height / 2)
    page.mouse.down()
    page.mouse.move(left + width * 0.8, top + height / 2, steps=3)
    page.mouse.up()
    expect(divider).to_have_attribute("aria-valuenow", "80")
    assert divider.bounding_box()["x"] + 22 == pytest.approx(left + width * 0.8, abs=1.5)
    for key in ("ArrowLeft", "Shift+ArrowLeft"):
        divider.press(key)
    expect(divider).to_have_attribute("aria-valuenow", "68")
    divider.press("End")
    expect(divider).to_have_attribute("aria-valuetext", "100 % Baseline")
    divider.press("Home")
    page.mouse.click(left + 60, top + height / 2)
    assert last_click(page)["click"][2] == 1
    assert view_of(page)["scale"] == pytest.approx(width / PHOTO_SIZE[0], rel=1e-3)


def test_two_panes_share_zoom_and_place(open_viewer):
    page = open_viewer("side")
    left, top, width, height = corner_of(page)
    half = (width - 4) / 2
    page.get_by_role("button", name="Show the mark").click()
    near = wait_for_change(page, view_of(page))
    for _ in range(3):
        page.get_by_role("button", name="Zoom out").click()
    view = wait_for_change(page, near)
    assert red_marks(page) == [pytest.approx((half / 2 + shift, height / 2), abs=2) for shift in (0, half + 4)]
    page.mouse.move(left + half * 1.5 + 44, top + height / 2 + 40)
    page.mouse.wheel(0, 300)
    wait_for_change(page, view)
    first, second = red_marks(page)
    assert first[0] > half / 2 + 5
    assert (second[0] - first[0], second[1] - first[1]) == pytest.approx((half + 4, 0), abs=1.5)
    page.mouse.click(left + second[0], top + second[1])
    assert last_click(page)["click"] == pytest.approx([*MARK_XY, 1], abs=1)


def test_two_fingers_zoom_and_one_taps(open_viewer):
    page = open_viewer("single")
    left, top, width, height = corner_of(page)
    fit = view_of(page)
    fingers = page.context.new_cdp_session(page)
    middle = left + width / 2, top + height / 2

    def touch(kind, *offsets):
        points = [{"x": middle[0] + dx, "y": middle[1], "id": number} for number, dx in enumerate(offsets)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -40)
    touch("touchStart", -40, 40)
    for apart in (50, 60, 70, 80):
        touch("touchMove", -apart, apart)
    touch("touchEnd")
    near = wait_for_change(page, fit)
    assert near == pytest.approx({"x": 1500, "y": 1000, "scale": 2 * fit["scale"]}, rel=0.02)
    page.touchscreen.tap(middle[0] + 50, middle[1])
    assert last_click(page)["click"] == pytest.approx([near["x"] + 50 / near["scale"], near["y"], 0], abs=2)
