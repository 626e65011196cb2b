"""Surprisal of texts: it sums to evaluate's log-likelihood, and its tokens are the text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gptcli.checkpoint.locate import locate
from gptcli.engine.inspector import LoadedInspector, load_inspector
from gptcli.engine.options import ModelOptions
from gptcli.tasks.explain_events import Figures, bits_of
from gptcli.tasks.explained import explain_text
from gptcli.tasks.text_windows import text_spans
from tests.command import gptcli

HOSTILE = ["", "a", "\0", "🙂", "é🙂é", "שלום עולם", "\x1b[31mred", "  spaces  \n\n", "<|endoftext|> x", "e\u0301"]
LONG = "The little dog ran to the big tree and sat down. " * 90


@pytest.fixture(scope="module")
def builtin() -> LoadedInspector:
    """Return the model that ships."""
    return load_inspector(locate("builtin", on_progress=lambda *_: None), ModelOptions(device="cpu"))


@pytest.mark.parametrize("text", [*HOSTILE, LONG])
def test_the_tokens_of_a_text_are_the_text(builtin: LoadedInspector, text: str) -> None:
    tokens = explain_text(builtin, text, 1).tokens
    assert "".join(text[token.start : token.end] for token in tokens) == text
    assert b"".join(builtin.tokenizer.token_bytes(token.token) for token in tokens) == text.encode()


def test_surprisal_sums_to_the_log_likelihood_of_evaluate_beyond_the_context_too(
    builtin: LoadedInspector, tmp_path: Path
) -> None:
    texts = ["Once upon a time there was a fox.", "🙂 שלום", LONG]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    ended = gptcli(f"evaluate {tmp_path}/in.jsonl -m builtin --per-row {tmp_path}/rows.jsonl")
    assert ended.code == 0, ended.err
    rows = [json.loads(line)["scores"]["builtin"] for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == len(texts)
    for text, row in zip(texts, rows, strict=True):
        figures = explain_text(builtin, text, 0).figures
        assert figures.total == pytest.approx(bits_of(-row["nats"]), rel=1e-5)
        assert figures.tokens == row["tokens"]
        assert figures.bits_per_byte == pytest.approx(row["bits_per_byte"], rel=1e-5)


def test_the_likeliest_token_of_rank_one_is_the_first_expected(builtin: LoadedInspector) -> None:
    tokens = explain_text(builtin, "Once upon a time there was a dog.", 3).tokens
    assert any(token.rank == 1 for token in tokens)
    for token in tokens:
        assert (token.rank == 1) == (token.top[0].token == token.token)
        assert [one.logprob for one in token.top] == sorted((one.logprob for one in token.top), reverse=True)


def test_without_a_beginning_of_text_token_nothing_predicts_the_first(builtin: LoadedInspector) -> None:
    bare = replace(builtin, config=replace(builtin.config, bos_token_id=None, eos_token_ids=()))
    explained = explain_text(bare, "Once upon a time", 2)
    first, *others = explained.tokens
    assert (first.logprob, first.bits, first.rank, first.entropy, first.top) == (None, None, None, None, ())
    assert all(token.bits is not None for token in others)
    assert explained.figures.tokens == len(others)
    assert explain_text(bare, "Once", 2).figures.total == 0


class SpelledTokenizer:
    """Knows only how its tokens are spelled."""

    def __init__(self, *spelled: str) -> None:
        self._spelled = spelled

    def token_bytes(self, token: int) -> bytes:
        """Return a spelling."""
        return self._spelled[token].encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("text", "spelled", "parts"),
    [
        ("a dog", (" a", " dog"), ["a", " dog"]),
        ("a   <x> b", ("a", "<x>", " b"), ["a", "   <x>", " b"]),
        ("a <x>   ", ("a", " ", "<x>"), ["a", " ", "<x>   "]),
        ("é!", ("\udcc3", "\udca9", "!"), ["", "é", "!"]),
        ("", (), []),
    ],
)
def test_spans_are_the_whole_text_whatever_a_tokenizer_adds_or_takes(
    text: str, spelled: tuple[str, ...], parts: list[str]
) -> None:
    tokenizer = SpelledTokenizer(*spelled)
    spans = text_spans(tokenizer, range(len(spelled)), text)  # type: ignore[arg-type]
    assert [text[start:end] for start, end in spans] == parts


def test_an_empty_text_has_no_bits() -> None:
    figures = Figures.of([], "")
    assert (figures.total, figures.mean, figures.max, figures.bits_per_byte) == (0, 0, 0, None)
    assert [figures.by(measure) for measure in ("max", "mean", "total", "bpb")] == [0, 0, 0, 0]


def test_each_measure_is_in_bits() -> None:
    figures = Figures.of([-0.6931471805599453, -2.0794415416798357], "four")
    assert [round(figures.by(measure), 6) for measure in ("max", "mean", "total", "bpb")] == [3, 2, 4, 1]
