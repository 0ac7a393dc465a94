"""A visitor of the page that corrects, in a real browser with the mouse."""

import re
import time

from browser_examples import RESTING
from conftest import PATIENCE_S
from playwright.sync_api import expect

from tesserae.measure import median_side_px
from tesserae.ui.correct.tools import TOOLS
from tesserae.ui.correct.view import View

CANVAS = "canvas.upper-canvas:visible"  # one that was drawn on before may stay, hidden
SHEET = f"[class*=st-key-canvas-]:has({CANVAS})"  # what holds it; its name says draft, tool, number of strokes and view
CALM_LOOKS = 3
TOOL = {tool.title: tool for tool in TOOLS}
WINDOW = {"width": 1366, "height": 650}  # of a small laptop: tools, canvas and count are seen together


class Visitor:
    """A visitor of the page: takes tools, draws in photo pixels, reads the count."""

    def __init__(self, page, address, draft, name, labels):
        self.page, self.tool, self.left = page, None, None
        page.set_viewport_size(WINDOW)
        self.view = View.first_look(labels.shape[::-1], median_side_px(labels))
        page.goto(f"{address}/correct?mosaic={draft.photo_id}&draft={draft.id}&name={name}")
        self.expect_canvas()

    def reload(self):
        """Load the page anew: it begins with the tool that it chooses itself."""
        self.page.reload()
        self.tool = self.left = None

    def expect_canvas(self):
        """Wait until one canvas stands still, meant for the tool in hand, and another one than that which was drawn on.

        On a busy machine the old canvas stays on the screen for half a second after the page has come to rest.
        """
        deadline, calm = time.monotonic() + PATIENCE_S, 0
        while calm < CALM_LOOKS:
            self.page.wait_for_timeout(150)
            sheets, resting = self.sheets(), self.page.locator(RESTING).count() == 1
            calm = calm + 1 if resting and len(sheets) == 1 and self.is_new(sheets[0]) else 0
            assert time.monotonic() < deadline, f"The canvas does not come to rest: {sheets}, page at rest {resting}, left {self.left}."

    def sheets(self):
        """Names of the canvases that are seen."""
        names = self.page.locator(SHEET).evaluate_all("found => found.map(each => each.className)")
        return [re.search("st-key-canvas-([^ ]+)", name)[1] for name in names]

    def is_new(self, sheet):
        """Whether a canvas is for the tool in hand, and not the one that was left."""
        return sheet != self.left and (self.tool is None or re.match(rf"[0-9a-f]+-{self.tool.replace(' ', '-')}-\d", sheet))

    def leave(self):
        """What is done now brings a new canvas."""
        (self.left,) = self.sheets()

    def canvas_box(self):
        """Where the canvas is on the page: x, y, width and height in CSS pixels."""
        return self.page.locator(CANVAS).bounding_box()

    def expect_count(self, count):
        expect(self.page.get_by_test_id("stMetricValue")).to_have_text(str(count))
        self.expect_canvas()

    def take(self, group, title):
        for row, name in (("Tools", group), ("Tool", title)):
            self.page.get_by_role("radiogroup", name=row, exact=True).get_by_role("radio", name=name, exact=True).click()
        self.tool = TOOL[title].name
        expect(self.page.get_by_text(TOOL[title].help, exact=True)).to_be_visible()
        self.expect_canvas()

    def draw(self, *points_xy):
        """A stroke from point to point; a single point is a click."""
        self.leave()
        canvas = self.canvas_box()
        x0, y0, _, _ = self.view.box_xyxy
        places = [(canvas["x"] + (x - x0) * self.view.zoom, canvas["y"] + (y - y0) * self.view.zoom) for x, y in points_xy]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()

    def press(self, name):
        """Press a button that changes the draft or the proposal."""
        self.leave()
        self.page.get_by_test_id("stButton").get_by_role("button", name=name).click()
