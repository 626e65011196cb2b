"""The routes that look into a model say what transformers computes, in the forms that the page reads."""

import base64
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


def ids_of(app: FastAPI, text: str) -> list[int]:
    return [token["id"] for token in answer(app, "/v1/tokenize", text=text)["tokens"]]


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits.astype(np.float64) - logits.max())
    return exponentials / exponentials.sum()


def test_next_tells_the_likeliest_tokens_as_transformers_predicts_them(app: FastAPI, tiny: Path) -> None:
    told = answer(app, "/v1/next", text=TEXT, top=5)
    expected = softmax(reference(tiny, ids_of(app, TEXT)).logits[-1])
    best = np.argsort(-expected)[:5]
    assert [candidate["id"] for candidate in told["candidates"]] == best.tolist()
    probabilities = [candidate["probability"] for candidate in told["candidates"]]
    np.testing.assert_allclose(probabilities, expected[best], atol=1e-5)
    assert told["entropy_bits"] == pytest.approx(-(expected * np.log2(expected)).sum(), abs=1e-4)
    assert (told["model"], told["tokens"], told["dropped"]) == (tiny.name, len(TEXT), 0)


def test_next_tells_what_the_options_keep(app: FastAPI) -> None:
    plain = answer(app, "/v1/next", text=TEXT, top=10, top_k=0)
    kept = answer(app, "/v1/next", text=TEXT, top=10, top_k=3, temperature=0.5)
    assert (plain["kept"], kept["kept"]) == (96, 3)
    first = [candidate["kept_probability"] for candidate in kept["candidates"]]
    sharpened = np.array([candidate["probability"] for candidate in plain["candidates"][:3]]) ** 2
    np.testing.assert_allclose(first[:3], sharpened / sharpened.sum(), atol=1e-5)
    assert first[3:] == [0] * 7


def test_greedy_keeps_one_token(app: FastAPI) -> None:
    told = answer(app, "/v1/next", text=TEXT, temperature=0)
    assert told["kept"] == 1
    assert told["candidates"][0]["kept_probability"] == 1


def test_tokens_that_were_chosen_are_read_as_they_are(app: FastAPI) -> None:
    ids = ids_of(app, TEXT)
    whole = answer(app, "/v1/next", text=TEXT)
    assert answer(app, "/v1/next", text="Hello", append=ids[5:]) == whole
    assert answer(app, "/v1/next", text="", append=ids) == whole


def test_next_of_an_empty_text_goes_on_from_the_beginning_of_text_token(app: FastAPI) -> None:
    told = answer(app, "/v1/next", text="")
    assert told["tokens"] == 1
    assert told == answer(app, "/v1/next", text="", append=[0])


def test_of_a_text_that_the_context_does_not_hold_next_reads_the_end_and_says_so(app: FastAPI) -> None:
    told = answer(app, "/v1/next", text="x" * 60 + TEXT)
    assert (told["tokens"], told["dropped"]) == (48, 60 + len(TEXT) - 48)
    assert told["candidates"] == answer(app, "/v1/next", text=("x" * 60 + TEXT)[-48:])["candidates"]


def test_the_end_of_the_text_adds_nothing_to_it(app: FastAPI) -> None:
    (end,) = [c for c in answer(app, "/v1/next", text=TEXT, top=96)["candidates"] if c["id"] == 0]
    assert (end["token"], end["text"]) == ("<|endoftext|>", "")


def test_attention_is_that_of_transformers_a_row_a_token(app: FastAPI, tiny: Path) -> None:
    expected = reference(tiny, ids_of(app, TEXT)).attentions
    for layer, head in ((0, 0), (1, 3)):
        told = answer(app, "/v1/attention", text=TEXT, layer=layer, head=head)
        assert [len(row) for row in told["weights"]] == list(range(1, len(TEXT) + 1))
        for number, row in enumerate(told["weights"]):
            np.testing.assert_allclose(row, expected[layer, head, number, : number + 1], atol=2e-5)
            assert sum(row) == pytest.approx(1, abs=1e-4)
    assert "".join(told["tokens"]) == TEXT


def test_the_lens_ends_with_the_models_own_prediction(app: FastAPI) -> None:
    told = answer(app, "/v1/lens", text=TEXT, top=3)
    assert [layer["layer"] for layer in told["layers"]] == [0, 1, 2]
    assert told["position"] == len(TEXT) - 1
    last, own = told["layers"][-1], answer(app, "/v1/next", text=TEXT, top=3)
    assert [(t["id"], pytest.approx(t["probability"], abs=1e-5)) for t in last["top"]] == [
        (candidate["id"], candidate["probability"]) for candidate in own["candidates"]
    ]
    assert last["entropy_bits"] == pytest.approx(own["entropy_bits"], abs=1e-4)


