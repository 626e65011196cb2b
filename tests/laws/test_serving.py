"""A completion over HTTP is what `gptcli generate` writes for the same prompt, options and seed, byte for byte."""

from typing import Any

import pytest

from tests.serving.asking import answers, app_of, complete, streamed
from tests.serving.generated import written

PROMPTS = [
    "Once upon a time",
    "",
    "The dog\n",
    "Lily \N{GRINNING FACE} \N{HEBREW LETTER ALEF} caf\N{LATIN SMALL LETTER E WITH ACUTE}",
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"temperature": 0},
    {"temperature": 1.5, "top_k": 0},
    {"temperature": 0.7, "top_p": 0.9, "min_p": 0.01, "top_k": 200},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2},
    {"stop": [".", " and"], "max_tokens": 60},
    {"logit_bias": {"11": -100, "262": 3.5}},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_completion_is_what_generate_writes(options: dict[str, Any]) -> None:
    app = app_of("builtin")
    choices = complete(app, PROMPTS, seed=7, n=3, **options)["choices"]
    assert [choice["index"] for choice in choices] == list(range(12))
    assert [(choice["text"], choice["finish_reason"]) for choice in choices] == written(PROMPTS, 7, 3, options)


def test_a_prompt_in_tokens_is_the_same_prompt() -> None:
    app = app_of("builtin")
    tokenizer = app.state.server.models.all[0].tokenizer
    tokens = [tokenizer.encode(prompt) for prompt in PROMPTS if prompt]
    by_text = complete(app, [prompt for prompt in PROMPTS if prompt], seed=3)["choices"]
    assert complete(app, tokens, seed=3)["choices"] == by_text
    assert complete(app, tokens[0], seed=3)["choices"] == by_text[:1]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_pieces_of_a_stream_are_the_whole_text(options: dict[str, Any]) -> None:
    app = app_of("builtin")
    body = {"prompt": PROMPTS, "seed": 11, "n": 2, **options}
    texts = [""] * 8
    for event in streamed(app, "/v1/completions", body):
        (choice,) = event["choices"]
        texts[choice["index"]] += choice["text"]
    assert texts == [text for text, _ in written(PROMPTS, 11, 2, options)]


def test_what_a_client_gets_does_not_depend_on_who_else_asks() -> None:
    app = app_of("builtin", max_concurrent=4)
    bodies = [
        {"prompt": prompt, "seed": seed, "n": 1 + seed % 3, "max_tokens": 5 + seed, **options}
        for seed, options in enumerate(OPTIONS)
        for prompt in PROMPTS[:2]
    ]
    together = [response.json()["choices"] for response in answers(app, "/v1/completions", bodies)]
    assert together == [complete(app, **body)["choices"] for body in bodies]
    first = [choice["text"] for choice in together[2]]
    assert first == [text for text, _ in written(PROMPTS[:1], 1, 2, {"temperature": 0, "max_tokens": 6})]
