"""Pictures of an explanation: any number of tokens, any characters, no warning, the same bytes each time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gptcli.drawing import canvas
from gptcli.errors import MissingExtraError, OutputError
from gptcli.explaining.pictures.attention import MOST_CELLS, draw_all_heads, draw_head
from gptcli.explaining.pictures.attribution import MOST_TOKENS, draw_attribution
from gptcli.explaining.pictures.contents import AllHeads, AttributedText
from gptcli.explaining.pictures.lens import draw_lens, most_positions
from tests.explaining.explanations import all_heads_of, attribution_of, head_of, lens_of

pytest.importorskip("matplotlib")

Draw = Callable[[Path, int], object]
PICTURES: dict[str, Draw] = {
    "all heads": lambda path, tokens: draw_all_heads(path, all_heads_of(tokens, min(tokens, MOST_CELLS))),
    "head": lambda path, tokens: draw_head(path, head_of(tokens)),
    "lens": lambda path, tokens: draw_lens(path, lens_of(tokens)),
    "attribution": lambda path, tokens: draw_attribution(path, attribution_of(tokens)),
}
every_picture = pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)


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
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


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
    with pytest.raises(OutputError, match=r"a\.png cannot be written"):
        draw(tmp_path / "none" / "a.png", 2)
