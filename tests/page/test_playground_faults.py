"""What once went wrong on the playground, each with the words of who found it."""

import pytest
from playwright.sync_api import Page, expect

from tests.page.canned import CONTEXT, ORIGIN, WRITTEN, open_page

LONG = "The cat sat on the mat. " * 60


def test_the_whole_of_a_long_text_is_painted(playground: Page) -> None:
    """Hold to: "A text longer than the box is invisible. Only the first box-height of text is ever painted."."""
    open_page(playground)
    playground.fill("#text", LONG)
    for width in (1280, 360):
        playground.set_viewport_size({"width": width, "height": 800})
        playground.evaluate("document.getElementById('editor').scrollTop = 0")
        heights = "(id) => { const { clientHeight, scrollHeight } = document.getElementById(id); "
        own, whole = playground.evaluate(heights + "return [clientHeight, scrollHeight]; }", "text")
        box, scrolled = playground.evaluate(heights + "return [clientHeight, scrollHeight]; }", "editor")
        assert own == whole == scrolled > box
        playground.hover("#editor")
        playground.mouse.wheel(0, 10_000)
        playground.wait_for_function("document.getElementById('editor').scrollTop > 0")
        assert playground.locator("#text").bounding_box() == playground.locator("#mirror").bounding_box()


def test_a_text_beyond_the_context_is_said_to_be_so_and_nothing_is_promised(playground: Page) -> None:
    """Hold to: "The note says 512 of 512 tokens; Continue fails: prompt has 902 tokens"."""
    open_page(playground)
    playground.fill("#text", "word " * 902)
    playground.wait_for_selector("#text-count.warning")
    assert playground.inner_text("#text-count").startswith(f"902 of {CONTEXT} tokens: 390 too many")
    assert "longer than the model reads" in playground.inner_text("#next-summary")
    assert playground.locator("#bars .bar:visible").count() == 0


def test_a_setting_stays_within_what_it_can_be(playground: Page) -> None:
    """Hold to: "Length takes any number (9999 stays). Temperature 99 accepted"."""
    open_page(playground)
    wrong = [("max-tokens", "9999", str(CONTEXT)), ("temperature", "99", "2"), ("repetition-penalty", "50", "2")]
    for field, typed, kept in wrong:
        number = playground.locator(f"#setting-{field}-number")
        number.fill(typed)
        number.blur()
        assert number.input_value() == kept
        assert f"cannot be {typed}: it is {kept} now" in playground.inner_text("#toast")


def test_an_error_names_a_setting_as_the_page_does(playground: Page) -> None:
    """Hold to: "error talks of max_tokens, no name on the page"."""
    open_page(playground)
    playground.fill("#text", "word " * 500)
    playground.click("#continue")
    playground.wait_for_selector("#problem:not([hidden])")
    assert playground.inner_text("#problem-message").startswith("Length is 50, and beside the text's tokens")


def test_alternatives_of_another_text_are_put_away(playground: Page) -> None:
    """Hold to: "The cat, then My name is typed over it; the cards stay; Use this silently replaces the text"."""
    open_page(playground)
    playground.fill("#text", "The cat")
    playground.fill("#setting-n-number", "3")
    playground.click("#continue")
    playground.wait_for_selector("#cards button:not([disabled])")
    assert playground.locator("#cards .card").count() == 3
    playground.fill("#text", "My name is")
    assert playground.is_hidden("#alternatives")
    assert WRITTEN.strip() in playground.inner_text("#tree").replace("␣", " ")


@pytest.mark.parametrize("end", ["#garbage!!", "#1.AAAA", pytest.param("#1.q1bKU7JSKi", marks=pytest.mark.slow)])
def test_a_damaged_link_is_told_and_the_words_stay(playground: Page, end: str) -> None:
    """Hold to: "/#garbage!!, a link cut by 20 characters opens an empty page without a word"."""
    open_page(playground, end)
    assert "This link is damaged" in playground.inner_text("#problem-message")


