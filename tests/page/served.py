"""The playground as a person uses it: the built-in model behind a real server, in a real browser."""

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from playwright.sync_api import Page

from tests.browser import PATIENCE_MILLISECONDS, Visit
from tests.serving.asking import app_of
from tests.serving.live import live

BEGINNING = "Once upon a time there was a little"
READY = "html[data-ready]"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Return the address of a server."""
    with live(app_of("builtin")) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def served(visit: Visit, address: str) -> Iterator[Visit]:
    """Return the page, open and read for the first time; nothing may go wrong in it, and nothing leave the server."""
    opened(visit.page, address)
    yield visit
    assert visit.errors == []
    assert visit.requests_outside(address) == []


def opened(page: Page, address: str) -> None:
    """Open the page, and wait until it is ready."""
    page.goto(address)
    page.wait_for_selector(READY)


def write(page: Page, text: str, **settings: str) -> None:
    """Type a text, and set the numbers of some settings."""
    for name, value in settings.items():
        page.fill(f"#setting-{name.replace('_', '-')}-number", value)
        page.press(f"#setting-{name.replace('_', '-')}-number", "Tab")
    page.fill("#text", text)
    page.wait_for_selector("#next[aria-busy=false]")


def written(page: Page) -> str:
    """Return the text once nothing is being written."""
    page.wait_for_selector("#continue:not([hidden])")
    return page.input_value("#text")


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until something holds, for a while; the page's own policy forbids Playwright's wait_for_function."""
    deadline = monotonic() + PATIENCE_MILLISECONDS / 1000
    while not holds():
        assert monotonic() < deadline, "it does not come to hold"
        page.wait_for_timeout(20)


def forgive(visit: Visit, status: int, address: str) -> None:
    """Wait for the browser's note that this address answered with this status, once, and take it off the errors."""

    def noted() -> list[str]:
        return [error for error in visit.errors if f"a status of {status} " in error and error.endswith(f"({address})")]

    wait_until(visit.page, lambda: noted() != [])
    [note] = noted()
    visit.errors.remove(note)
