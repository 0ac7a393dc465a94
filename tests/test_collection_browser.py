"""The pages Mosaics and Models in a real browser: photos are added at once, found by search, opened, and there again after a reload."""

import re

import pytest
from browser_examples import keep_picture, size_px, wait_until_sharp
from conftest import save_mosaic
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
pytest_plugins = "browser_fixtures"

SEEDS = {"courtyard": 3, "threshold": 8, "portico": 12, "apse": 17}


def test_photos_are_added_found_opened_and_there_after_a_reload(open_tab, address, tmp_path):
    page = open_tab()
    page.goto(f"{address}/mosaics")
    expect(page.get_by_text("The collection is empty")).to_be_visible()
    photos = [save_mosaic(tmp_path / f"{name}.png", seed, size_px(240, 640), 30.0) for name, seed in SEEDS.items()]
    page.locator("input[type=file]").set_input_files(photos)
    expect(page.get_by_text("4 photos added")).to_be_visible()
    expect(page.get_by_alt_text("Thumbnail of")).to_have_count(4)

    keep_picture(page, "mosaics")

    page.get_by_placeholder("Title, site").fill("thresh")
    page.get_by_placeholder("Title, site").press("Enter")
    expect(page.get_by_text("1 mosaic found")).to_be_visible()
    expect(page.get_by_alt_text("Thumbnail of")).to_have_count(1)
    page.get_by_role("button", name="threshold.png", exact=True).click()
    expect(page).to_have_url(re.compile(r"mosaic=[0-9a-f]{64}"))
    wait_until_sharp(page)

    page.get_by_label("Title").fill("Threshold of room 4")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Threshold of room 4")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Threshold of room 4")).to_be_visible()

    page.get_by_text("Two clicks on a scale bar").click()
    expect(page.get_by_text("Click on one end of the scale bar")).to_be_visible()
    wait_until_sharp(page)
    page.locator("canvas.picture").click(position={"x": 200, "y": 200})
    expect(page.get_by_text("Now click on its other end.")).to_be_visible()
    page.locator("canvas.picture").click(position={"x": 300, "y": 200})
    expect(page.get_by_text("pixels apart")).to_be_visible()
    page.get_by_label("Length between the two points").fill("10")
    page.get_by_label("Length between the two points").press("Enter")
    expect(page.get_by_role("button", name="Use this scale")).to_be_enabled()
    keep_picture(page, "mosaic")
    page.get_by_role("button", name="Use this scale").click()
    expect(page.get_by_text("mm per pixel; the photo shows")).to_be_visible()
    families = page.evaluate("[...document.fonts].filter(face => face.status === 'loaded').map(face => face.family.replaceAll('\"', ''))")
    assert {"Source Sans 3", "Source Serif 4"} <= set(families)


def test_the_models_page_tells_of_the_embedded_model(open_tab, address):
    page = open_tab()
    page.goto(f"{address}/models")
    expect(page.get_by_role("heading", name="tesserae_mini")).to_be_visible()
    expect(page.get_by_text("The default").first).to_be_visible()
    keep_picture(page, "models")
