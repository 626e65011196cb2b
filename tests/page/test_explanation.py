"""The page of an explanation in a browser: explored by pointer and keys, in light and dark, as large as a phone."""

from pathlib import Path

import pytest

from gptcli.explaining.pictures.contents import Page
from gptcli.explaining.pictures.page import write_page
from tests.browser import Visit
from tests.explaining.explanations import page_of


def opened(visit: Visit, tmp_path: Path, page: Page) -> str:
    """Open a page that was just written, from its file; return its address."""
    write_page(tmp_path / "page.html", page)
    address = (tmp_path / "page.html").as_uri()
    visit.page.goto(address)
    return address


@pytest.mark.slow
def test_everything_is_shown_without_error_fault_or_request(visit: Visit, tmp_path: Path) -> None:
    address = opened(visit, tmp_path, page_of(18, notes=["a <note>"]))
    assert visit.page.locator("#tokens [role=option]").count() == 18
    assert visit.page.locator("#notes").inner_text() == "a <note>"
    for colours in ("light", "dark"):
        visit.page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
        for view in ("0", "1", "2"):
            visit.page.select_option("#view", view)
            assert visit.faults() == []
    assert visit.errors == []
    assert [request for request in visit.requests if not request.startswith("data:")] == [address]


def test_a_token_is_told_of_while_it_is_pointed_at_and_stays_when_it_is_clicked(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, page_of(18))
    details, tokens = visit.page.locator("#details"), visit.page.locator("#tokens [role=option]")
    assert "position 17" in details.inner_text()
    tokens.nth(1).hover()
    assert "␣upon" in details.inner_text()
    assert "1.0 bits" in details.inner_text()
    visit.page.locator("h1").hover()
    assert "position 17" in details.inner_text()
    tokens.nth(0).click()
    visit.page.locator("h1").hover()
    assert "Nothing stands before it" in details.inner_text()


def test_the_arrow_keys_go_through_the_tokens(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, page_of(18))
    visit.page.focus("#tokens [tabindex='0']")
    for key, position in (("ArrowLeft", 16), ("Home", 0), ("ArrowLeft", 0), ("PageDown", 10), ("End", 17)):
        visit.page.keyboard.press(key)
        assert f"position {position}" in visit.page.locator("#details").inner_text()
        assert visit.page.evaluate("document.activeElement.dataset.index") == str(position)
    assert visit.page.locator("#tokens [tabindex='0']").count() == 1


def test_layer_and_head_are_chosen_by_name_or_at_a_glance(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, page_of(18))
    visit.page.select_option("#layer", "1")
    visit.page.select_option("#head", "2")
    first = visit.page.locator("#looks").inner_text()
    box = visit.page.locator("#glance").bounding_box()
    assert box is not None
    visit.page.locator("#glance").click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.9})
    assert (visit.page.input_value("#layer"), visit.page.input_value("#head")) == ("2", "3")
    assert visit.page.locator("#looks").inner_text() != first
    assert visit.page.get_attribute("#matrix", "aria-label") == "Layer 2, head 3: the weights of 18 tokens"


def test_a_row_of_a_head_is_chosen_and_the_page_stays_where_it_is(visit: Visit, tmp_path: Path) -> None:
    visit.page.set_viewport_size({"width": 600, "height": 500})
    opened(visit, tmp_path, page_of(18))
    matrix = visit.page.locator("#matrix")
    matrix.scroll_into_view_if_needed()
    before, box = visit.page.evaluate("scrollY"), matrix.bounding_box()
    assert box is not None
    matrix.click(position={"x": 5, "y": box["height"] * 1.5 / 18})
    assert visit.page.locator("#looks").inner_text().startswith('"\u2068␣upon\u2069" looks at "\u2068')
    assert visit.page.evaluate("scrollY") == before > 0


def test_layers_and_scores_are_told(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, page_of(18))
    assert visit.page.locator("#layers tr").count() == 4
    assert "3, the model's own" in visit.page.locator("#layers tr").first.inner_text()
    assert "0.40\u00a0% off the difference" in visit.page.locator("#sum").inner_text()
    visit.page.select_option("#method", "1")
    assert "off the difference" not in visit.page.locator("#sum").inner_text()


def test_the_colours_can_be_turned(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, page_of(2))
    paper = "getComputedStyle(document.body).backgroundColor"
    light = visit.page.evaluate(paper)
    visit.page.click("#theme")
    visit.page.click("#theme")
    assert visit.page.locator("#theme").inner_text() == "Colours: dark"
    assert visit.page.evaluate(paper) != light
    assert visit.errors == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_sticks_out_of_a_narrow_window(visit: Visit, tmp_path: Path, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 700})
    opened(visit, tmp_path, page_of(100))
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_with_nothing_on_it_opens(visit: Visit, tmp_path: Path) -> None:
    opened(visit, tmp_path, Page(model="gpt2", tokens=(), bits=0, bits_per_byte=None))
    assert visit.page.locator("#attention").is_hidden()
    assert visit.page.locator("#lens").is_hidden()
    assert visit.page.locator("#attribution").is_hidden()
    assert visit.errors == []
