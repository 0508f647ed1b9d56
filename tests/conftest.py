"""How Hypothesis behaves in this project's tests, and the browser that those of the page share."""

import os
import shutil

import pytest
from browser import LAYER, Pages
from hypothesis import HealthCheck, settings

settings.register_profile(
    "refconv",
    deadline=None,  # a kernel's first call compiles it
    derandomize="CI" in os.environ,  # the same examples on every run there
    print_blob=True,  # a failure ends with the line that reproduces it
    suppress_health_check=[HealthCheck.too_slow],  # the same first call
)
settings.load_profile("refconv")


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The one Chromium, started by the first test that opens a page."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium")
    if chromium is None:
        # A browser is nothing that pip installs; CI has it, and fails where this is skipped.
        pytest.skip("there is no chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        pages = Pages(browser, tmp_path_factory.mktemp("pages"))
        yield pages
        browser.close()
        assert pages.complaints == []


@pytest.fixture
def opened(pages):
    """`Pages.open`, for a test whose pages complain of nothing and ask nothing of the network."""
    yield pages.open
    assert pages.complaints == []


@pytest.fixture(scope="session")
def shared(pages):
    """A tab for the tests of pure arithmetic, which leave it as it is."""
    return pages.open(LAYER, tab=pages.new_tab())


@pytest.fixture
def tab(opened):
    """The page of `LAYER`, as it begins."""
    return opened(LAYER)
