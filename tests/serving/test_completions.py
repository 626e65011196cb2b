"""POST /v1/completions: the four forms of a prompt, what is told beside the text, and what is refused."""

import math
from typing import Any

import pytest
from fastapi import FastAPI

from tests.decoding import reference
from tests.serving.asking import answer, app_of, complete, events_of, refusal, streamed

PATH = "/v1/completions"


@pytest.fixture(scope="module")
def app(tiny: Any) -> FastAPI:
    """Return a server of the tiny model, whose tokens are characters."""
    return app_of(tiny)


def test_an_answer_has_the_shape_of_openai(app: FastAPI) -> None:
    found = complete(app, "Hello", seed=1, max_tokens=3, temperature=0)
    assert (found["object"], found["id"][:5], found["model"]) == ("text_completion", "cmpl-", app_models(app)[0].id)
    assert found["usage"] == {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    (choice,) = found["choices"]
    assert set(choice) == {"text", "index", "logprobs", "finish_reason"}
    assert choice["logprobs"] is None


def app_models(app: FastAPI) -> Any:
    """Return the models of a server."""
    return app.state.server.models.all


def test_sixteen_tokens_are_written_unless_told_otherwise_or_as_many_as_there_is_room_for(app: FastAPI) -> None:
    forbidden = {"logit_bias": {"0": -100}}
    assert complete(app, "Hello", **forbidden)["usage"]["completion_tokens"] == 16
    assert complete(app, "H" * 45, **forbidden)["usage"]["completion_tokens"] == 4


def test_without_a_seed_texts_differ(app: FastAPI) -> None:
    texts = {complete(app, "Hello", temperature=1.5, top_k=0)["choices"][0]["text"] for _ in range(3)}
    assert len(texts) > 1


def test_echo_puts_the_prompt_in_front(app: FastAPI) -> None:
    plain = complete(app, ["Hello", "you"], seed=1, n=2)["choices"]
    echoed = complete(app, ["Hello", "you"], seed=1, n=2, echo=True)["choices"]
    prompts = ["Hello", "Hello", "you", "you"]
    assert [choice["text"] for choice in echoed] == [a + b["text"] for a, b in zip(prompts, plain, strict=True)]


def test_logprobs_are_those_of_transformers_for_the_prompt_and_what_follows(app: FastAPI, tiny: Any) -> None:
    import torch

    (choice,) = complete(app, "Hello", seed=5, max_tokens=6, logprobs=3, echo=True)["choices"]
    tokenizer = app_models(app)[0].tokenizer
    ids = tokenizer.encode("Hello") + [tokenizer.single_token(token) for token in choice["logprobs"]["tokens"][5:]]
    with torch.no_grad():
        expected = reference(tiny)(torch.tensor([ids])).logits[0].log_softmax(-1)
    told = choice["logprobs"]
    assert told["token_logprobs"][0] is told["top_logprobs"][0] is None
    for place in range(1, len(ids)):
        assert told["token_logprobs"][place] == pytest.approx(float(expected[place - 1, ids[place]]), abs=1e-4)
        best = expected[place - 1].topk(3)
        top = {tokenizer.token_text(int(token)): float(value) for value, token in zip(*best, strict=True)}
        found = told["top_logprobs"][place]
        assert found == pytest.approx(top | {told["tokens"][place]: told["token_logprobs"][place]}, abs=1e-4)


def test_each_tokens_offset_is_where_it_begins_in_the_text() -> None:
    prompt = "A \N{GRINNING FACE} caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    (choice,) = complete(app_of("builtin"), prompt, seed=5, max_tokens=20, logprobs=0, echo=True)["choices"]
    told, text = choice["logprobs"], choice["text"]
    ends = [*told["text_offset"][1:], len(text)]
    for token, begin, end in zip(told["tokens"], told["text_offset"], ends, strict=True):
        if "\\x" not in token and "\ufffd" not in text[begin:end]:
            assert text[begin:end] == token


def test_a_stop_text_ends_before_it_and_tokens_cut_off_stand_at_the_end(app: FastAPI) -> None:
    whole = complete(app, "Hello", seed=2, max_tokens=12)["choices"][0]["text"]
    stop = whole[4:6]
    (choice,) = complete(app, "Hello", seed=2, max_tokens=12, stop=stop, logprobs=0)["choices"]
    assert choice["text"] == whole[: whole.index(stop)]
    assert choice["finish_reason"] == "stop"
    assert "".join(choice["logprobs"]["tokens"]).replace("\u0120", " ") == choice["text"] + stop
    assert choice["logprobs"]["text_offset"][-2:] == [len(choice["text"])] * 2


def test_best_of_gives_the_samples_whose_tokens_are_likeliest_on_average(app: FastAPI) -> None:
    every = complete(app, "Hello", seed=4, n=6, logprobs=0, max_tokens=8)["choices"]
    best = complete(app, "Hello", seed=4, n=2, best_of=6, logprobs=0, max_tokens=8)
    mean = [math.fsum(one["logprobs"]["token_logprobs"]) / len(one["logprobs"]["tokens"]) for one in every]
    order = sorted(range(6), key=lambda number: -mean[number])
    assert [one["text"] for one in best["choices"]] == [every[number]["text"] for number in order[:2]]
    assert best["usage"]["completion_tokens"] == sum(len(one["logprobs"]["tokens"]) for one in every)


def test_no_tokens_and_echo_score_a_prompt(app: FastAPI) -> None:
    body = {"max_tokens": 0, "echo": True, "logprobs": 2}
    found = complete(app, ["Hello", "you"], **body)
    continued = complete(app, ["Hello", "you"], max_tokens=2, echo=True, logprobs=2)
    assert [choice["text"] for choice in found["choices"]] == ["Hello", "you"]
    assert found["usage"]["completion_tokens"] == 0
    for alone, longer in zip(found["choices"], continued["choices"], strict=True):
        count = len(alone["logprobs"]["tokens"])
        assert alone["logprobs"] == {name: values[:count] for name, values in longer["logprobs"].items()}


def test_without_tokens_and_echo_there_is_nothing_to_list(app: FastAPI) -> None:
    (choice,) = complete(app, "Hello", max_tokens=0, logprobs=2)["choices"]
    assert (choice["text"], choice["logprobs"]["tokens"], choice["finish_reason"]) == ("", [], "length")


def test_echoes_of_one_prompt_are_alike(app: FastAPI) -> None:
    first, *others = complete(app, "Hello", n=3, max_tokens=0, echo=True, logprobs=2)["choices"]
    assert others == [{**first, "index": 1}, {**first, "index": 2}]


def test_more_alternatives_than_are_told_at_once_are_refused(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """128 echoes of a long prompt, 20 alternatives a token, were 36 MB, and nobody else was served meanwhile."""
    monkeypatch.setattr("gptcli.serving.limits.MOST_ALTERNATIVES", 1000)
    status, message, param = refusal(
        app, PATH, {"prompt": "Hello", "n": 11, "max_tokens": 0, "echo": True, "logprobs": 20}
    )
    assert (status, param) == (400, "logprobs")
    assert message == "logprobs: 20 beside each of 55 tokens are too many: ask for 18, or for fewer texts or tokens"
    status, message, _ = refusal(app, PATH, {"prompt": "Hello", "n": 17, "max_tokens": 3, "logprobs": 20})
    assert (status, message[:46]) == (400, "logprobs: 20 beside each of 51 tokens are too ")


def test_a_stream_tells_everything_that_the_whole_answer_tells(app: FastAPI) -> None:
    body = {"prompt": ["Hello", "you"], "seed": 9, "n": 2, "logprobs": 2, "echo": True, "stop": ["a", "bc"]}
    whole = complete(app, **body)
    *events, last = streamed(app, PATH, {**body, "stream_options": {"include_usage": True}})
    assert (last["choices"], last["usage"]) == ([], whole["usage"])
    choices = [
        {"index": n, "text": "", "logprobs": {name: [] for name in whole["choices"][0]["logprobs"]}} for n in range(4)
    ]
    for event in events:
        assert event["usage"] is None
        (choice,) = event["choices"]
        joined = choices[choice["index"]]
        joined["text"] += choice["text"]
        joined["finish_reason"] = choice["finish_reason"]
        for name, values in choice["logprobs"].items():
            joined["logprobs"][name] += values
    assert choices == whole["choices"]


def test_a_stream_says_nothing_of_usage_unless_asked(app: FastAPI) -> None:
    assert all("usage" not in event for event in streamed(app, PATH, {"prompt": "Hello"}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": []}, "prompt must not be empty"),
        ({"prompt": 3}, "prompt should be a string, a list of strings"),
        ({"prompt": ["a", 3]}, r"prompt\[1\] should be a valid string"),
        ({"prompt": [1, "a"]}, r"prompt\[1\] should be a valid integer"),
        ({"prompt": [[1], [96]]}, r"prompt\[1\] has the token 96: the ids of .* are below 96"),
        ({"prompt": "\ud800"}, "prompt:? .*half of a surrogate pair"),
        ({"prompt": ["a", "H" * 49]}, r"prompt\[1\] has 49 tokens, and the context of .* holds 48: shorten it"),
        ({"prompt": "H" * 10_000_000}, "the body may have"),
        ({"prompt": "H" * 1_000_000}, "prompt has at least .* tokens, and the context of .* holds 48"),
        ({"prompt": "H" * 40, "max_tokens": 10}, "max_tokens is 10, .* 40 tokens .* has room for 9"),
        ({"max_tokens": -1}, "max_tokens should be greater than or equal to 0"),
        ({"max_tokens": True}, "max_tokens should be a valid integer"),
        ({"max_tokens": "3"}, "max_tokens should be a valid integer"),
        ({"n": 129}, "129 texts a prompt are too many: this server writes 128"),
        ({"n": 100, "prompt": ["a", "b"]}, "2 prompts with 100 texts each are 200 at once"),
        ({"prompt": [1] * 49}, "prompt has 49 tokens, and the context of .* holds 48"),
        ({"prompt": ["a"] * 129}, "129 prompts are too many at once: this server takes 128"),
        ({"best_of": 1, "n": 2}, "best_of must be n or more, 2, not 1"),
        ({"best_of": 2, "stream": True}, "best_of does not go with stream"),
        ({"max_tokens": 0, "stream": True}, "max_tokens: 0 does not go with stream"),
        ({"suffix": "end"}, "suffix is not supported here"),
        ({"presence_penalty": 0.5}, "presence_penalty is not supported here: use repetition_penalty"),
        ({"frequency_penalty": -1}, "frequency_penalty is not supported here"),
        ({"stop": ["a"] * 5}, "stop .*at most 4"),
        ({"stop": [""]}, r"stop\[0\] .*at least 1"),
        ({"stop": "a" * 257}, r"stop\[0\] should have at most 256 characters"),
        ({"logit_bias": {str(token): 1 for token in range(301)}}, "logit_bias .*at most 300"),
        ({"stop": "\udc80"}, r"stop\[0\] should be a valid string"),
        ({"temperature": -1}, "temperature should be greater than or equal to 0"),
        ({"top_p": 0}, "top_p should be greater than 0"),
        ({"logit_bias": {"96": 1}}, "logit_bias 96: the ids of .* are below 96"),
        ({"logit_bias": {"a": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"stream_options": {"include_usage": True}}, "stream_options goes with stream: true only"),
        ({"tempurature": 1}, "unknown field: tempurature"),
        ({"logprobs": 21}, "logprobs should be less than or equal to 20"),
        ({"logprobs": True}, "logprobs should be a valid integer"),
        ({"seed": 2**63}, "seed should be less than"),
        ({"seed": 1.5}, "seed should be a valid integer"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_done_is_refused_with_its_reason(app: FastAPI, fields: dict[str, Any], message: str) -> None:
    import re

    status, said, _ = refusal(app, PATH, {"prompt": "Hello", **fields})
    assert status == (413 if "body" in message else 400)
    assert re.search(message, said), said


def test_a_request_for_more_tokens_than_the_server_writes_is_refused(tiny: Any) -> None:
    small = app_of(tiny, max_new_tokens=40)
    status, message, param = refusal(small, PATH, {"prompt": "Hello", "n": 3, "max_tokens": 14})
    assert (status, param) == (400, "max_tokens")
    assert message.startswith("up to 42 tokens are too many for one request: this server writes 40")
    complete(small, "Hello", n=2, max_tokens=14)


@pytest.mark.parametrize(
    "fields",
    [
        {"suffix": None, "presence_penalty": 0, "frequency_penalty": 0.0, "user": "me", "best_of": None},
        {"suffix": "", "temperature": None, "top_k": None, "seed": None, "stop": None, "logit_bias": {}, "n": None},
        {"seed": -(2**63)},
        {"stop": []},
    ],
    ids=str,
)
def test_what_changes_nothing_is_taken(app: FastAPI, fields: dict[str, Any]) -> None:
    complete(app, "Hello", max_tokens=1, **fields)


def test_a_model_that_is_not_served_is_404_and_the_only_one_needs_no_name(app: FastAPI) -> None:
    status, message, param = refusal(app, PATH, {"prompt": "Hello", "model": "gpt-4"})
    name = app_models(app)[0].id
    assert (status, message, param) == (404, f"the model 'gpt-4' is not served here: there is {name}", "model")
    assert complete(app, "Hello", model=name)["model"] == name


def test_a_body_that_is_no_json_leaves_the_server_up(app: FastAPI) -> None:
    import asyncio

    import httpx

    async def post(content: bytes, kind: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            return await client.post(PATH, content=content, headers={"Content-Type": kind})

    for content in (b"", b"{", b"[]", b"null", b'{"prompt": "\xff"}', b'{"prompt": NaN}', b"[" * 100_000):
        response = asyncio.run(post(content, "application/json"))
        assert response.status_code == 400, content
        assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert asyncio.run(post(b'{"prompt": "Hello"}', "text/plain")).status_code == 415
    assert events_of(answer(app, PATH, {"prompt": "Hello", "stream": True}).text)
