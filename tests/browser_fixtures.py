"""A page with an empty collection, a worker for it, and tabs of a real browser, for each test module that asks for them.

A test module takes part with `pytest_plugins = "browser_fixtures"`.
"""

import pytest
from browser_examples import leaves, running_app, running_browser, running_worker

WINDOW = {"width": 1280, "height": 1000}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Folder of an empty collection."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def address(home):
    """Address of a page of the test's own."""
    with running_app(home) as address:
        yield address


@pytest.fixture(scope="module")
def worker(home, address):
    """A worker for that page's collection."""
    with running_worker(home) as worker:
        yield worker


@pytest.fixture(scope="module")
def browsing():
    """A real browser."""
    with running_browser(viewport=WINDOW) as tabs:
        yield tabs


@pytest.fixture
def open_tab(browsing, address):
    """Open tabs, each with a session of its own; no script may fail in them, and nothing may be asked of another address."""
    faults, elsewhere = [], []

    def open_tab():
        page = browsing.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.on("request", lambda request: elsewhere.append(request.url) if leaves(request.url, address) else None)
        return page

    yield open_tab
    for page in browsing.pages:
        page.close()
    assert (faults, elsewhere) == ([], [])
