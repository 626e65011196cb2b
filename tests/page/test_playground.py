"""What a person does on the playground, with the built-in model behind a real server."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Visit, watched
from tests.classifiers import save_random_classifier
from tests.page.served import BEGINNING, forgive, opened, wait_until, write, written
from tests.serving.asking import app_of
from tests.serving.live import live


@pytest.mark.slow
def test_a_text_goes_on_as_generate_writes_it_stops_and_is_tried_again(served: Visit) -> None:
    page = served.page
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


def test_what_is_being_written_can_be_stopped_and_its_slot_is_free(served: Visit, address: str) -> None:
    page = served.page
    write(page, BEGINNING, max_tokens="400")
    page.click("#continue")
    page.wait_for_selector("#stop:not([hidden])")
    page.keyboard.press("Escape")
    assert written(page).startswith(BEGINNING)
    expect(page.locator("#progress")).to_have_text("Stopped.")
    idle = re.compile(r"^gptcli_\w*running\w*(?:\{.*\})? 0\.0$", re.MULTILINE)
    wait_until(page, lambda: bool(idle.search(httpx.get(f"{address}/metrics").text)))  # the server notices a bit later


def test_a_next_token_is_taken_by_a_click_or_its_digit_and_given_back(served: Visit) -> None:
    page = served.page
    write(page, BEGINNING)
    bars = page.locator("#bars li:visible button")
    assert bars.count() == 10
    likeliest = bars.first.locator(".token").inner_text()
    bars.first.click()
    after_one = page.input_value("#text")
    assert after_one == f"{BEGINNING}{likeliest.replace('␣', ' ')}"
    page.wait_for_selector("#next[aria-busy=false]")
    second = bars.nth(1).locator(".token").inner_text()
    page.locator("#text").blur()
    page.keyboard.press("2")
    expect(page.locator("#text")).to_have_value(f"{after_one}{second.replace('␣', ' ')}")
    page.click("#back")
    expect(page.locator("#text")).to_have_value(after_one)
    page.click("#back")
    expect(page.locator("#text")).to_have_value(BEGINNING)
    assert page.locator("#tree [role=treeitem]").count() >= 2


def test_a_slider_shows_what_it_keeps_as_the_server_reckons_it(served: Visit, address: str) -> None:
    page = served.page
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


@pytest.mark.slow
def test_alternatives_stand_side_by_side_and_one_is_taken(served: Visit) -> None:
    page = served.page
    write(page, BEGINNING, n="3", max_tokens="6")
    page.click("#continue")
    use = page.get_by_role("button", name="Use alternative 2")
    expect(use).to_be_enabled()
    cards = page.locator("#cards article .written").all_text_contents()
    assert len(set(cards)) == 3
    use.click()
    expect(page.locator("#text")).to_have_value(BEGINNING + cards[1])


@pytest.mark.slow
def test_a_look_inside_shows_surprise_attention_and_layers(served: Visit, address: str) -> None:
    page = served.page
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
    [model] = httpx.get(f"{address}/v1/models").json()["data"]
    assert page.locator("#lens tbody tr").count() == model["layers"] + 1  # and the embeddings
    assert served.faults() == []


@pytest.mark.slow
def test_texts_are_labelled_by_a_head_and_by_labels_in_words(visit: Visit, tmp_path: Path) -> None:
    moods = save_random_classifier(tmp_path / "moods", "glad", "sad")
    with live(app_of("builtin", moods)) as server:
        opened(visit.page, f"http://127.0.0.1:{server.port}")
        label(visit.page)
    assert visit.errors == []


def label(page: Page) -> None:
    """Have two texts labelled by the language model, and by the classifier."""
    page.click("#tab-classify")
    page.fill("#inputs", "What a lovely day!\nI lost my dog.")
    page.fill("#labels", "happy, sad")
    page.click("#classify")
    expect(page.locator("#verdicts")).to_contain_text("happy")
    page.select_option("#model", "moods")
    page.click("#classify")
    expect(page.locator("#verdicts")).to_contain_text("glad")


@pytest.mark.slow
def test_a_state_is_shared_by_its_address_and_a_hostile_one_does_no_harm(
    served: Visit, browser: Browser, address: str
) -> None:
    page = served.page
    write(page, 'Tom & Jerry\'s "<b>" café ☃', temperature="0.7", seed="9")
    page.click("#share")
    page.wait_for_url("**#*")
    context = browser.new_context()
    other = watched(context)
    opened(other.page, page.url)
    expect(other.page.locator("#text")).to_have_value('Tom & Jerry\'s "<b>" café ☃')
    expect(other.page.locator("#setting-temperature-number")).to_have_value("0.7")
    other.page.goto("about:blank")  # else only the end of the open page's address would change
    opened(other.page, f"{address}/#1.<script>alert(1)</script>")
    expect(other.page.locator("#problem")).to_be_visible()
    assert other.page.input_value("#text") == ""
    assert other.errors == []
    context.close()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nobody_is_shut_out(served: Visit, theme: str, width: int) -> None:
    page = served.page
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 800})
    write(page, BEGINNING)
    for tab in ("write", "inside", "classify"):
        page.click(f"#tab-{tab}")
        assert served.faults() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_colours_turn_dark_by_the_system_and_by_the_button(served: Visit) -> None:
    page = served.page
    colours = "(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))"
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colours)
    assert brightness(light[0]) > brightness(light[1])
    assert brightness(dark[0]) < brightness(dark[1])
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "light"
    assert page.evaluate(colours) == light
    page.emulate_media(color_scheme="light")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate(colours) == dark


def brightness(colour: str) -> int:
    """Return the sum of the parts of a colour as the browser computes it: rgb(250, 249, 245)."""
    return sum(int(part) for part in re.findall(r"\d+", colour))


@pytest.mark.slow
def test_nothing_moves_for_who_wants_no_motion(served: Visit) -> None:
    moving = """[...document.querySelectorAll("*")].flatMap((each) => ["", "::before", "::after"].map((part) =>
        getComputedStyle(each, part))).filter(({ transitionDuration, animationName, scrollBehavior }) =>
        transitionDuration !== "0s" || animationName !== "none" || scrollBehavior !== "auto").length"""
    assert served.page.evaluate(moving) == 0  # the tab is opened as for such a person
    served.page.emulate_media(reduced_motion="no-preference")
    assert served.page.evaluate(moving) > 0


@pytest.mark.slow
def test_what_does_not_fit_is_told_until_it_fits(served: Visit, address: str) -> None:
    page = served.page
    write(page, "word " * 900)
    page.click("#continue")
    expect(page.locator("#problem-message")).to_contain_text("The text has 9")
    forgive(served, 400, f"{address}/v1/completions")
    write(page, "word " * 600)
    expect(page.locator("#problem")).to_be_visible()
    write(page, "word " * 20)
    expect(page.locator("#problem")).to_be_hidden()
