"""/v1/score gives transformers' log-likelihoods of texts and of what follows them."""

from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI

from tests.inspecting import reference
from tests.serving.asking import app_of
from tests.serving.sending import answer, error_of, post


@pytest.fixture(scope="module")
def app(tiny: Path) -> FastAPI:
    return app_of(tiny)


def ids_of(text: str) -> list[int]:
    """Return the tokens of the tiny model, a byte each."""
    return [1 if character == " " else ord(character) - 0x21 + 2 for character in text]


def logprobs(directory: Path, ids: list[int]) -> np.ndarray:
    """Return transformers' log probability of each token but the first."""
    logits = reference(directory, ids).logits.astype(np.float64)
    totals = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    return np.array([logits[place, token] - totals[place] for place, token in enumerate(ids[1:])])


def test_a_text_alone_is_predicted_from_the_beginning_of_text_token(app: FastAPI, tiny: Path) -> None:
    told = answer(app, "/v1/score", text=["Hello there", "x"])
    for score, text in zip(told["data"], ["Hello there", "x"], strict=True):
        expected = logprobs(tiny, [0, *ids_of(text)])
        assert score["logprob"] == pytest.approx(expected.sum(), abs=1e-3)
        assert (score["tokens"], score["continuation"]) == (len(text), None)
    assert [score["index"] for score in told["data"]] == [0, 1]


def test_a_continuation_is_scored_behind_its_text(app: FastAPI, tiny: Path) -> None:
    told = answer(app, "/v1/score", text="Hello", continuation=[" there", " you"])
    for number, ending in enumerate([" there", " you"]):
        expected = logprobs(tiny, ids_of("Hello" + ending))[len("Hello") - 1 :]
        score = told["data"][number]
        assert score["logprob"] == pytest.approx(expected.sum(), abs=1e-3)
        assert (score["index"], score["continuation"], score["tokens"]) == (0, number, len(ending))


def test_every_text_is_scored_with_every_continuation(app: FastAPI) -> None:
    told = answer(app, "/v1/score", text=["a", "b"], continuation=["c", "d"])
    assert [(score["index"], score["continuation"]) for score in told["data"]] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_what_a_greedy_draw_writes_is_told_as_such(app: FastAPI) -> None:
    likeliest, second = (candidate["text"] for candidate in answer(app, "/v1/next", text="Hello", top=2)["candidates"])
    told = answer(app, "/v1/score", text="Hello", continuation=[likeliest, second])
    assert [score["is_greedy"] for score in told["data"]] == [True, False]


def test_a_text_that_fills_the_context_is_scored_whole(app: FastAPI) -> None:
    assert answer(app, "/v1/score", text="x" * 48)["data"][0]["tokens"] == 48


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"text": "x" * 49}, "text", "has 49 tokens, and there is room for 48"),
        ({"text": ""}, "text", "is empty"),
        ({"text": "x" * 40, "continuation": "y" * 9}, "continuation", "has 49 tokens"),
        ({"text": "x", "continuation": ""}, "continuation", "adds no token"),
        ({"text": ["x"] * 12, "continuation": ["y"] * 11}, "text", "has 132 texts"),
        ({"text": "\udc00"}, "text", "surrogate"),
    ],
)
def test_what_cannot_be_scored_is_told_with_its_field(app: FastAPI, body: dict, param: str, said: str) -> None:
    response = post(app, "/v1/score", **body)
    error = error_of(response)
    assert (response.status_code, error["param"]) == (400, param)
    assert said in error["message"]
