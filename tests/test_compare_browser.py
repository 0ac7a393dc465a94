"""Comparing in a real browser, with a real worker: one job for both sides, and neither a reload nor a closed tab disturbs it."""

import re

import pytest
from browser_examples import keep_picture, running_worker, size_px, wait_until_sharp
from conftest import save_mosaic
from jobs_examples import wait_until
from playwright.sync_api import expect

from tesserae.photo import read_photo
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.jobs import list_jobs
from tesserae.store.photos import add_photo, facts_of
from tesserae.store.segmentations import list_segmentations

pytestmark = pytest.mark.browser
pytest_plugins = "browser_fixtures"


@pytest.fixture
def store(home):
    with open_store(Settings(home=home, database_url=None)) as store:
        yield store


def ask_for_comparison(page, address, store, path):
    """Have the two ways of the embedded model compared on a photo of the collection, and return its id."""
    photo_id = add_photo(store, path, path.name, facts_of(read_photo(path, max_pixels=Settings().max_pixels))).id
    page.goto(f"{address}/compare?mosaic={photo_id}&model_a=tesserae_mini&model_b=tesserae_mini&way_b=Fast")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    return photo_id


def counts_on(page):
    """What A and B found, once it is there."""
    metrics = page.get_by_test_id("stMetricValue")
    expect(metrics).to_have_count(4)
    return [int(metrics.nth(k).inner_text().replace(",", "")) for k in range(2)]


def test_two_ways_are_compared_once_whatever_becomes_of_the_tabs(open_tab, address, home, store, tmp_path):
    photos = [save_mosaic(tmp_path / "nave.png", 41, size_px(128, 900)), save_mosaic(tmp_path / "aisle.png", 42, 160)]
    nave, aisle = open_tab(), open_tab()
    nave_id = ask_for_comparison(nave, address, store, photos[0])
    nave.reload()
    expect(nave.get_by_role("button", name="Compare", exact=True)).to_be_disabled()
    expect(nave.get_by_text("does not seem to run")).to_be_visible()
    address_of_nave = nave.url
    aisle_id = ask_for_comparison(aisle, address, store, photos[1])
    with running_worker(home):
        wait_until(lambda: list_jobs(store, states=("running",)))
        nave.close()
        again = open_tab()
        again.goto(address_of_nave)
        shown = {nave_id: counts_on(again), aisle_id: counts_on(aisle)}
    jobs = list_jobs(store)
    assert {job.arguments["photo_id"]: job.result["counts"] for job in jobs} == shown
    assert [(job.state, job.attempts) for job in jobs] == [("done", 1)] * 2
    assert [len(list_segmentations(store, photo_id)) for photo_id in shown] == [2, 2]
    assert shown[nave_id] != shown[aisle_id]

    wait_until_sharp(again)
    keep_picture(again, "compare")
    again.get_by_test_id("stButtonGroup").get_by_text("Differences", exact=True).click()
    expect(again.locator(".viewer .caption").first).to_have_text("Differences")
    expect(again.get_by_role("img", name=re.compile("nave.png with what"))).to_be_visible()
    wait_until_sharp(again)
    keep_picture(again, "differences")
