"""Pictures of an explanation: any number of tokens, any characters, no warning, the same bytes each time."""

import re
from collections.abc import Callable
from html import unescape
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from gptcli.drawing import canvas
from gptcli.drawing.lettering import lettered
from gptcli.errors import MissingExtraError, OutputError
from gptcli.explaining.pictures.attention import MOST_CELLS, draw_all_heads, draw_head
from gptcli.explaining.pictures.attribution import MOST_TOKENS, draw_attribution
from gptcli.explaining.pictures.contents import AllHeads, AttributedText, HeadMap
from gptcli.explaining.pictures.lens import draw_lens, most_positions
from tests.explaining import explanations
from tests.explaining.explanations import all_heads_of, attribution_of, head_of, lens_of

pytest.importorskip("matplotlib")

Draw = Callable[[Path, int], object]
PICTURES: dict[str, Draw] = {
    "all heads": lambda path, tokens: draw_all_heads(path, all_heads_of(tokens, min(tokens, MOST_CELLS))),
    "a lone head": lambda path, tokens: draw_all_heads(
        path, AllHeads(tokens=1000 * tokens, layers=[np.ones((1, 1, 1), np.float32)])
    ),
    "head": lambda path, tokens: draw_head(path, head_of(tokens)),
    "lens": lambda path, tokens: draw_lens(path, lens_of(tokens)),
    "attribution": lambda path, tokens: draw_attribution(path, attribution_of(tokens)),
}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what is about to hold each text that is drawn."""
    from matplotlib.text import Text

    texts: list[Any] = []
    draw_text = Text.draw

    def note(text: Any, *arguments: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            texts.append(text)
        draw_text(text, *arguments)

    monkeypatch.setattr(Text, "draw", note)
    return texts


def words(path: Path) -> list[str]:
    """Return what is written in an SVG, whose letters are shapes with a comment each, where -- reads - -."""
    comments = re.findall("<!-- (.*?) -->", path.read_text(encoding="utf-8"), re.DOTALL)
    return [unescape(text).replace("- -", "--") for text in comments]


def size(path: Path) -> tuple[int, int]:
    """Return the width and height of a PNG."""
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG")
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


@every_picture
@pytest.mark.parametrize("tokens", [1, 2, 18])
def test_few_and_odd_tokens_are_drawn_in_both_formats(tmp_path: Path, draw: Draw, tokens: int) -> None:
    for name in ("a.png", "b.png", "a.svg"):
        draw(tmp_path / name, tokens)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg"), "a token is no part of the XML"


@every_picture
@pytest.mark.parametrize("tokens", [1, 12, 30])
def test_no_text_leaves_the_picture_or_lies_on_another(
    tmp_path: Path, draw: Draw, tokens: int, written: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explanations, "ODD", ("W" * 40, "@" * 24, "iiii", " university", "\u2014" * 64, "a"))
    draw(tmp_path / "a.png", tokens)
    width, height = size(tmp_path / "a.png")
    places = [(text.get_text(), text.get_window_extent().padded(-1)) for text in written]
    for text, place in places:
        assert 0 <= place.x0 <= place.x1 <= width, text
        assert 0 <= place.y0 <= place.y1 <= height, text
    for (one, here), (other, there) in combinations(places, 2):
        assert not here.overlaps(there), (one, other)


def test_heads_are_counted_and_what_a_cell_is_told(tmp_path: Path) -> None:
    draw_all_heads(tmp_path / "one.svg", all_heads_of(1, 1))
    assert "Where each head looks, 1 token" in words(tmp_path / "one.svg")
    draw_all_heads(tmp_path / "many.svg", all_heads_of(1200, 48))
    told = words(tmp_path / "many.svg")
    assert "a cell is the largest weight of about 25.0 x 25.0 tokens" in told
    assert [told.count(str(number)) for number in range(5)] == [2, 2, 2, 1, 0], "3 layers of 4 heads"


def test_a_head_has_its_tokens_at_both_sides_and_its_weights_in_percent(tmp_path: Path) -> None:
    weights = np.array([[1, 0, 0], [0.75, 0.25, 0], [0.2, 0.3, 0.5]], np.float32)
    draw_head(tmp_path / "a.svg", HeadMap(layer=1, head=2, tokens=["The", " cat", "\n"], weights=weights))
    told = words(tmp_path / "a.svg")
    assert told[:3] == told[4:7] == ["The", "␣cat", "⏎"], "at the bottom and at the left"
    assert told[told.index("100") :][:6] == ["100", "75", "25", "20", "30", "50"]
    assert "Layer 1, head 2" in told


def test_layers_stand_on_the_embeddings_and_positions_go_on_in_the_next_band(tmp_path: Path) -> None:
    table = lens_of(16)
    draw_lens(tmp_path / "a.svg", table)
    told = words(tmp_path / "a.svg")
    assert told.count("embeddings") == told.count("3") == 2
    assert [text for text in told if "position" in text] == ["layer, position 0-13", "layer, position 14-15"]
    below = told[told.index("layer, position 14-15") + 1 :]
    best = [layer[position][0].text for layer in table.layers for position in (14, 15)]
    assert below[: len(best)] == [lettered(text, 11) for text in best]


def test_the_strongest_tokens_have_bars_and_the_sum_is_told(tmp_path: Path) -> None:
    draw_attribution(tmp_path / "a.svg", attribution_of(8))
    told = words(tmp_path / "a.svg")
    assert told[-3:] == [
        'What speaks for "⏎" (blue) and against it (red): integrated gradients',
        "log probability -1.50 nats, -9.25 with token embeddings at zero",
        "the scores sum to +1.00, 0.40% off the difference of +7.75",
    ]
    bars = [text.split("  ")[1] for text in told if "  " in text]
    assert bars == ["6", "5", "4", "3", "2", "1", "0", "7"]


@every_picture
@pytest.mark.slow
def test_hundreds_of_tokens_are_drawn_in_a_size_that_viewers_open(tmp_path: Path, draw: Draw) -> None:
    draw(tmp_path / "a.png", 500)
    assert max(size(tmp_path / "a.png")) < 8000


def test_the_last_tokens_are_drawn_and_the_others_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gptcli.explaining.pictures.lens.MOST_POSITIONS", 14)
    monkeypatch.setattr("gptcli.explaining.pictures.attribution.MOST_TOKENS", 10)
    assert draw_lens(tmp_path / "a.png", lens_of(14)) is None
    assert draw_lens(tmp_path / "b.png", lens_of(15)) == "the lens shows the last 14 of 15 positions"
    assert draw_attribution(tmp_path / "c.png", attribution_of(10)) is None
    assert draw_attribution(tmp_path / "d.png", attribution_of(11)) == "the text shows the last 10 of 11 tokens"


def test_a_hundred_positions_and_tokens_have_room_but_not_with_many_layers() -> None:
    assert most_positions(layers=13) >= 100
    assert most_positions(layers=49) >= 28
    assert MOST_TOKENS >= 100


def test_scores_that_are_all_zero_and_a_single_head_are_drawn(tmp_path: Path) -> None:
    nothing = np.zeros(2, np.float32)
    draw_attribution(
        tmp_path / "a.png",
        AttributedText(
            tokens=["a", "b"], target="c", scores=nothing, method="gradient x input", logprob=-1, baseline_logprob=-1
        ),
    )
    draw_all_heads(tmp_path / "b.png", AllHeads(tokens=1, layers=[np.ones((1, 1, 1), np.float32)]))
    assert min(size(tmp_path / "b.png")) > 150


@every_picture
def test_without_matplotlib_the_error_is_the_command_that_installs_it(
    tmp_path: Path, draw: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canvas, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[plot\]"'):
        draw(tmp_path / "a.png", 2)


@every_picture
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, draw: Draw) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*a\.png: No such file or directory; make its directory"):
        draw(tmp_path / "none" / "a.png", 2)
