"""The page that counts in a real browser, with a real worker: the count is that of the command line, and a closed tab loses nothing."""

import json

import pytest
from browser_examples import for_docs, give_photo, keep_picture, open_photo, wait_until_sharp
from conftest import save_mosaic
from jobs_examples import wait_until
from playwright.sync_api import expect

from tesserae.cli import main
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import list_jobs
from tesserae.store.photos import list_photos

pytestmark = pytest.mark.browser
pytest_plugins = "browser_fixtures"


def press_count(page):
    page.get_by_role("button", name="Count the tesserae").click()


def count_on(page):
    """The count, once it is there."""
    count = page.get_by_test_id("stMetricValue").first
    expect(count).to_be_visible()
    return int(count.inner_text())


def jobs_of(home):
    with open_store(Settings(home=home, database_url=None)) as store:
        return list_jobs(store)


def test_an_uploaded_photo_is_counted_as_on_the_command_line(open_tab, address, home, worker, tmp_path):
    floor = save_mosaic(tmp_path / "floor.png", 24, 200)
    page = open_tab()
    open_photo(page, address, floor)
    press_count(page)
    count = count_on(page)
    expect(page.get_by_text("Outlines", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table (CSV)").click()
    table = download.value.path().read_bytes()

    assert main(["segment", str(floor), "--out", str(tmp_path)]) == 0
    record = json.loads((tmp_path / "floor" / "result.json").read_text(encoding="utf-8"))
    assert count == record["count"] > 30
    assert table == (tmp_path / "floor" / "tesserae.csv").read_bytes()
    page.reload()
    assert count_on(page) == count
    press_count(page)
    expect(page.get_by_text("This was counted before")).to_be_visible()
    assert [job.state for job in jobs_of(home)] == ["done"]


def test_a_closed_tab_loses_nothing_and_two_sessions_do_not_mix(open_tab, address, home, worker, tmp_path):
    before = len(jobs_of(home))
    paths = [save_mosaic(tmp_path / "east.png", 31, 128), save_mosaic(tmp_path / "west.png", 32, 128)]
    pages = [open_tab(), open_tab()]
    for page, path in zip(pages, paths, strict=True):
        open_photo(page, address, path)
        press_count(page)
    wait_until(lambda: len(jobs_of(home)) == before + 2)
    address_of_east = pages[0].url
    pages[0].close()
    pages[1].reload()
    counts = {"west.png": count_on(pages[1])}
    again = open_tab()
    again.goto(address_of_east)
    counts["east.png"] = count_on(again)
    expect(again.get_by_text("east.png, 128 x 128 pixels.")).to_be_visible()

    jobs = jobs_of(home)
    with open_store(Settings(home=home, database_url=None)) as store:
        names = {photo.id: photo.name for photo in list_photos(store)}
    found = {names[job.arguments["photo_id"]]: job.result["counts"] for job in jobs[: len(jobs) - before]}
    assert found == {name: [count] for name, count in counts.items()}


def test_the_sample_is_opened(open_tab, address, worker, tmp_path):
    page = open_tab()
    wall = open_photo(page, address, save_mosaic(tmp_path / "wall.png", 33, 128))
    page.goto(f"{address}?mosaic={wall}")
    page.get_by_role("button", name="Open the sample").click()  # at once: the page is still being drawn and the viewer asks for its view
    page.get_by_text("Fast", exact=True).click()  # sent with the address of the wall
    expect(page.get_by_text("sample.png, 1024 x 1024 pixels.")).to_be_visible()
    expect(page.get_by_text("was not counted yet")).to_be_visible()
    wait_until_sharp(page)
    if for_docs():  # counting it takes a minute, and shows nothing that the smaller photos above do not
        press_count(page)
        assert count_on(page) > 500
        wait_until_sharp(page)
    keep_picture(page, "count")


def test_the_browsers_own_buttons_go_back_and_forward(open_tab, address, tmp_path):
    page = open_tab()
    open_photo(page, address, save_mosaic(tmp_path / "north.png", 34, 128))
    give_photo(page, save_mosaic(tmp_path / "south.png", 35, 128))
    page.go_back()
    expect(page.get_by_text("north.png, 128 x 128 pixels.")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("south.png, 128 x 128 pixels.")).to_be_visible()
