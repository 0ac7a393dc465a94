"""From a correction to a new model in a real browser: correct and approve, learn, watch, compare with the baseline, roll back."""

import io
import re
import shutil
from datetime import date

import numpy as np
import pytest
from browser_examples import PATIENCE_MS, for_docs, keep_picture, size_px
from correct_visitor import Visitor
from dataset_examples import add_picture
from jobs_examples import worker_process
from PIL import Image
from playwright.sync_api import expect
from short_lessons import WORKER
from store_examples import provenance

from tesserae.activation import activate, active_name
from tesserae.checkpoints import EMBEDDED_NAME
from tesserae.labelmap import count_tesserae, interior_points
from tesserae.settings import PROJECT_DIR, Settings
from tesserae.store import open_store
from tesserae.store.annotations import latest_annotation
from tesserae.store.drafts import open_draft
from tesserae.store.segmentations import Scores, add_segmentation
from tesserae.synthetic import render_mosaic
from tesserae.ui.learn.begin import usual_name

pytestmark = pytest.mark.browser
pytest_plugins = "browser_fixtures"

EPOCHS = 4 if for_docs() else 2
TALL = {"width": 1280, "height": 1500}  # the card of a run with its curves and pictures


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of an empty collection; page and worker take their models from a folder of their own."""
    weights = tmp_path_factory.mktemp("weights")
    for path in (PROJECT_DIR / "weights").glob(f"{EMBEDDED_NAME}.*"):
        shutil.copy(path, weights)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESSERAE_WEIGHTS", str(weights))
        yield tmp_path_factory.mktemp("home")


@pytest.fixture
def settings(home):
    return Settings(home=home, database_url=None)


@pytest.fixture
def store(settings):
    with open_store(settings) as store:
        yield store


@pytest.fixture
def mosaic():
    return render_mosaic(41, size_px(200, 320), 22.0)


@pytest.fixture
def spot(mosaic):
    """Whole pixels (x, y) inside the tessera nearest to the middle, where the page begins."""
    points_xy = interior_points(mosaic.labels).points_xy
    nearest = np.abs(points_xy - np.array(mosaic.labels.shape) / 2).sum(1).argmin()
    return points_xy[nearest].astype(int)


@pytest.fixture
def draft(store, mosaic, spot):
    """All is outlined as it is, and a square in the middle of a tessera that is no stone of its own."""
    x, y = spot
    labels = mosaic.labels.copy()
    labels[y - 2 : y + 3, x - 2 : x + 3] = labels.max() + 1
    stream = io.BytesIO()
    Image.fromarray(mosaic.image).save(stream, format="PNG")
    photo = add_picture(store, stream.getvalue(), "nave.png")
    return open_draft(store, add_segmentation(store, photo.id, labels, Scores(), provenance()), "")


def correct_and_approve(visitor, spot, count):
    """Delete what is no stone, with the mouse, and approve the rest."""
    visitor.take("Remove", "Delete one")
    visitor.draw(spot + 0.5)
    visitor.expect_count(count)
    visitor.page.get_by_test_id("stButtonGroup").get_by_text("Approve", exact=True).last.click()
    visitor.page.get_by_role("button", name="Approve the whole mosaic").click()
    visitor.page.get_by_role("button", name="Approve it").click()
    expect(visitor.page.get_by_text("Revision 1: ")).to_be_visible()


def curve_points(page):
    """Points of the curves of what is checked; none while they are not drawn."""
    return page.locator(".js-plotly-plot").last.locator(".scatterlayer .points path")


def test_a_correction_is_learned_from_and_the_new_model_compared_and_rolled_back(open_tab, address, settings, store, draft, mosaic, spot):
    page = open_tab()
    correct_and_approve(Visitor(page, address, draft, "Anna", mosaic.labels), spot, count_tesserae(mosaic.labels))
    assert latest_annotation(store, draft.photo_id).author == "Anna"

    page.goto(f"{address}/learn")
    name = usual_name(settings, date.today())
    page.get_by_text("Choices").click()
    rounds = page.get_by_test_id("stNumberInputField")
    rounds.fill(str(EPOCHS))
    rounds.press("Enter")
    page.get_by_role("button", name="Learn from my corrections").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    with worker_process(settings, "-c", WORKER):
        expect(curve_points(page).nth(3)).to_be_attached()  # the base at least; the rounds may be quicker than the page looks
        expect(page.get_by_text("Trained on 1 mosaic, ")).to_be_visible(timeout=EPOCHS * PATIENCE_MS)
        expect(curve_points(page)).to_have_count(4 * (EPOCHS + 1))
        expect(page.get_by_role("table")).to_be_visible()
        page.set_viewport_size(TALL)
        page.get_by_role("heading", name="What was learned before").evaluate("heading => heading.scrollIntoView()")
        keep_picture(page, "learn")

        activate(settings, name)
        page.get_by_role("link", name="Compare with the baseline").click()
        expect(page).to_have_url(re.compile(f"/compare\\?.*model_b={name}"))
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.get_by_test_id("stMetricValue")).to_have_count(4)
    expect(page.get_by_text("approved by Anna on")).to_be_visible()
    expect(page.get_by_text("served in training").first).to_be_visible()

    page.get_by_role("link", name="Learn").click()
    page.get_by_role("button", name=f"Roll back to {EMBEDDED_NAME}").click()
    expect(page.get_by_role("button", name="Make it the default")).to_be_visible()
    assert active_name(settings) == EMBEDDED_NAME
