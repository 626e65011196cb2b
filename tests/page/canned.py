"""The whole playground in a browser, with a server whose answers are canned: no model, no socket."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

import gptcli.serving
from tests.browser import Visit

FILES = Path(gptcli.serving.__file__).parent / "page"
ORIGIN = "http://127.0.0.1:9"
CONTEXT = 512
MODEL = {"id": "builtin", "kind": "language-model", "context": CONTEXT, "layers": 2, "heads": 2, "vocabulary": 4096}
WRITTEN = " and it was dark"
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@pytest.fixture
def playground(visit: Visit) -> Page:
    """Return a tab in which the page's files and routes are answered; open() shows the page."""
    visit.page.route(f"{ORIGIN}/**", _answer)
    return visit.page


def open_page(page: Page, end: str = "") -> None:
    """Show the page at an address with this end, as to somebody who knows it."""
    page.goto(f"{ORIGIN}/{end}")
    page.wait_for_selector("html[data-ready]")
    if page.is_visible("#hints-close"):
        page.click("#hints-close")


def _answer(route: Route) -> None:
    name = route.request.url.removeprefix(f"{ORIGIN}/").partition("#")[0]
    if name.startswith("page/"):
        route.fulfill(body=(FILES / name[5:]).read_text("utf-8"), content_type=KINDS[Path(name).suffix])
    elif name == "v1/models":
        route.fulfill(json={"object": "list", "data": [MODEL]})
    elif name == "v1/next":
        route.fulfill(json=_next(_body(route)["text"]))
    elif name == "v1/completions":
        _complete(route, _body(route))
    else:
        route.fulfill(body=(FILES / "index.html").read_text("utf-8"), content_type="text/html")


def _body(route: Route) -> dict[str, Any]:
    """Return what was posted."""
    body: dict[str, Any] = json.loads(route.request.post_data or "{}")
    return body


def _next(text: str) -> dict[str, Any]:
    """Return the answer for a text of as many tokens as words."""
    tokens = len(text.split()) or 1
    likely = {"id": 1, "token": " a", "text": " a", "probability": 0.5, "kept_probability": 1.0}
    other = {"id": 2, "token": " dog", "text": " dog", "probability": 0.25, "kept_probability": 0.0}
    read = min(tokens, CONTEXT)
    return {"tokens": read, "dropped": tokens - read, "candidates": [likely, other], "kept": 1, "entropy_bits": 1.0}


def _complete(route: Route, body: dict[str, Any]) -> None:
    """Stream the same words for each alternative, or refuse a length that there is no room for."""
    room = CONTEXT - len(body["prompt"].split()) + 1
    if body["max_tokens"] > room:
        message = f"max_tokens is {body['max_tokens']}, and beside the prompt's tokens there is room for {room}"
        error = {"message": message, "code": "context_length_exceeded"}
        route.fulfill(status=400, json={"error": error})
        return
    choices = [{"index": index, "text": WRITTEN, "finish_reason": "length"} for index in range(body["n"])]
    stream = f"data: {json.dumps({'choices': choices})}\n\ndata: [DONE]\n\n"
    route.fulfill(body=stream, content_type="text/event-stream")
