"""A server that is busy, gone, or cut off: what the person reads, and that nothing is lost."""

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.page.canned import CONTEXT, ORIGIN, WRITTEN, open_page

COMPLETIONS = f"{ORIGIN}/v1/completions"
MODELS = f"{ORIGIN}/v1/models"
BUSY = {"error": {"message": "the server has 8 texts to write", "type": "rate_limit_error", "code": "queue_full"}}
GONE = "The server does not answer. Is “gptcli serve” still running? Start it again, then try once more."


def busy(route: Route) -> None:
    """Answer that the queue is full."""
    route.fulfill(status=429, json=BUSY, headers={"Retry-After": "2"})


def gone(route: Route) -> None:
    """Answer nothing."""
    route.abort("connectionrefused")


def cut(route: Route) -> None:
    """Answer the beginning of a stream."""
    chunk = {"choices": [{"index": 0, "text": " and it", "finish_reason": None}]}
    route.fulfill(body=f"data: {json.dumps(chunk)}\n\n", content_type="text/event-stream")


def told(page: Page) -> str:
    """Return what the box says, once it is there."""
    page.wait_for_selector("#problem:not([hidden])")
    return page.inner_text("#problem p")


def try_again(page: Page) -> None:
    """Press the box's own button, with the server as it was before."""
    page.unroute(COMPLETIONS)
    page.locator("#problem").get_by_role("button", name="Try again").click()


def test_a_busy_server_is_told_and_asked_again(playground: Page) -> None:
    open_page(playground)
    playground.route(COMPLETIONS, busy)
    playground.fill("#text", "The cat")
    playground.click("#continue")
    assert told(playground) == "The server is busy: no more may wait. Try again in 2 s."
    assert playground.input_value("#text") == "The cat"
    try_again(playground)
    expect(playground.locator("#text")).to_have_value(f"The cat{WRITTEN}")
    assert playground.is_hidden("#problem")


@pytest.mark.slow
def test_an_end_that_was_written_stays_where_no_other_comes(playground: Page) -> None:
    open_page(playground)
    playground.fill("#text", "The cat")
    playground.click("#continue")
    playground.wait_for_selector("#retry:not([disabled])")
    playground.route(COMPLETIONS, busy)
    playground.click("#retry")
    told(playground)
    assert playground.input_value("#text") == f"The cat{WRITTEN}"
    assert playground.input_value("#setting-seed-number") == "1"
    try_again(playground)
    expect(playground.locator("#setting-seed-number")).to_have_value("2")


def test_a_server_that_is_gone_is_told_and_the_text_stays(playground: Page) -> None:
    open_page(playground)
    playground.fill("#text", "The cat")
    playground.route(f"{ORIGIN}/v1/*", gone)
    playground.click("#continue")
    assert told(playground) == GONE
    assert playground.input_value("#text") == "The cat"
    expect(playground.locator("#next-summary")).to_have_text(GONE)
    playground.unroute(f"{ORIGIN}/v1/*")
    try_again(playground)
    expect(playground.locator("#text")).to_have_value(f"The cat{WRITTEN}")
    expect(playground.locator("#next-summary")).to_contain_text("Always takes the first")


@pytest.mark.slow
def test_who_puts_the_key_off_is_not_asked_at_each_letter(playground: Page) -> None:
    open_page(playground)
    playground.route(f"{ORIGIN}/v1/*", lambda route: route.fulfill(status=401, json={}))
    playground.fill("#text", "The cat")
    playground.get_by_role("button", name="Not now").click()
    expect(playground.locator("#next-summary")).to_contain_text("The server wants its key.")
    with playground.expect_response("**/v1/next"):
        playground.fill("#text", "The cat sat")
    playground.wait_for_selector("#next[aria-busy=false]")
    assert playground.is_hidden("#key-dialog")
    playground.click("#continue")
    expect(playground.locator("#key-dialog")).to_be_visible()


@pytest.mark.slow
def test_what_came_before_an_answer_was_cut_off_stays(playground: Page) -> None:
    open_page(playground)
    playground.route(COMPLETIONS, cut)
    playground.fill("#text", "The cat")
    playground.click("#continue")
    assert told(playground).startswith("The server ended its answer too early.")
    assert playground.input_value("#text") == "The cat and it"
    try_again(playground)
    expect(playground.locator("#text")).to_have_value(f"The cat and it{WRITTEN}")


def test_a_page_without_its_server_says_so_and_finds_it_later(playground: Page) -> None:
    playground.route(MODELS, gone)
    playground.goto(ORIGIN)
    assert told(playground) == GONE
    playground.fill("#text", "The cat")
    playground.unroute(MODELS)
    try_again(playground)
    playground.wait_for_selector("html[data-ready]")
    assert playground.input_value("#text") == "The cat"
    expect(playground.locator("#next-summary")).to_contain_text("Always takes the first")


def test_what_was_too_long_is_told_until_it_fits(playground: Page) -> None:
    """Hold to: "The problem box stays after the text has been shortened"."""
    open_page(playground)
    problem = playground.locator("#problem")
    for mend in ("text", "length"):
        playground.fill("#setting-max-tokens-number", "50")
        playground.fill("#text", f"{mend} " * (CONTEXT - 12))
        playground.click("#continue")
        expect(problem).to_be_visible()
        playground.fill("#text", f"{mend} " * (CONTEXT - 20))
        expect(playground.locator("#text-count")).to_contain_text(f"{CONTEXT - 20} of")
        expect(problem).to_be_visible()
        if mend == "text":
            playground.fill("#text", f"{mend} " * (CONTEXT - 49))
        else:
            playground.fill("#setting-max-tokens-number", "21")
        expect(problem).to_be_hidden()
