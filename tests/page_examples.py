"""Pages run without a browser: opening them, pressing buttons, reading what they say."""

import sys
from functools import cache

from conftest import PATIENCE_S, PROJECT_DIR
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

# Each page that is opened looks through all installed packages for components, which takes longer than anything that the page does.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


def page(name):
    """A page by the name of its file, not run yet."""
    return AppTest.from_file(str(PROJECT_DIR / "pages" / f"{name}.py"), default_timeout=PATIENCE_S)


def open_page(name, /, **query):
    """A page that was opened with an address."""
    app = page(name)
    app.query_params.update(query)
    return run(app)


def run(app):
    """Run a page; what it leaves behind as the main module would be run again by every process that a later test starts."""
    main = sys.modules["__main__"]
    try:
        app.run()
    finally:
        sys.modules["__main__"] = main
    assert not app.exception
    return app


def press(app, label):
    button(app, label).click()
    return run(app)


def button(app, label):
    return next(button for button in app.button if button.label == label)


def box(app, label):
    return next(box for box in app.selectbox if box.label == label)


def as_read(element):
    """The text of an element as its reader sees it, without the signs that keep it from being taken for Markdown."""
    return element.value.replace("\\", "")


def texts(*kinds):
    return " ".join(as_read(element) for kind in kinds for element in kind)
