"""The playground by keyboard alone: every control is reached and seen, and what a pointer does, keys do."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import Visit
from tests.page.canned import open_page
from tests.page.served import BEGINNING, write

CONTROLS = """[...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex]")].filter((each) =>
    each.checkVisibility() && !each.disabled && each.tabIndex >= 0 && (each.type !== "radio" || each.checked))"""
"""What the Tab key is to reach, in the order of the page."""
STOP = f"""(() => {{
    const at = document.activeElement;
    const marked = [at, ...(at.type === "radio" ? [at.nextElementSibling] : [])].some((each) =>
        getComputedStyle(each).outlineStyle !== "none" && parseFloat(getComputedStyle(each).outlineWidth) >= 2);
    const framed = at.id === "text" && getComputedStyle(at.closest(".editor")).boxShadow !== "none";
    const [box] = at.getClientRects();
    const covered = [0.1, 0.5, 0.9].every((part) => // all of it: what lies above a part still shows where the focus is
        !at.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height * part)));
    const name = at.id || at.getAttribute("aria-label") || at.value || at.textContent.slice(0, 40);
    return {{ name, place: {CONTROLS}.indexOf(at), seen: marked || framed, covered }};
}})()"""
"""Where the focus is, whether that can be seen, and whether something lies above it."""


def stop(page: Page, key: str) -> Any:
    """Press a key, and return where the focus is then."""
    page.keyboard.press(key)
    return page.evaluate(STOP)


def walk(page: Page) -> None:
    """Go through all of the page as it is with Tab, from its beginning to its end and a step back."""
    page.focus("#skip")
    page.keyboard.press("Tab")
    count = page.evaluate(f"{CONTROLS}.length")
    stops = [stop(page, "Shift+Tab"), *(stop(page, "Tab") for _ in range(count - 1))]
    assert [each["name"] for each in stops if not each["seen"] or each["covered"]] == []
    assert [each["place"] for each in stops] == list(range(count)), [each["name"] for each in stops]
    assert stop(page, "Shift+Tab")["place"] == count - 2
    page.evaluate("document.activeElement.blur()")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
def test_every_control_is_reached_by_tab_and_seen(served: Visit, width: int) -> None:
    page = served.page
    page.set_viewport_size({"width": width, "height": 800})
    write(page, BEGINNING, n="2", max_tokens="4")
    page.click("#continue")
    expect(page.get_by_role("button", name="Use alternative 2")).to_be_enabled()
    page.wait_for_selector("#next[aria-busy=false]")
    walk(page)
    page.focus("#tab-write")
    page.keyboard.press("ArrowRight")
    for shown in ("#details .alternatives", "#strongest li", "#lens tbody tr"):
        page.locator(shown).last.wait_for()
        walk(page)
        page.focus("#views :checked")
        page.keyboard.press("ArrowRight")
    page.focus("#tab-inside")
    page.keyboard.press("ArrowRight")
    page.fill("#inputs", "What a lovely day!")
    page.fill("#labels", "happy, sad")
    walk(page)


def test_a_token_is_taken_and_given_back_by_keys(playground: Page) -> None:
    open_page(playground)
    expect(playground.locator("#text")).to_be_focused()
    playground.keyboard.type("The cat")
    playground.wait_for_selector("#next[aria-busy=false]")
    for key in ("Escape", "ArrowDown", "Enter"):
        playground.keyboard.press(key)
    expect(playground.locator("#text")).to_have_value("The cat dog")
    playground.keyboard.press("Backspace")
    expect(playground.locator("#text")).to_have_value("The cat")
    playground.keyboard.press("e")
    expect(playground.locator("#text")).to_be_focused()


def test_the_tree_of_paths_is_gone_through_by_keys(playground: Page) -> None:
    open_page(playground)
    text, rows = playground.locator("#text"), playground.locator("#tree > *")
    focused = playground.locator("#tree :focus")
    playground.fill("#text", "The cat")
    for index in (0, 1):
        playground.wait_for_selector("#next[aria-busy=false]")
        playground.locator("#bars button").nth(index).click()
        if index == 0:
            playground.click("#back")
    playground.focus("#paths-clear")
    playground.keyboard.press("Tab")
    expect(focused).to_contain_text("dog")
    expect(focused).to_have_attribute("aria-current", "step")
    playground.keyboard.press("ArrowUp")
    playground.keyboard.press("Enter")
    expect(text).to_have_value("The cat a")
    expect(focused).to_have_attribute("aria-selected", "true")
    playground.keyboard.press("ArrowLeft")
    expect(focused).to_contain_text("The cat")
    playground.keyboard.press("ArrowLeft")
    expect(focused).to_have_attribute("aria-expanded", "false")
    expect(rows).to_have_count(1)
    playground.keyboard.press("ArrowRight")
    expect(rows).to_have_count(3)
    playground.keyboard.press("End")
    playground.keyboard.press(" ")
    expect(text).to_have_value("The cat dog")
    playground.keyboard.press("Home")
    playground.keyboard.press("Enter")
    expect(text).to_have_value("The cat")
    expect(focused).to_contain_text("The cat")


def test_a_dialog_keeps_the_focus_and_gives_it_back(playground: Page) -> None:
    open_page(playground)
    playground.focus("#help")
    playground.keyboard.press("Enter")
    expect(playground.locator("#help-dialog")).to_be_visible()
    inside = "document.getElementById('help-dialog').contains(document.activeElement)"
    assert playground.evaluate(inside)
    playground.keyboard.press("Tab")
    assert playground.evaluate(inside)
    playground.keyboard.press("Escape")
    expect(playground.locator("#help")).to_be_focused()


@pytest.mark.slow
def test_details_of_a_token_are_told_by_focus_as_by_hover(served: Visit) -> None:
    page = served.page
    write(page, BEGINNING)
    page.click("#tab-inside")
    tokens, details = page.locator("#tokens [data-index]"), page.locator("#details")
    tokens.nth(2).hover()
    expect(details.locator(".big")).to_have_text(" a".replace(" ", "␣"))
    pointed = details.inner_text()
    assert all(words in pointed for words in ("Probability", "Rank", "What it expected here"))
    tokens.nth(5).hover()
    page.locator("#tokens [tabindex='0']").focus()
    page.keyboard.press("Home")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(tokens.nth(2)).to_be_focused()
    assert details.inner_text() == pointed  # though the pointer rests on another token
