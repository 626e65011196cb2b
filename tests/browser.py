"""A real browser for tests of pages: Debian's chromium, driven by Playwright, with notes of all that went wrong.

Tests in tests/page/ have the fixtures, whose conftest.py imports them. They are skipped, by name, where there is no
chromium; .ci/run installs it.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",  # tests may run as root, and open no page but ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MILLISECONDS = 20_000
"""Longer than any step here takes on a busy machine: a step that would hang fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A tab of a browser without history, and what happened in it."""

    page: Page
    errors: list[str] = field(default_factory=list)
    """Errors of the console and of scripts that nobody caught, in order."""
    requests: list[str] = field(default_factory=list)
    """The address of each request, in order."""

    def requests_outside(self, origin: str) -> list[str]:
        """Return the requests that left the server at this origin (http://127.0.0.1:8000)."""
        inside = (f"{origin}/", "data:", f"blob:{origin}/")
        return [address for address in self.requests if address != origin and not address.startswith(inside)]

    def faults(self) -> list[str]:
        """Return what axe-core finds serious or critical on the page as it is now, a line each."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{fault['id']} ({fault['impact']}): {node['html']}"
            for fault in found
            if fault["impact"] in ("serious", "critical")
            for node in fault["nodes"]
        ]


# Not of the session: while Playwright is there its event loop runs, and no other test could start one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser with a profile of its own; skip where there is none."""
    if CHROMIUM is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MILLISECONDS)
        started = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Return an empty tab of a desktop's size; page.set_viewport_size and page.emulate_media make it another."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    yield watched(context)
    context.close()


def watched(context: BrowserContext) -> Visit:
    """Return a new tab of a browser's context, and note what happens in it from now on."""
    visit = Visit(page=context.new_page())

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.errors.append(f"{message.text} ({message.location.get('url', '')})")

    context.on("console", note)
    context.on("weberror", lambda error: visit.errors.append(str(error.error)))
    context.on("request", lambda request: visit.requests.append(request.url))
    return visit
