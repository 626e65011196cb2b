"""What the playground shows is what the server says: attention, layers, and the request that it gives as curl."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, expect

from tests.browser import Visit
from tests.page.elsewhere import answer_of_curl
from tests.page.served import BEGINNING, wait_until, write, written

pytestmark = pytest.mark.slow

TEXT = f"{BEGINNING} zebra"
PERCENT = re.compile(r"([\d.]+) %")
ROUNDING = 1e-3
"""The page shows a tenth of a percent, and "> 99.9 %" for what is nearly all."""


def asked(address: str, route: str, **body: Any) -> dict[str, Any]:
    """Return the server's own answer about the text."""
    response = httpx.post(f"{address}/v1/{route}", json={"model": "builtin", "text": TEXT, **body})
    answer: dict[str, Any] = response.raise_for_status().json()
    return answer


def shares(items: Locator) -> list[float]:
    """Return the percentage that each of these elements shows, as a share of one."""
    return [float(PERCENT.findall(words)[-1]) / 100 for words in items.all_inner_texts()]


def look_inside(visit: Visit, view: str) -> None:
    """Show the text in one of the views, of its last token."""
    write(visit.page, TEXT)
    visit.page.click("#tab-inside")
    visit.page.locator("#tokens [data-index]").last.wait_for()
    visit.page.get_by_role("radio", name=view).check()


def test_attention_is_that_of_the_layer_and_head_that_are_chosen(served: Visit, address: str) -> None:
    page = served.page
    look_inside(served, "Attention")
    page.locator("#layer").fill("2")
    page.locator("#head").fill("1")
    expect(page.locator("#matrix")).to_have_attribute("aria-label", re.compile("layer 2, head 1: "))
    weights = asked(address, "attention", layer=2, head=1)["weights"]
    size = page.locator("#tokens [data-index]").count()
    row = weights[-1][-size:]
    assert shares(page.locator("#strongest li")) == pytest.approx(sorted(row, reverse=True)[:5], abs=ROUNDING)
    told = [token.get_attribute("aria-label") or "" for token in page.locator("#tokens [data-index]").all()]
    assert [float(PERCENT.findall(words)[-1]) / 100 for words in told] == pytest.approx(row, abs=ROUNDING)
    painted = "document.getElementById('matrix').getContext('2d').getImageData(0, 0, 1, 1).data.join()"
    light = page.evaluate(painted)
    page.emulate_media(color_scheme="dark")
    wait_until(page, lambda: page.evaluate(painted) != light)


def test_layers_predict_what_the_server_says(served: Visit, address: str) -> None:
    page = served.page
    look_inside(served, "Layers")
    page.locator("#tokens [data-index]").nth(4).click()
    expect(page.locator("#layers-words")).to_contain_text("there")
    layers = asked(address, "lens", position=4)["layers"][::-1]
    rows = page.locator("#lens tbody tr")
    assert rows.count() == len(layers)
    for row, layer in zip(rows.all(), layers, strict=True):
        cells = row.locator("td")
        tokens = [cell.replace("␣", " ") for cell in cells.locator("bdi").all_text_contents()]
        assert tokens == [each["token"] for each in layer["top"]]
        assert shares(cells.locator("small")) == pytest.approx(
            [each["probability"] for each in layer["top"]], abs=ROUNDING
        )
        assert float(cells.last.inner_text()) == pytest.approx(layer["entropy_bits"], abs=0.06)


def test_the_curl_that_is_shown_is_copied_and_writes_the_same(served: Visit) -> None:
    page = served.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    text = f'{BEGINNING} "it\'s" $HOME `é`\\n'
    write(page, text, max_tokens="8", top_k="20", seed="5")
    shown = page.inner_text("#curl")
    page.click("#copy-curl")
    expect(page.locator("#toast")).to_have_text("curl copied.")
    assert page.evaluate("navigator.clipboard.readText()") == shown
    answer = answer_of_curl(shown)
    page.click("#continue")
    page.wait_for_selector("#retry:not([disabled])")
    assert written(page) == text + answer["choices"][0]["text"]
