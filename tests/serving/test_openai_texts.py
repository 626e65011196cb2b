"""The openai package against a server that listens: completions and conversations, whole and as streams."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import openai
import pytest
from fastapi import FastAPI
from openai.types import Completion
from openai.types.chat import ChatCompletion

from tests.serving.asking import answered, app_of, complete
from tests.serving.generated import written
from tests.serving.live import client_of, live

PROMPTS = ["Once upon a time", "The dog"]
HELLO: list[Any] = [{"role": "user", "content": "Hello, Lily!"}]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return app_of("builtin")


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[openai.OpenAI]:
    with live(app) as server, client_of(server) as client:
        yield client


def texts_of(events: Iterable[Any]) -> list[str]:
    """Return the texts that a stream has brought, by their index."""
    texts: dict[int, str] = defaultdict(str)
    for event in events:
        for choice in event.choices:
            texts[choice.index] += choice.text if hasattr(choice, "text") else choice.delta.content or ""
    return [texts[index] for index in sorted(texts)]


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": PROMPTS[0]},
        {"prompt": PROMPTS, "n": 3, "temperature": 0.7, "top_p": 0.9},
        {"prompt": [11, 262]},
        {"prompt": [[11, 262], [11]], "n": 2},
        {"prompt": PROMPTS[0], "n": 2, "best_of": 4},
        {"prompt": PROMPTS, "echo": True},
        {"prompt": PROMPTS[0], "logprobs": 3},
        {"prompt": PROMPTS[0], "stop": ["."], "max_tokens": 60},
        {"prompt": PROMPTS[0], "logit_bias": {"11": -100, "262": 5}},
        {"prompt": PROMPTS[0], "temperature": 0, "user": "me", "suffix": None},
    ],
    ids=str,
)
def test_a_completion_is_read_as_it_is_served_in_the_packages_own_types(
    client: openai.OpenAI, app: FastAPI, fields: dict[str, Any]
) -> None:
    found = client.completions.create(model="builtin", seed=7, **fields)
    expected = complete(app, model="builtin", seed=7, **fields)
    as_read = found.to_dict(exclude_none=False)
    assert (as_read["choices"], as_read["usage"]) == (expected["choices"], expected["usage"])
    strict = Completion.model_validate(expected, strict=True)  # reading alone checks nothing
    assert not any(one.model_extra for one in (strict, *strict.choices, strict.usage) if one)


def test_the_text_is_what_generate_writes(client: openai.OpenAI) -> None:
    found = client.completions.create(model="builtin", prompt=PROMPTS, n=2, seed=5, max_tokens=20)
    assert [(one.text, one.finish_reason) for one in found.choices] == written(PROMPTS, 5, 2, {"max_tokens": 20})


def test_our_own_fields_go_through_extra_body(client: openai.OpenAI) -> None:
    options = {"top_k": 5, "min_p": 0.01, "repetition_penalty": 1.2, "no_repeat_ngram_size": 2}
    found = client.completions.create(model="builtin", prompt=PROMPTS[0], seed=5, extra_body=options)
    assert [(found.choices[0].text, found.choices[0].finish_reason)] == written(PROMPTS[:1], 5, 1, options)


def test_the_probabilities_of_a_prompt_come_with_echo(client: openai.OpenAI) -> None:
    (choice,) = client.completions.create(
        model="builtin", prompt=PROMPTS[0], max_tokens=0, echo=True, logprobs=2
    ).choices
    assert choice.text == PROMPTS[0]
    assert choice.logprobs is not None
    first, *rest = choice.logprobs.token_logprobs or []
    assert first is None
    assert all(logprob < 0 for logprob in rest)
    assert [choice.text[begin] for begin in choice.logprobs.text_offset or []] == ["O", " ", " ", " "]


def test_a_stream_of_completions_brings_the_same_texts_and_then_the_usage(client: openai.OpenAI) -> None:
    fields: dict[str, Any] = {"model": "builtin", "prompt": PROMPTS, "n": 2, "seed": 3, "stop": ["."]}
    whole = client.completions.create(**fields)
    *events, last = client.completions.create(**fields, stream=True, stream_options={"include_usage": True})
    assert texts_of(events) == [choice.text for choice in whole.choices]
    assert {event.id for event in events} == {last.id}
    assert (last.choices, last.usage) == ([], whole.usage)


def test_a_stream_without_usage_ends_with_the_text(client: openai.OpenAI) -> None:
    *_, last = client.completions.create(model="builtin", prompt="The", seed=3, stream=True)
    assert (last.usage, last.choices[0].finish_reason) == (None, "length")


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 5},
        {"n": 2, "max_completion_tokens": 20},
        {"stop": [" "], "max_tokens": 20},
        {"logprobs": True, "top_logprobs": 2, "max_tokens": 8},
    ],
    ids=str,
)
def test_a_conversation_is_read_as_it_is_served_in_the_packages_own_types(
    client: openai.OpenAI, app: FastAPI, fields: dict[str, Any]
) -> None:
    found = client.chat.completions.create(model="builtin", messages=HELLO, seed=2, **fields)
    expected = answered(app, "/v1/chat/completions", {"model": "builtin", "messages": HELLO, "seed": 2, **fields})
    as_read = found.to_dict(exclude_none=False)
    assert (as_read["choices"], as_read["usage"]) == (expected["choices"], expected["usage"])
    strict = ChatCompletion.model_validate(expected, strict=True)
    assert not any(one.model_extra for one in (strict, *strict.choices, strict.choices[0].message))


def test_a_conversation_goes_on_with_the_message_that_came_back(client: openai.OpenAI) -> None:
    first = client.chat.completions.create(model="builtin", messages=HELLO, seed=2, max_tokens=10)
    message: Any = first.choices[0].message
    longer: list[Any] = [*HELLO, message, {"role": "user", "content": "Why?"}]
    assert client.chat.completions.create(model="builtin", messages=longer, seed=2, max_tokens=5).usage


def test_a_stream_of_a_conversation_brings_the_same_answers_and_then_the_usage(client: openai.OpenAI) -> None:
    fields: dict[str, Any] = {"model": "builtin", "messages": HELLO, "n": 2, "seed": 4, "max_tokens": 30}
    whole = client.chat.completions.create(**fields)
    *events, last = client.chat.completions.create(**fields, stream=True, stream_options={"include_usage": True})
    assert texts_of(events) == [choice.message.content for choice in whole.choices]
    assert events[0].choices[0].delta.role == "assistant"
    assert (last.choices, last.usage) == ([], whole.usage)


def test_the_packages_helper_for_streams_reads_them_too(client: openai.OpenAI) -> None:
    fields: dict[str, Any] = {"model": "builtin", "messages": HELLO, "seed": 4, "stop": ["."], "max_tokens": 60}
    with client.chat.completions.stream(**fields) as stream:
        content = stream.get_final_completion().choices[0].message.content
    assert content == client.chat.completions.create(**fields).choices[0].message.content
