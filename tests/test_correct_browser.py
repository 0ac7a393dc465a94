"""Correcting in a real browser with the mouse: every kind of stroke, undo and redo, a reload, and two people on one mosaic."""

import io
from functools import partial

import correct_visitor
import numpy as np
import pytest
from browser_examples import keep_picture, size_px
from correct_visitor import CANVAS
from PIL import Image
from playwright.sync_api import expect
from store_examples import provenance

from tesserae.correcting import open_desk
from tesserae.labelmap import interior_points
from tesserae.settings import Settings
from tesserae.store import open_store
from tesserae.store.annotations import list_annotations
from tesserae.store.drafts import open_draft
from tesserae.store.photos import PhotoFacts, add_photo
from tesserae.store.segmentations import Scores, add_segmentation
from tesserae.synthetic import render_mosaic

pytestmark = pytest.mark.browser
pytest_plugins = "browser_fixtures"

PITCH_PX, JOINT_PX, ROWS = 60, 16, 5


@pytest.fixture
def store(home):
    with open_store(Settings(home=home, database_url=None)) as store:
        yield store


def squares(level):
    """Photo (300, 300, 3) and label map of five by five squares, numbered row by row from 1; another photo for each level."""
    size = ROWS * PITCH_PX
    cell = np.arange(size) // PITCH_PX
    inside = (np.arange(size) % PITCH_PX >= JOINT_PX // 2) & (np.arange(size) % PITCH_PX < PITCH_PX - JOINT_PX // 2)
    labels = np.where(inside[:, None] & inside, 1 + cell[:, None] * ROWS + cell, 0).astype(np.int32)
    shade = np.random.default_rng(3).integers(120, 220, (ROWS * ROWS + 1, 3))
    shade[0] = level
    return shade[labels].astype(np.uint8), labels


@pytest.fixture
def draft(store, request):
    """A draft of a photo of squares."""
    return begin_draft(store, *squares(level=20 + len(request.node.name) % 40))


def begin_draft(store, picture, labels):
    """A draft of a new photo that begins with a label map, as if a model had made it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    photo = add_photo(store, file.getvalue(), "floor.png", PhotoFacts(*picture.shape[1::-1], "PNG", 8, "RGB", 1, None, ()))
    return open_draft(store, add_segmentation(store, photo.id, labels, Scores(), provenance()), "")


Visitor = partial(correct_visitor.Visitor, labels=squares(20)[1])


def around(x0, y0, x1, y1):
    """A closed stroke around a box."""
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0 + 2)


def middle(label):
    """The middle of a square."""
    return ((label - 1) % ROWS + 0.5) * PITCH_PX, ((label - 1) // ROWS + 0.5) * PITCH_PX


def test_strokes_undo_redo_and_a_reload(open_tab, address, store, draft):
    visitor = Visitor(open_tab(), address, draft, "Anna")
    visitor.expect_count(25)
    visitor.page.locator(CANVAS).hover()
    for name in ("Undo", "Reset canvas"):  # the canvas' own, which know nothing of the corrections
        expect(visitor.page.locator(".dc-toolbar").get_by_role("button", name=name)).not_to_be_in_viewport()
    for place in (CANVAS, "[data-testid=stMetricValue]"):
        expect(visitor.page.locator(place)).to_be_in_viewport(ratio=1)
    strokes = (  # a point, a free stroke, a line, a box, a brush
        ("Remove", "Delete one", [middle(1)], 24),
        ("Add", "Draw an outline", around(10, 10, 50, 50), 25),
        ("Join and cut", "Cut", [(90, 62), (90, 118)], 26),
        ("Remove", "Delete in a box", [(184, 184), (296, 236)], 24),
        ("Brush", "Erase", [(62, 270), (118, 270)], 25),
    )
    for group, title, points, count in strokes:
        visitor.take(group, title)
        visitor.draw(*points)
        visitor.expect_count(count)
    for count in (24, 26):
        visitor.press("Undo")
        visitor.expect_count(count)
    visitor.press("Redo")
    visitor.expect_count(24)

    visitor.reload()
    visitor.expect_count(24)
    visitor.take("Remove", "Delete one")
    visitor.draw(middle(25))
    visitor.expect_count(23)
    stored = open_desk(store, draft.id)
    assert stored.map.count == 23
    assert {logged.entry.author for logged in stored.log} == {"Anna"}


def test_two_people_on_one_mosaic(open_tab, address, store, draft):
    anna = Visitor(open_tab(), address, draft, "Anna")
    place = anna.canvas_box()
    berta = Visitor(open_tab(), address, draft, "Berta")
    expect(berta.page.get_by_text("Anna also has this mosaic open")).to_be_visible()
    expect(anna.page.get_by_text("Berta also has this mosaic open")).to_be_visible()
    assert anna.canvas_box() == place  # it must not move under a stroke
    for visitor in (anna, berta):
        visitor.take("Remove", "Delete one")
    anna.draw(middle(1))
    anna.expect_count(24)
    berta.draw(middle(25))
    berta.expect_count(23)
    anna.take("Brush", "Erase")
    berta.draw(middle(8))
    berta.expect_count(22)
    anna.draw(middle(8), middle(9))
    expect(anna.page.get_by_text("Berta changed this place meanwhile")).to_be_visible()
    anna.expect_count(22)
    assert open_desk(store, draft.id).map.count == 22


def test_a_region_is_approved(open_tab, address, store, draft):
    anna = Visitor(open_tab(), address, draft, "Anna")
    anna.take("Regions", "Approve")
    anna.draw(*around(2, 2, 118, 118))
    expect(anna.page.get_by_text("Done: ")).to_be_visible()
    approved = list_annotations(store, draft.photo_id)
    assert [(each.author, each.count, each.revision) for each in approved] == [("Anna", 4, 1)]
    assert approved[0].region_xy is not None


def test_the_model_outlines_a_missed_stone_that_is_clicked(open_tab, address, store):
    mosaic = render_mosaic(7, size_px(300, 900), 30.0)
    points = interior_points(mosaic.labels)
    missed = np.abs(points.points_xy - np.array(mosaic.labels.shape) / 2).sum(1).argmin()
    truth = mosaic.labels == points.labels[missed]
    labels = np.where(truth, 0, mosaic.labels).astype(np.int32)
    draft = begin_draft(store, mosaic.image, labels)
    visitor = Visitor(open_tab(), address, draft, "Anna", labels=labels)
    visitor.take("Add", "Click a stone")
    visitor.draw(points.points_xy[missed] + 0.5)
    expect(visitor.page.get_by_text("the stone in yellow")).to_be_visible()
    visitor.expect_canvas()
    keep_picture(visitor.page, "correct")
    visitor.press("Take it")
    visitor.expect_count(len(points.labels))
    added = open_desk(store, draft.id).map.labels == int(mosaic.labels.max()) + 1
    assert (added & truth).sum() / (added | truth).sum() > 0.6
