"""Clients that leave, that do not read or whose time is up, and a server that comes to its end."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from gptcli.serving.app import make_app
from gptcli.serving.listening import listen
from gptcli.serving.running import run_server
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings
from tests.serving.asking import events_of
from tests.serving.live import ENDLESS, PATH, SlowBackend, slow_model, slow_server

SHORT: dict[str, Any] = {"prompt": "Hi", "max_tokens": 2}
USAGE = {"include_usage": True}
LONG: dict[str, Any] = {"prompt": "Hi", "max_tokens": ENDLESS}


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_frees_its_slot(tiny: Path, stream: bool) -> None:
    with slow_server(tiny) as (server, backend):
        with server.sent({**LONG, "stream": stream}) as connection:
            if stream:
                assert connection.recv(20).startswith(b"HTTP/1.1 200")
            assert backend.is_at_work.wait(30)
        assert server.post(SHORT).json()["usage"]["completion_tokens"] == 2


def test_a_client_that_leaves_while_it_waits_is_never_written_for(tiny: Path) -> None:
    with slow_server(tiny) as (server, backend):
        running, waiting = server.sent(LONG), server.sent({**LONG, "prompt": "Hello"})
        server.wait_for(running=1, waiting=1)
        waiting.close()
        server.wait_for(running=1, waiting=0)
        running.close()
        server.wait_for(running=0, waiting=0)
        assert server.post({**SHORT, "prompt": "H"}).status_code == 200
        assert [lengths[0] for lengths in backend.prefills] in ([2, 1], [5, 1])


def test_a_full_queue_answers_429_with_a_time_to_come_again(tiny: Path) -> None:
    with slow_server(tiny, queue=0) as (server, backend):
        with server.sent(LONG):
            assert backend.is_at_work.wait(30)
            answer = server.post(SHORT)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
        assert answer.json()["error"]["code"] == "queue_full"


def test_a_reader_that_does_not_read_holds_no_slot_no_bytes_and_misses_nothing(tiny: Path) -> None:
    model = slow_model(tiny, SlowBackend(slots=1, seconds=0), queue=1)
    app = make_app(ServeSettings(), Models([model]))
    sent: list[dict[str, Any]] = []

    async def work() -> None:
        body = json.dumps({**LONG, "max_tokens": 2000, "stream": True, "stream_options": USAGE}).encode()
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])
        is_read = asyncio.Event()

        async def receive() -> dict[str, Any]:
            return next(asked, None) or await asyncio.Future()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message["type"] == "http.response.body":
                await is_read.wait()

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
        answering = asyncio.ensure_future(app(scope, receive, send))  # type: ignore[arg-type]
        while not sent or model.worker.load.running or model.worker.load.waiting:
            await asyncio.sleep(0.01)
        assert len(sent) == 2
        is_read.set()
        await answering

    asyncio.run(work())
    model.close()
    chunks = [message["body"] for message in sent[1:]]
    *pieces, end, last = events_of(b"".join(chunks).decode())
    assert last["usage"]["completion_tokens"] == 2000
    assert sum(len(piece["choices"][0]["text"]) for piece in pieces) >= 2000
    assert end["choices"][0]["finish_reason"] == "length"


def test_an_answer_that_takes_too_long_is_broken_off_with_a_word_of_why(tiny: Path) -> None:
    with slow_server(tiny, timeout_seconds=0.3) as (server, _):
        whole = server.post(LONG)
        assert whole.status_code == 504
        assert "within the 0.3 seconds" in whole.json()["error"]["message"]
        streamed = server.post({**LONG, "stream": True})
        assert streamed.status_code == 200
        *_, last, rest = streamed.text.split("\n\n")
        assert (json.loads(last.removeprefix("data: "))["error"]["code"], rest) == ("timeout", "")
        assert server.post(SHORT).status_code == 200


def test_an_engine_that_fails_in_a_stream_is_told_in_it(tiny: Path) -> None:
    with slow_server(tiny) as (server, backend):
        with server.stream({**LONG, "stream": True}) as answer:
            lines = answer.iter_lines()
            assert "choices" in next(lines)
            backend.fails = ZeroDivisionError()
            *_, last, _ = lines
        assert "the server has failed" in json.loads(last.removeprefix("data: "))["error"]["message"]
        backend.fails = ZeroDivisionError()
        assert server.post({**LONG, "max_tokens": 50, "stream": True}).status_code in (200, 500)
        assert server.post(SHORT).status_code == 200


def test_a_server_that_ends_finishes_what_runs_and_refuses_what_comes(tiny: Path) -> None:
    with slow_server(tiny, slots=2) as (server, _):
        body = {**LONG, "max_tokens": 400, "stream": True, "stream_options": USAGE}
        with server.stream(body) as answer:
            lines = answer.iter_lines()
            first = next(lines)
            server.stop.set()
            while (refused := server.post({**SHORT, "max_tokens": 1})).status_code == 200:
                pass
            text = "\n".join((first, *lines))
        assert events_of(f"{text}\n")[-1]["usage"]["completion_tokens"] == 400
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "shutting_down")
        assert "Retry-After" in refused.headers
        server.thread.join(30)
        with pytest.raises(httpx.ConnectError):
            server.post(SHORT)


def test_a_server_that_ends_breaks_off_what_takes_too_long(tiny: Path) -> None:
    with slow_server(tiny, drain_seconds=0.2) as (server, _):
        with server.stream({**LONG, "stream": True}) as answer:
            lines = answer.iter_lines()
            next(lines)
            server.stop.set()
            *_, last, _ = lines
        assert json.loads(last.removeprefix("data: "))["error"]["code"] == "shutting_down"
        server.thread.join(30)
        assert not server.thread.is_alive()


def test_a_server_that_ends_tells_who_has_not_sent_all_and_nobody_else(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """This was a traceback on standard error, and "Internal Server Error" for the client."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
    with (
        slow_server(tiny, drain_seconds=0.2) as (server, _),
        socket.create_connection(("127.0.0.1", server.port), 60) as connection,
    ):
        connection.sendall(head.encode() + b"{")
        assert server.post(SHORT).status_code == 200
        server.stop.set()
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"shutting_down" in answer
    assert not [record for record in caplog.records if record.exc_info]


def test_a_server_that_is_asked_to_stop_twice_at_once_breaks_off_nothing_where_nothing_runs(tiny: Path) -> None:
    models = Models([slow_model(tiny, SlowBackend(slots=1), queue=1)])
    sockets = listen("127.0.0.1", 0)
    try:
        assert run_server(make_app(ServeSettings(), models), sockets, lambda: 2, lambda: None)
    finally:
        models.close()


def test_a_request_may_have_any_time(tiny: Path) -> None:
    with slow_server(tiny, timeout_seconds=1e300) as (server, _):
        assert server.post(SHORT).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /he"])
def test_a_connection_on_which_no_request_comes_whole_is_closed(tiny: Path, sent: bytes) -> None:
    """A client that sent "GET /health HT" and no more kept its connection, and with it a file descriptor, for ever."""
    with slow_server(tiny, timeout_seconds=0.2) as (server, _):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(sent)
            while connection.recv(1000):
                pass
        assert server.post(SHORT).status_code == 200
