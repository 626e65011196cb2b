"""The playground of a server that wants a key: asked for, refused, put off and given."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import Visit
from tests.page.elsewhere import answer_of_curl
from tests.page.served import BEGINNING, READY, forgive, write, written
from tests.serving.asking import app_of
from tests.serving.live import live

pytestmark = pytest.mark.slow

KEY = "open sesame"


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """Return the address of a server that wants a key."""
    with live(app_of("builtin", api_key=KEY)) as server:
        yield f"http://127.0.0.1:{server.port}"


def give_key(visit: Visit, key: str) -> None:
    """Answer the page's question."""
    visit.page.fill("#key", key)
    visit.page.press("#key", "Enter")


def test_a_server_that_wants_its_key_is_given_it(visit: Visit, guarded: str) -> None:
    page = visit.page
    page.goto(guarded)
    forgive(visit, 401, f"{guarded}/v1/models")
    give_key(visit, "open barley")
    expect(page.locator("#key-words")).to_contain_text("did not take that key")
    assert page.input_value("#key") == ""
    forgive(visit, 401, f"{guarded}/v1/models")
    give_key(visit, KEY)
    page.wait_for_selector(READY)
    write(page, BEGINNING, max_tokens="5")
    assert page.locator("#bars li:visible").count() == 10
    command = page.inner_text("#curl")
    assert KEY not in command
    answer = answer_of_curl(command, GPTCLI_API_KEY=KEY)
    page.click("#continue")
    page.wait_for_selector("#retry:not([disabled])")
    assert written(page) == BEGINNING + answer["choices"][0]["text"]
    assert KEY not in page.url
    assert visit.errors == []


def test_the_key_can_be_put_off_and_given_later(visit: Visit, guarded: str) -> None:
    page = visit.page
    page.goto(guarded)
    page.get_by_role("button", name="Not now").click()
    forgive(visit, 401, f"{guarded}/v1/models")
    expect(page.locator("#problem")).to_contain_text("The server wants its key. Give the key that the server was")
    page.fill("#text", BEGINNING)
    page.locator("#problem").get_by_role("button", name="Try again").click()
    page.wait_for_selector("#key-dialog[open]")
    forgive(visit, 401, f"{guarded}/v1/models")
    give_key(visit, KEY)
    page.wait_for_selector(READY)
    expect(page.locator("#problem")).to_be_hidden()
    assert page.input_value("#text") == BEGINNING
    assert visit.errors == []
