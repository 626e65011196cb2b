"""The openai package raises its own errors for ours, tries again where that helps, and frees what it lets go."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.serving.asking import app_of
from tests.serving.live import ENDLESS, Live, client_of, live, slow_server

KEY = "secret"
Call = Callable[[openai.OpenAI], Any]


@pytest.fixture(scope="module")
def server(tiny: Path) -> Iterator[Live]:
    with live(app_of(tiny, api_key=KEY)) as server:
        yield server


def complete(client: openai.OpenAI, **fields: Any) -> Any:
    """Ask for a completion."""
    return client.completions.create(**{"model": openai.omit, "prompt": "Hi", **fields})  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("call", "kind", "code", "param", "message"),
    [
        (lambda one: complete(one, suffix="end"), openai.BadRequestError, "invalid_value", "suffix", "fill a gap"),
        (lambda one: complete(one, prompt=[96]), openai.BadRequestError, None, "prompt", "are below 96"),
        (lambda one: complete(one, prompt="H" * 60), openai.BadRequestError, "context_length_exceeded", "prompt", "60"),
        (lambda one: complete(one, n=129), openai.BadRequestError, "limit_exceeded", "n", "writes 128"),
        (
            lambda one: complete(one, extra_body={"best": 1}),
            openai.BadRequestError,
            "unknown_parameter",
            "best",
            "unknown field",
        ),
        (lambda one: complete(one, model="gpt5"), openai.NotFoundError, "model_not_found", "model", "'gpt5'"),
        (lambda one: one.files.list(), openai.NotFoundError, "not_found", None, "nothing at GET /v1/files"),
        (
            lambda one: complete(one.with_options(api_key="other")),
            openai.AuthenticationError,
            "invalid_api_key",
            None,
            "is wrong",
        ),
        (
            lambda one: complete(one, extra_headers={"Host": "evil.example"}),
            openai.PermissionDeniedError,
            "host_not_allowed",
            None,
            "evil.example",
        ),
        (lambda one: complete(one, prompt="H" * 5_000_000), openai.APIStatusError, "request_too_large", None, "bytes"),
    ],
)
def test_an_error_is_the_packages_own(
    server: Live, call: Call, kind: type[openai.APIStatusError], code: str | None, param: str | None, message: str
) -> None:
    with client_of(server, KEY) as client, pytest.raises(kind, match=message) as caught:
        call(client)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_full_queue_is_a_rate_limit_error_that_says_when_to_come_again(tiny: Path) -> None:
    with slow_server(tiny, queue=0) as (server, _), client_of(server) as client:
        with complete(client, max_tokens=ENDLESS, stream=True) as stream:
            next(iter(stream))
            with pytest.raises(openai.RateLimitError, match="no more may wait") as caught:
                complete(client)
        assert (caught.value.code, caught.value.response.headers["Retry-After"]) == ("queue_full", "1")
        server.wait_for(running=0, waiting=0)


def test_the_package_tries_again_by_itself_where_the_queue_was_full(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    with slow_server(tiny, queue=0) as (server, _), client_of(server) as client:
        stream = complete(client, max_tokens=ENDLESS, stream=True)
        next(iter(stream))

        def leave_meanwhile(seconds: float) -> None:
            waits.append(seconds)
            stream.close()
            server.wait_for(running=0, waiting=0)

        monkeypatch.setattr("openai._base_client.time.sleep", leave_meanwhile)
        assert complete(client.with_options(max_retries=2), max_tokens=2).usage.completion_tokens == 2
    assert waits == [1]


def test_a_stream_that_is_closed_frees_its_slot(tiny: Path) -> None:
    with slow_server(tiny) as (server, _), client_of(server) as client:
        stream = complete(client, max_tokens=ENDLESS, stream=True)
        next(iter(stream))
        server.wait_for(running=1, waiting=0)
        stream.close()
        server.wait_for(running=0, waiting=0)


def test_what_goes_wrong_in_a_stream_is_raised_out_of_it(tiny: Path) -> None:
    with slow_server(tiny, timeout_seconds=0.3) as (server, _), client_of(server) as client:
        with pytest.raises(openai.APIError, match=r"within the 0\.3 seconds") as caught:
            list(complete(client, max_tokens=ENDLESS, stream=True))
        assert caught.value.code == "timeout"
        with pytest.raises(openai.InternalServerError, match=r"within the 0\.3 seconds") as whole:
            complete(client, max_tokens=ENDLESS)
        assert whole.value.status_code == 504


def test_an_engine_that_fails_is_an_internal_server_error(tiny: Path) -> None:
    with slow_server(tiny) as (server, backend), client_of(server) as client:
        backend.fails = ZeroDivisionError()
        with pytest.raises(openai.InternalServerError, match="the server has failed"):
            complete(client, max_tokens=50)


def test_a_server_that_ends_is_an_internal_server_error_and_lets_streams_end(tiny: Path) -> None:
    with slow_server(tiny, slots=2) as (server, _), client_of(server) as client:
        stream = iter(complete(client, max_tokens=400, stream=True))
        next(stream)
        server.stop.set()
        with pytest.raises(openai.InternalServerError, match="shutting down") as caught:
            for _ in iter(lambda: complete(client, max_tokens=1), None):
                pass
        *_, last = stream
    assert (caught.value.code, caught.value.status_code) == ("shutting_down", 503)
    assert last.choices[0].finish_reason == "length"
