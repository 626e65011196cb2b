"""The page holds all that it shows, and nothing of a text or a model's name can be more than text in it."""

import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.errors import OutputError
from gptcli.explaining.pictures.contents import Page
from gptcli.explaining.pictures.page import MOST_WEIGHTS, attention_tokens, render, write_page
from tests.explaining.explanations import HEADS, LAYERS, odd_tokens, page_of, weights

EMPTY = Page(model="gpt2", tokens=(), bits=0, bits_per_byte=None)


def data_of(rendered: str) -> Any:
    """Return what the page's scripts read."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', rendered, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_texts_come_back_from_the_page_as_they_were() -> None:
    data = data_of(render(page_of(18, notes=["a <note>"])))
    assert [token["text"] for token in data["tokens"]] == odd_tokens(18)
    assert data["tokens"][0]["bits"] is None
    assert data["tokens"][3]["expected"][0] == [odd_tokens(18)[3], 0.9]
    assert len(data["lens"]) == LAYERS + 1
    assert [found["method"] for found in data["attributions"]] == ["integrated gradients", "gradient x input"]
    assert data["notes"] == ["a <note>"]


def test_attention_comes_back_to_a_hundredth_of_a_percent() -> None:
    attention = data_of(render(page_of(18)))["attention"]
    found = np.frombuffer(base64.b64decode(attention["bytes"]), "<u2").reshape(LAYERS, HEADS, -1) / 65535
    expected = np.stack([layer[:, *np.tril_indices(18)] for layer in weights(18)])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_no_text_ends_the_script_or_brings_elements_in() -> None:
    rendered = render(page_of(18))
    assert rendered.count("</script>") == 2
    assert "<b>" not in rendered
    assert "some/&lt;model&gt;" in rendered
    assert "<model>" not in rendered


def test_the_page_asks_for_nothing_outside_itself() -> None:
    rendered = render(page_of(18))
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|https?:|@import|url\(""", rendered)
    assert "default-src 'none'" in rendered


def test_a_page_without_tokens_or_views_is_a_page() -> None:
    data = data_of(render(EMPTY))
    assert (data["tokens"], data["attention"], data["lens"], data["attributions"]) == ([], None, None, [])


def test_there_is_room_for_the_attention_of_so_many_tokens() -> None:
    kept = attention_tokens(24, 16, 300)
    assert 24 * 16 * kept * (kept + 1) / 2 <= MOST_WEIGHTS < 24 * 16 * (kept + 1) * (kept + 2) / 2
    assert attention_tokens(12, 12, 100) == 100


def test_the_page_is_written_and_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html", page_of(18))
    assert (tmp_path / "a.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(OutputError, match=r"cannot write .*a\.html: No such file or directory; make its directory"):
        write_page(tmp_path / "none" / "a.html", EMPTY)


def test_the_page_needs_neither_matplotlib_nor_torch() -> None:
    code = "import sys, gptcli.explaining.pictures.page; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"matplotlib", "torch", "transformers"} & set(modules)