def test_the_lens_at_a_position_sees_nothing_behind_it(app: FastAPI) -> None:
    told = answer(app, "/v1/lens", text=TEXT, position=4)
    assert told["layers"] == answer(app, "/v1/lens", text="Hello")["layers"]
    assert len(told["tokens"]) == len(TEXT)


def test_embeddings_are_the_mean_of_transformers_last_hidden_states(app: FastAPI, tiny: Path) -> None:
    told = answer(app, "/v1/embeddings", input=[TEXT, "x"])
    for index, text in enumerate([TEXT, "x"]):
        expected = reference(tiny, ids_of(app, text)).states[-1].mean(axis=0)
        np.testing.assert_allclose(told["data"][index]["embedding"], expected, atol=1e-4)
        assert told["data"][index]["index"] == index
    assert told["usage"] == {"prompt_tokens": len(TEXT) + 1, "total_tokens": len(TEXT) + 1}
    assert (told["object"], told["data"][0]["object"], told["model"]) == ("list", "embedding", tiny.name)


def test_embeddings_in_base64_are_the_same_32_bit_numbers(app: FastAPI) -> None:
    plain = answer(app, "/v1/embeddings", input=TEXT)["data"][0]["embedding"]
    packed = answer(app, "/v1/embeddings", input=TEXT, encoding_format="base64")["data"][0]["embedding"]
    assert np.frombuffer(base64.b64decode(packed), "<f4").tolist() == plain


def test_embeddings_take_tokens_too(app: FastAPI) -> None:
    ids = ids_of(app, TEXT)
    of_text = answer(app, "/v1/embeddings", input=[TEXT])["data"]
    assert answer(app, "/v1/embeddings", input=ids)["data"] == of_text
    assert answer(app, "/v1/embeddings", input=[ids])["data"] == of_text


@pytest.mark.parametrize(
    ("path", "body", "param", "said"),
    [
        ("/v1/attention", {"text": TEXT, "layer": 2, "head": 0}, "layer", "must be below 2, the number of layers"),
        ("/v1/attention", {"text": TEXT, "layer": 0, "head": 4}, "head", "must be below 4, the number of heads"),
        ("/v1/attention", {"text": "x" * 49, "layer": 0, "head": 0}, "text", "has 49 tokens, and there is room for 48"),
        ("/v1/attention", {"text": "", "layer": 0, "head": 0}, "text", "at least 1 character"),
        ("/v1/lens", {"text": TEXT, "position": 11}, "position", "must be below 11, the number of tokens"),
        ("/v1/lens", {"text": ""}, "text", "at least 1 character"),
        ("/v1/next", {"text": "\ud800"}, "text", "surrogate"),
        # It took 7 s and 1.2 GB to cut 4 MB into tokens, of which the last 1,024 were read.
        ("/v1/next", {"text": "x" * 262_145}, "text", "has 262,145 characters, and may have 262,144: send less"),
        ("/v1/detokenize", {"tokens": [1] * 262_145}, "tokens", "has 262,145 tokens, and may have 262,144"),
        ("/v1/next", {"text": "a", "append": [96]}, "append", "has the id 96, and those of this model are below 96"),
        ("/v1/next", {"text": "a", "repetition_penalty": 1e400}, "repetition_penalty", "finite"),
        ("/v1/embeddings", {"input": ""}, "input", "is empty"),
        ("/v1/embeddings", {"input": "x" * 49}, "input", "has 49 tokens"),
        ("/v1/embeddings", {"input": [96]}, "input", "has the id 96"),
        ("/v1/embeddings", {"input": TEXT, "dimensions": 8}, "dimensions", "must be 32"),
        ("/v1/embeddings", {"input": ["a"] * 129}, "input", "has 129 texts, and a request may have 128"),
        ("/v1/embeddings", {"input": "a", "model": "gpt5"}, "model", "'gpt5' is not served here"),
    ],
)
def test_what_cannot_be_looked_at_is_told_with_its_field(
    app: FastAPI, path: str, body: dict, param: str, said: str
) -> None:
    response = post(app, path, **body)
    error = error_of(response)
    assert response.status_code == (404 if param == "model" else 400)
    assert error["param"] == param
    assert said in error["message"]


def test_hostile_texts_are_read_as_any_other(app: FastAPI) -> None:
    for text in ("\0", "\x1b[2J", "x" * 100_000):
        assert answer(app, "/v1/next", text=text)["candidates"]
