"""The playground as a person uses it: the built-in model behind a real server, in a real browser."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Visit, watched
from tests.classifiers import save_random_classifier
from tests.serving.asking import app_of
from tests.serving.live import live

BEGINNING = "Once upon a time there was a little"
READY = "html[data-ready]"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a server with a language model and a classifier."""
    moods = save_random_classifier(tmp_path_factory.mktemp("classifier") / "moods", "glad", "sad")
    with live(app_of("builtin", moods)) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture
def playground(visit: Visit, address: str) -> Iterator[Visit]:
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


def test_a_text_goes_on_as_generate_writes_it_stops_and_is_tried_again(playground: Visit) -> None:
    page = playground.page
    write(page, BEGINNING, seed="3", max_tokens="12", temperature="0.8")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#retry:not([disabled])")
    first = written(page)
    assert first.startswith(BEGINNING)
    assert len(first) > len(BEGINNING)
    command = page.inner_text("#command")
    shown = subprocess.run(
        ["sh", "-c", command.replace("gptcli", f"{sys.executable} -m gptcli", 1)], capture_output=True, check=True
    )
    assert shown.stdout.decode().rstrip("\n") == first.rstrip("\n")
    page.click("#retry")
    page.wait_for_selector("#retry:not([disabled])")
    assert written(page) != first
    page.click("#back")
    expect(page.locator("#text")).to_have_value(BEGINNING)


def test_what_is_being_written_can_be_stopped_and_its_slot_is_free(playground: Visit, address: str) -> None:
    page = playground.page
    write(page, BEGINNING, max_tokens="400")
    page.click("#continue")
    page.wait_for_selector("#stop:not([hidden])")
    page.keyboard.press("Escape")
    assert written(page).startswith(BEGINNING)
    expect(page.locator("#progress")).to_have_text("Stopped.")
    running = re.compile(r"^gptcli_\w*running\w*(?:\{.*\})? 0\.0$", re.MULTILINE)
    while not running.search(httpx.get(f"{address}/metrics").text):  # the server notices a moment later
        page.wait_for_timeout(20)


def test_a_next_token_is_taken_by_a_click_or_its_digit_and_given_back(playground: Visit) -> None:
    page = playground.page
    write(page, BEGINNING)
    bars = page.locator("#bars li:visible button")
    assert bars.count() == 10
    likeliest = bars.first.locator(".token").inner_text()
    bars.first.click()
    after_one = page.input_value("#text")
    assert after_one == f"{BEGINNING}{likeliest.replace('␣', ' ')}"
    page.wait_for_selector("#next[aria-busy=false]")
    page.locator("#text").blur()
    page.keyboard.press("2")
    expect(page.locator("#text")).not_to_have_value(after_one)
    assert page.input_value("#text").startswith(after_one)
    page.click("#back")
    expect(page.locator("#text")).to_have_value(after_one)
    page.click("#back")
    expect(page.locator("#text")).to_have_value(BEGINNING)
    assert page.locator("#tree [role=treeitem]").count() >= 2


def test_a_slider_shows_what_it_keeps_as_the_server_reckons_it(playground: Visit, address: str) -> None:
    page = playground.page
    write(page, BEGINNING, temperature="1", top_p="1")
    page.locator("#setting-top-k").fill("3")
    page.wait_for_selector("#bars li:nth-child(4) .dropped")
    page.wait_for_selector("#next[aria-busy=false]")
    body = {"model": "builtin", "text": BEGINNING, "top_k": 3, "top_p": 1, "temperature": 1}
    answer = httpx.post(f"{address}/v1/next", json=body).json()
    assert "3 of" in page.inner_text("#next-summary")
    assert answer["kept"] == 3
    kept = [each["kept_probability"] for each in answer["candidates"][:3]]
    shown = [float(page.locator("#bars li .number").nth(n).inner_text().split()[0]) / 100 for n in range(3)]
    assert shown == pytest.approx(kept, abs=6e-4)


def test_alternatives_stand_side_by_side_and_one_is_taken(playground: Visit) -> None:
    page = playground.page
    write(page, BEGINNING, n="3", max_tokens="6")
    page.click("#continue")
    use = page.get_by_role("button", name="Use alternative 2")
    expect(use).to_be_enabled()
    cards = page.locator("#cards article .written").all_text_contents()
    assert len(set(cards)) == 3
    use.click()
    expect(page.locator("#text")).to_have_value(BEGINNING + cards[1])


def test_a_look_inside_shows_surprise_attention_and_layers(playground: Visit) -> None:
    page = playground.page
    write(page, f"{BEGINNING} zebra")
    page.click("#tab-inside")
    page.locator("#tokens [data-index]").last.hover()
    expect(page.locator("#details")).to_contain_text("Rank")
    page.get_by_role("radio", name="Attention").check()
    page.locator("#layer").fill("2")
    page.locator("#head").fill("1")
    expect(page.locator("#layer-value")).to_contain_text("2")
    expect(page.locator("#strongest")).to_contain_text("%")
    page.get_by_role("radio", name="Layers").check()
    expect(page.locator("#lens tbody tr").first).to_be_visible()
    assert page.locator("#lens tbody tr").count() == 5  # four layers and the embeddings
    assert playground.faults() == []


def test_texts_are_labelled_by_a_head_and_by_labels_in_words(playground: Visit) -> None:
    page = playground.page
    page.click("#tab-classify")
    page.fill("#inputs", "What a lovely day!\nI lost my dog.")
    page.fill("#labels", "happy, sad")
    page.click("#classify")
    expect(page.locator("#verdicts")).to_contain_text("happy")
    page.select_option("#model", "moods")
    page.click("#classify")
    expect(page.locator("#verdicts")).to_contain_text("glad")


def test_a_state_is_shared_by_its_address_and_a_hostile_one_does_no_harm(
    playground: Visit, browser: Browser, address: str
) -> None:
    page = playground.page
    write(page, 'Tom & Jerry\'s "<b>" café ☃', temperature="0.7", seed="9")
    page.click("#share")
    page.wait_for_url("**#*")
    context = browser.new_context()
    other = watched(context)
    opened(other.page, page.url)
    expect(other.page.locator("#text")).to_have_value('Tom & Jerry\'s "<b>" café ☃')
    expect(other.page.locator("#setting-temperature-number")).to_have_value("0.7")
    opened(other.page, f"{address}/#1.<script>alert(1)</script>")
    assert other.errors == []
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nobody_is_shut_out(playground: Visit, theme: str, width: int) -> None:
    page = playground.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    write(page, BEGINNING)
    for tab in ("write", "inside", "classify"):
        page.click(f"#tab-{tab}")
        assert playground.faults() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_colours_turn_dark_by_the_button(playground: Visit) -> None:
    page = playground.page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.click("#theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(background) != light


def test_a_server_that_wants_its_key_is_given_it(visit: Visit) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(live(app_of("builtin", api_key="open sesame")))
        opened_with_dialog = f"http://127.0.0.1:{server.port}"
        visit.page.goto(opened_with_dialog)
        visit.page.fill("#key", "open sesame")
        visit.page.press("#key", "Enter")
        visit.page.wait_for_selector(READY)
        write(visit.page, BEGINNING)
        assert visit.page.locator("#bars li:visible").count() == 10


def test_what_does_not_fit_is_told(playground: Visit) -> None:
    page = playground.page
    write(page, "word " * 900)
    page.click("#continue")
    expect(page.locator("#problem")).to_be_visible()
    playground.errors.clear()  # the browser notes the 400 that was asked for