@pytest.mark.slow
def test_a_shared_link_cut_by_twenty_characters_is_told_until_the_whole_one_comes(playground: Page) -> None:
    """Hold to the same for a real link."""
    open_page(playground)
    playground.fill("#text", LONG[:24] + "A dog barked at the moon.")
    playground.wait_for_function("location.hash.length > 40")
    whole = playground.evaluate("location.hash")
    playground.goto("about:blank")
    open_page(playground, whole[:-20])
    assert "This link is damaged" in playground.inner_text("#problem-message")
    playground.evaluate("(whole) => { location.hash = whole; }", whole)
    playground.wait_for_selector("#problem", state="hidden")
    assert playground.input_value("#text").endswith("A dog barked at the moon.")


def test_the_link_to_the_text_is_no_damaged_state(playground: Page) -> None:
    """The skip link's own address says nothing of a state."""
    open_page(playground, "#main")
    assert playground.is_hidden("#problem")
    assert playground.url == f"{ORIGIN}/#main"


def test_no_command_is_shown_before_there_is_something_to_label(playground: Page) -> None:
    """Hold to: "Classify without texts or labels: the commands shown are incomplete"."""
    open_page(playground)
    playground.click("#tab-classify")
    assert playground.is_hidden("#classify-command")
    assert playground.inner_text("#classify-elsewhere-words") == "Write a text first."
    playground.fill("#inputs", "What a day")
    assert playground.inner_text("#classify-elsewhere-words").startswith("Give two labels")
    playground.fill("#labels", "happy, sad")
    assert playground.inner_text("#classify-command") == "gptcli classify -m builtin --labels happy,sad 'What a day'"
    assert playground.inner_text("#classify-elsewhere-words") == ""


def test_both_sides_say_how_they_read_the_text(playground: Page) -> None:
    """Hold to: "Write shows little 9.04 %, Look inside 0.11 %, and nothing says so"."""
    open_page(playground)
    assert "without the beginning-of-text token" in playground.inner_text("#next")
    playground.click("#tab-inside")
    assert "beginning-of-text token, where it has one" in playground.inner_text("#inside-words")


def test_parts_of_characters_are_told_apart_by_their_bytes(playground: Page) -> None:
    """Hold to: "bars 2 and 3 are both a question mark in a diamond, cannot be told apart"."""
    shares = {"probability": 0.5, "kept_probability": 0.5}
    parts = [{"id": byte, "token": f"\\x{byte:02x}", "text": "\ufffd", **shares} for byte in (0x8D, 0x92)]
    answer = {"tokens": 1, "dropped": 0, "candidates": parts, "kept": 2, "entropy_bits": 1.0}
    playground.route(f"{ORIGIN}/v1/next", lambda route: route.fulfill(json=answer))
    open_page(playground)
    playground.fill("#text", "日本")
    playground.wait_for_selector("#bars .bar:visible")
    assert playground.locator("#bars .token:visible").all_inner_texts() == [r"\x8d", r"\x92"]


def test_look_inside_waits_for_the_end_of_what_is_being_written(playground: Page) -> None:
    """Hold to: "Look inside opened while the text is being written shows an empty box, no word that it waits"."""
    playground.route(f"{ORIGIN}/v1/completions", lambda route: None)
    open_page(playground)
    playground.fill("#text", "The cat")
    playground.click("#continue")
    playground.click("#tab-inside")
    assert playground.inner_text("#inside-notice").startswith("The text is being written.")


def test_ctrl_enter_in_a_setting_settles_it_first(playground: Page) -> None:
    """Hold to: "Length 9999 typed, Ctrl+Enter in that field: Length is 512, while the field still shows 9999"."""
    open_page(playground)
    playground.fill("#setting-max-tokens-number", "9999")
    playground.press("#setting-max-tokens-number", "Control+Enter")
    assert playground.input_value("#setting-max-tokens-number") == str(CONTEXT)


def test_the_command_does_not_promise_the_text_that_other_settings_wrote(playground: Page) -> None:
    """Hold to: "Continue, then temperature 0.3: the page still says Writes again what the model wrote last"."""
    open_page(playground)
    playground.fill("#text", "The cat")
    playground.click("#continue")
    words = playground.locator("#elsewhere-words")
    expect(words).to_have_text("Writes again what the model wrote last.")
    playground.fill("#setting-temperature-number", "0.3")
    expect(words).to_have_text("Writes in the place of what the model wrote last.")
    playground.fill("#setting-temperature-number", "1")
    expect(words).to_have_text("Writes again what the model wrote last.")
