"""/v1/surprisal tells each token's probability at its place in the text, and sums to what evaluate says."""

import math
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI

from tests.inspecting import reference
from tests.serving.asking import app_of
from tests.serving.sending import answer, error_of, post

TEXT = "Hello there"


@pytest.fixture(scope="module")
def app(tiny: Path) -> FastAPI:
    return app_of(tiny)


def test_each_token_has_transformers_probability_rank_and_alternatives(app: FastAPI, tiny: Path) -> None:
    told = answer(app, "/v1/surprisal", text=TEXT, top=3)
    ids = [token["id"] for token in told["tokens"]]
    logits = reference(tiny, [0, *ids]).logits[:-1].astype(np.float64)
    logprobs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    for place, token in enumerate(told["tokens"]):
        expected = logprobs[place, token["id"]]
        assert token["logprob"] == pytest.approx(expected, abs=1e-4)
        assert token["bits"] == pytest.approx(-expected / math.log(2), abs=1e-4)
        assert token["rank"] == 1 + (logprobs[place] > expected).sum()
        assert token["entropy_bits"] == pytest.approx(
            -(np.exp(logprobs[place]) * logprobs[place]).sum() / math.log(2), abs=1e-3
        )
        assert [other["id"] for other in token["top"]] == np.argsort(-logprobs[place])[:3].tolist()
    assert told["bits"] == pytest.approx(sum(token["bits"] for token in told["tokens"]))
    assert told["bits_per_byte"] == pytest.approx(told["bits"] / len(TEXT))


def test_tokens_tell_where_they_stand_in_units_of_javascript(builtin: Path) -> None:
    text = "caf\u00e9 \U0001f984\U0001f984 fin"
    told = answer(app_of(builtin), "/v1/surprisal", text=text)
    units = text.encode("utf-16-le")
    parts = [units[2 * token["start"] : 2 * token["end"]].decode("utf-16-le") for token in told["tokens"]]
    assert "".join(parts) == text
    for token, after in zip(told["tokens"], told["tokens"][1:], strict=False):
        assert token["end"] == after["start"]


def test_the_sum_of_a_text_is_its_score(app: FastAPI) -> None:
    told = answer(app, "/v1/surprisal", text=TEXT)
    score = answer(app, "/v1/score", text=TEXT)["data"][0]
    assert told["bits"] == pytest.approx(-score["logprob"] / math.log(2), abs=1e-3)


def test_a_text_longer_than_the_context_is_read_in_windows(app: FastAPI) -> None:
    told = answer(app, "/v1/surprisal", text="abc " * 50, top=0)
    assert len(told["tokens"]) == 200
    assert all(token["top"] == [] for token in told["tokens"])


def test_an_empty_text_has_no_bits(app: FastAPI) -> None:
    assert answer(app, "/v1/surprisal", text="") == {
        "model": answer(app, "/v1/tokenize", text="")["model"],
        "tokens": [],
        "bits": 0,
        "bits_per_byte": None,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x" * 16_385, "has 16,385 tokens, and there is room for 16,384"),
        ("x" * 1_000_000, "tokens, and there is room for 16,384"),
        ("\udc00", "surrogate"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_field(app: FastAPI, text: str, said: str) -> None:
    error = error_of(post(app, "/v1/surprisal", text=text))
    assert error["param"] == "text"
    assert said in error["message"]


def test_more_alternatives_than_are_told_at_once_are_refused(app: FastAPI) -> None:
    error = error_of(post(app, "/v1/surprisal", text="x" * 4_000, top=41))
    assert error["param"] == "top"
    assert error["message"] == "top: 41 beside each of 4,000 tokens are too many: ask for 40, or shorten the text"
