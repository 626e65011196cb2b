"""POST /v1/chat/completions: a conversation in the model's own format, whole and as a stream."""

import re
from typing import Any

import pytest
from fastapi import FastAPI

from gptcli.tasks.dialogue import Turn
from tests.serving.asking import answered, app_of, complete, refusal, streamed

PATH = "/v1/chat/completions"
HELLO = [{"role": "user", "content": "Hello, Lily!"}]


@pytest.fixture(scope="module")
def app() -> FastAPI:
    """Return a server of the model that ships, which converses in the plain format."""
    return app_of("builtin")


def chat(app: FastAPI, messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """Return an answer."""
    return answered(app, PATH, {"messages": messages, **fields})


def test_an_answer_has_the_shape_of_openai(app: FastAPI) -> None:
    found = chat(app, HELLO, seed=1, max_tokens=5)
    assert (found["object"], found["id"][:9], found["model"]) == ("chat.completion", "chatcmpl-", "builtin")
    (choice,) = found["choices"]
    assert set(choice) == {"index", "message", "logprobs", "finish_reason"}
    assert (choice["message"]["role"], choice["message"]["refusal"], choice["logprobs"]) == ("assistant", None, None)
    assert found["usage"]["completion_tokens"] <= 5


def test_an_answer_continues_the_conversation_in_the_models_format_and_stops_before_the_next_turn(app: FastAPI) -> None:
    model = app.state.server.models.all[0]
    messages = [
        {"role": "developer", "content": "A talk."},
        *HELLO,
        {"role": "assistant", "content": "Hi!", "refusal": None, "tool_calls": None},
        {"role": "user", "content": [{"type": "text", "text": "Who "}, {"type": "text", "text": "are you?"}]},
    ]
    turns = [
        Turn(role="system", text="A talk."),
        Turn(role="user", text="Hello, Lily!"),
        Turn(role="assistant", text="Hi!"),
        Turn(role="user", text="Who are you?"),
    ]
    prompt = model.dialogue.tokens(turns, model.tokenizer)
    written = complete(app, prompt, seed=2, n=4, max_tokens=40, stop=list(model.dialogue.stop))
    found = chat(app, messages, seed=2, n=4, max_completion_tokens=40)
    assert [choice["message"]["content"] for choice in found["choices"]] == [
        choice["text"].strip() for choice in written["choices"]
    ]
    assert found["usage"] == written["usage"]


def test_without_a_limit_an_answer_may_fill_the_context(app: FastAPI) -> None:
    bias = {str(token): -100 for token in app.state.server.models.all[0].config.eos_token_ids}
    long = [{"role": "user", "content": "Hello" + " dog" * 360}]  # so that less is to be written, in less time
    usage = chat(app, long, seed=1, logit_bias={**bias, "11": 100}, temperature=0)["usage"]
    assert usage["total_tokens"] == app.state.server.models.all[0].config.n_positions + 1


def test_a_stream_tells_who_speaks_and_then_everything_that_the_whole_answer_tells(app: FastAPI) -> None:
    body = {"messages": HELLO, "seed": 3, "n": 3, "max_tokens": 30, "logprobs": True, "top_logprobs": 2}
    whole = answered(app, PATH, body)
    *events, last = streamed(app, PATH, {**body, "stream_options": {"include_usage": True}})
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    for expected in whole["choices"]:
        choices = [event["choices"][0] for event in events if event["choices"][0]["index"] == expected["index"]]
        assert choices[0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        tokens = [token for choice in choices if choice["logprobs"] for token in choice["logprobs"]["content"]]
        assert (text, tokens) == (expected["message"]["content"], expected["logprobs"]["content"])
        assert [choice["finish_reason"] for choice in choices[:-1]] == [None] * (len(choices) - 1)
        assert choices[-1]["finish_reason"] == expected["finish_reason"]


def test_logprobs_are_those_of_the_completion(app: FastAPI) -> None:
    model = app.state.server.models.all[0]
    prompt = model.dialogue.tokens([Turn(role="user", text="Hello, Lily!")], model.tokenizer)
    stop = list(model.dialogue.stop)
    expected = complete(app, prompt, seed=6, logprobs=2, max_tokens=10, stop=stop)["choices"][0]["logprobs"]
    found = chat(app, HELLO, seed=6, logprobs=True, top_logprobs=2, max_tokens=10)["choices"][0]["logprobs"]
    assert [token["token"] for token in found["content"]] == expected["tokens"]
    assert [token["logprob"] for token in found["content"]] == expected["token_logprobs"]
    for token in found["content"]:
        assert bytes(token["bytes"]).decode(errors="backslashreplace") == token["token"]
        assert len(token["top_logprobs"]) == 2
    none = chat(app, HELLO, seed=6, logprobs=True, max_tokens=1)["choices"][0]["logprobs"]["content"]
    assert none[0]["top_logprobs"] == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": []}, "messages must not be empty"),
        ({"messages": [{"role": "tool", "content": "x"}]}, r"messages\[0\]\.role should be 'system'"),
        ({"messages": [{"role": "user"}]}, r"messages\[0\]\.content is missing"),
        (
            {"messages": [{"role": "user", "content": 3}]},
            r"messages\[0\]\.content should be a string or a list of parts",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            # "or Field required, or Extra inputs are not permitted" stood behind it.
            r"messages\[0\]\.content\[0\].type should be 'text'$",
        ),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages.* half of a surrogate pair"),
        ({"messages": [{"role": "user", "content": "a b " * 2000}]}, "messages has .* tokens, and the context of"),
        ({"messages": [{"role": "user", "content": "H" * 1_000_000}]}, "messages has at least .* tokens"),
        ({"tools": [{"type": "function"}]}, "tools is not supported here: GPT-2 calls no tools"),
        ({"functions": [{}]}, "functions is not supported here"),
        ({"response_format": {"type": "json_object"}}, "response_format is not supported here"),
        ({"top_logprobs": 2}, "top_logprobs goes with logprobs: true only"),
        ({"max_tokens": 3, "max_completion_tokens": 3}, "max_tokens and max_completion_tokens mean the same"),
        ({"max_completion_tokens": 5000}, "max_completion_tokens is 5,000"),
        ({"max_tokens": 5000}, "^max_tokens is 5,000"),
        ({"best_of": 2}, "unknown field: best_of"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_done_is_refused_with_its_reason(app: FastAPI, fields: dict[str, Any], message: str) -> None:
    status, said, _ = refusal(app, PATH, {"messages": HELLO, **fields})
    assert status == 400
    assert re.search(message, said), said


def test_more_alternatives_than_are_told_at_once_are_refused(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gptcli.serving.limits.MOST_ALTERNATIVES", 1000)
    body = {"messages": HELLO, "n": 3, "max_tokens": 20, "logprobs": True, "top_logprobs": 20}
    said = "top_logprobs: 20 beside each of 60 tokens are too many: ask for 16, or for fewer tokens"
    assert refusal(app, PATH, body) == (400, said, "top_logprobs")


def test_what_changes_nothing_is_taken(app: FastAPI) -> None:
    chat(
        app,
        HELLO,
        max_tokens=1,
        tools=[],
        tool_choice="none",
        response_format={"type": "text"},
        store=False,
        modalities=["text"],
        user="me",
        presence_penalty=0,
    )
