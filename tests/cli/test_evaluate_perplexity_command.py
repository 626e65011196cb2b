"""gptcli evaluate of texts: figures with their convention, protocols, streams and comparisons, as one types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended, gptcli
from tests.conftest import save_random_gpt2

STORY = "Once upon a time there was a little girl. She liked to play with her dog in the park.\n"
ROWS = ["Once upon a time.", "The dog ran to the park.", "They were happy."]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a directory with a text, and with rows of texts."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "story.txt").write_text(STORY * 60)
    (tmp_path / "rows.csv").write_text("".join(f"{row}\n" for row in ("text", *ROWS)))
    return tmp_path


def evaluate(options: str) -> Ended:
    """Evaluate the model that ships, which must go well."""
    ended = gptcli(f"evaluate -m builtin {options}")
    assert ended.code == 0, ended.err
    return ended


def report(options: str) -> dict[str, Any]:
    """Return what --json tells."""
    found: dict[str, Any] = json.loads(evaluate(f"{options} --json").out)
    return found


@pytest.mark.usefixtures("here")
def test_a_text_has_four_figures_and_their_convention_under_them() -> None:
    ended = evaluate("story.txt")
    assert ended.err == "gptcli: perplexity: story.txt is plain text\n"
    printed = ended.out.decode()
    names = [line.partition("  ")[0] for line in printed.splitlines()[1:5]]
    assert names == ["bits per byte", "perplexity per token", "perplexity per word", "perplexity per byte"]
    told = " ".join(printed.split())
    assert "protocol gptcli" in told
    assert "context 512, stride 256, bos yes" in told
    assert "tokens not scored 0" in told
    assert f"bytes {60 * len(STORY) - 1:,}" in told, "without the line end at its end"


@pytest.mark.usefixtures("here")
def test_a_single_text_tells_of_its_blocks_where_they_are() -> None:
    evaluate("story.txt --per-row rows.jsonl")
    rows = [json.loads(line) for line in Path("rows.jsonl").read_text().splitlines()]
    assert [(row["index"], row["origin"], row["scores"]["builtin"]["block"]) for row in rows] == [
        (0, "story.txt:1", 0),
        (0, "story.txt:1", 1),
    ]
    assert sum(row["scores"]["builtin"]["bytes"] for row in rows) == 60 * len(STORY) - 1


@pytest.mark.usefixtures("here")
def test_a_protocol_reads_the_file_as_it_is_and_puts_its_own_figure_first() -> None:
    found = report("story.txt --protocol gpt2-paper")
    (model,) = found["models"]
    assert next(iter(model["figures"])) == "word_perplexity"
    assert model["details"]["bytes"] == 60 * len(STORY)
    assert found["convention"]["words"] == "wikitext"
    llama = report("story.txt --protocol llama.cpp --context 32")
    assert llama["convention"]["context"] == llama["models"][0]["details"]["context"] == 32
    assert "stride" not in llama["convention"]


@pytest.mark.usefixtures("here")
def test_rows_can_be_read_as_one_stream() -> None:
    alone, stream = report("rows.csv"), report("rows.csv --separator '<|endoftext|>'")
    assert alone["scored"] == stream["scored"] == 3
    sizes = [found["models"][0]["details"]["tokens"] for found in (alone, stream)]
    assert sizes[0] == sizes[1], "the separator is not scored"
    assert stream["convention"]["separator"] == "<|endoftext|>"


def test_a_model_of_other_tokens_compares_by_bytes(here: Path) -> None:
    save_random_gpt2(here / "other")
    found = report("rows.csv --vs ./other")
    (comparison,) = found["comparisons"]
    assert list(comparison["differences"]) == ["bits_per_byte"]
    assert comparison["differences"]["bits_per_byte"]["wins"] == 3
    assert "token_perplexity" in found["incomparable"]


@pytest.mark.usefixtures("here")
def test_lines_and_a_protocol_of_whole_files_contradict_each_other() -> None:
    ended = gptcli("evaluate -m builtin story.txt --lines --protocol hf-docs")
    assert (ended.code, ended.out) == (2, b"")
    assert "--lines and a --protocol that reads files whole contradict each other" in ended.err
