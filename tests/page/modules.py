"""The playground's modules without its page, in a real browser's JavaScript."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

import gptcli.serving
from tests.browser import Visit

MODULES = Path(gptcli.serving.__file__).parent / "page" / "js"
ORIGIN = "http://127.0.0.1:9"
"""Nothing listens there: every request is answered by the test."""


@pytest.fixture
def module_page(visit: Visit) -> Page:
    """Return an empty page beside which the modules lie."""

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(f"{ORIGIN}/")
        body, kind = ((MODULES / name).read_text("utf-8"), "text/javascript") if name else ("", "text/html")
        route.fulfill(body=body, content_type=kind)

    visit.page.route(f"{ORIGIN}/**", answer)
    visit.page.goto(f"{ORIGIN}/")
    return visit.page


def run(page: Page, body: str, given: Any = None) -> Any:
    """Return what a function's body returns for `given`; `load(name)` is a module."""
    return page.evaluate(f"async (given) => {{ const load = (name) => import(`./${{name}}.js`); {body} }}", given)
