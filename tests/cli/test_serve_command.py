"""gptcli serve: what it refuses at once, what it tells, and how it ends."""

import json
import logging
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import httpx
import pytest

from gptcli.cli.console import Console
from gptcli.cli.serving import Story
from tests.command import PATIENCE_SECONDS, Process, gptcli, started

JUNK = (
    b"\0\1\2\3\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"POST /v1/next HTTP/1.1\r\n",
    b"POST /v1/next HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
)
"""What no well-behaved client sends."""

pytestmark = pytest.mark.timeout(PATIENCE_SECONDS * 2)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server in a process of its own."""

    process: Process
    url: str
    told: list[str]
    """What it said until it was ready."""

    def get(self, path: str, **request) -> httpx.Response:
        return httpx.get(self.url.rstrip("/") + path, timeout=PATIENCE_SECONDS, **request)

    def post(self, path: str, **body) -> httpx.Response:
        return httpx.post(self.url.rstrip("/") + path, json=body, timeout=PATIENCE_SECONDS)

    def end(self, *numbers: signal.Signals) -> tuple[int, bytes, list[str]]:
        """Send signals; return the exit code, what went to stdout, and what was told."""
        for number in numbers:
            self.process.popen.send_signal(number)
        ended = self.process.end()
        return ended.code, ended.out, ended.err.splitlines()


@contextmanager
def serving(options: str, **environment: str) -> Iterator[Server]:
    """Start a server on a free port, and wait until it is ready."""
    with started(f"serve --port 0 --device cpu {options}", **environment) as process:
        told = []
        for line in process.stderr:
            told.append(line.decode().rstrip("\n"))
            found = re.search(r"at (http://\S+)", told[-1])
            if found:
                yield Server(process=process, url=found[1], told=told)
                return
        raise AssertionError(f"the server has ended: {told}")


@pytest.fixture(scope="module")
def taken() -> Iterator[int]:
    """Return a port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--port 65536", "--port must be between 0 and 65535, not 65536"),
        ("--port -1", "--port must be between 0 and 65535, not -1"),
        ("--queue -1", "--queue must be at least 0, not -1"),
        ("--timeout 0", "--timeout must be above 0, not 0"),
        ("--max-concurrent 0", "--max-concurrent must be at least 1, not 0"),
        ("--api-key ''", "--api-key must be one or more printable ASCII characters"),
        ("--api-key schl\u00fcssel", "--api-key must be one or more printable ASCII characters"),
        ("--cors https://a.example/path", "--cors https://a.example/path is no origin"),
        ("--cors a.example", "--cors a.example is no origin"),
        ("--allowed-host https://a.example", "--allowed-host https://a.example is no name"),
        ("--host no.such.host.invalid", "--host no.such.host.invalid: there is no such host"),
        ("--host 203.0.113.1", "--host 203.0.113.1 is no address of this machine"),
        ("--threads 0", "--threads must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_served_is_one_line_and_exit_2(options: str, said: str) -> None:
    ended = gptcli(f"serve -m builtin {options}")
    assert ended.code == 2
    assert ended.err.startswith(f"gptcli: error: {said}")
    assert ended.err.count("\n") == 1
    assert ended.out == b""


def test_a_port_in_use_is_told_before_a_model_is_opened(taken: int) -> None:
    ended = gptcli(f"serve -m /no/such/model --port {taken}")
    assert (ended.code, ended.err) == (
        2,
        f"gptcli: error: --port {taken} is in use: give another, or 0 for one that is free\n",
    )


def test_a_port_of_the_system_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    ended = gptcli("serve -m builtin --port 80")
    assert (ended.code, ended.err) == (
        2,
        "gptcli: error: --port 80 is kept for the system: give one from 1024 on\n",
    )


def test_a_model_that_is_not_there_is_exit_4() -> None:
    ended = gptcli("serve -m /no/such/model --port 0")
    assert ended.code == 4
    assert "/no/such/model" in ended.err


def test_two_models_of_one_name_are_refused(tmp_path: Path, tiny: Path) -> None:
    (tmp_path / tiny.name).symlink_to(tiny)
    ended = gptcli(f"serve -m {tiny} -m {tmp_path / tiny.name} --port 0 --device cpu")
    assert ended.code == 2
    assert f"two models go by the name {tiny.name}" in ended.err


def test_a_missing_extra_is_exit_7_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    ended = gptcli("serve -m builtin")
    assert ended.code == 7
    assert 'pip install "gptcli[serve]"' in ended.err


def logged(name: str, level: int, message: str, **console) -> str:
    """Return what is told of a log record."""
    stderr = StringIO()
    story = Story(Console(stdin=BytesIO(), stdout=BytesIO(), stderr=stderr, environment={}, **console))
    story.emit(logging.LogRecord(name, level, "", 0, message, (), None))
    return stderr.getvalue()


def test_what_the_server_logs_is_told_as_the_story() -> None:
    ours, web = "gptcli.serving", "uvicorn.error"
    assert logged(ours, logging.ERROR, "a model broke") == "gptcli: error: a model broke\n"
    assert logged(ours, logging.CRITICAL, "E: x\ny") == r"gptcli: bug: E: x\ny; run again with --traceback" + "\n"
    assert logged(ours, logging.INFO, "GET /") == logged(web, logging.ERROR, "Invalid HTTP request received.") == ""
    assert logged(web, logging.WARNING, "junk came", verbose=True) == "gptcli: junk came\n"


@pytest.mark.slow
def test_without_a_model_it_serves_the_one_that_ships_where_gpt2_cannot_be_had() -> None:
    with serving("") as server:
        assert server.told[0].startswith("gptcli: warning: ")
        assert server.get("/v1/models").json()["data"][0]["id"] == "builtin"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "last"), [(signal.SIGTERM, 143, "terminated"), (signal.SIGINT, 130, "interrupted")]
)
def test_it_tells_where_it_is_answers_and_ends_as_the_signal_says(number: signal.Signals, code: int, last: str) -> None:
    with serving("-m builtin") as server:
        assert re.fullmatch(
            r"gptcli: serving builtin at http://127\.0\.0\.1:\d+/ \(open it in a browser; Ctrl-C stops\)",
            server.told[-1],
        )
        assert server.get("/health").json() == {"status": "ok"}
        assert server.get("/").status_code == 200
        assert server.post("/v1/next", text="Once upon a").json()["candidates"]
        ended, out, told = server.end(number)
    assert (ended, out) == (code, b"")
    assert told[0].startswith("gptcli: stopping: what runs may finish within 30 seconds")
    assert told[-1] == f"gptcli: {last}"


@pytest.mark.slow
def test_quiet_tells_nothing_and_verbose_each_request(tiny: Path) -> None:
    with serving(f"-m {tiny} -v") as server:
        assert any("onnx backend" in line for line in server.told)
        server.get("/health")
        server.get("/no%0Asuch%1B[2J")
        _, out, told = server.end(signal.SIGTERM)
    assert out == b""
    assert any(re.fullmatch(r"gptcli: GET /health: 200, \d\.\d{3} s", line) for line in told)
    assert any(line.startswith(r"gptcli: GET /no\nsuch\x1b[2J: 404") for line in told)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with started(f"serve -m {tiny} -q --device cpu --port {port}") as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=PATIENCE_SECONDS)
                break
            except httpx.ConnectError:
                assert process.popen.poll() is None
        process.popen.send_signal(signal.SIGTERM)
        ended = process.end()
    assert (ended.code, ended.out, ended.err) == (143, b"", "")


@pytest.mark.slow
def test_what_lets_in_more_people_than_may_be_meant_is_warned_of(tiny: Path) -> None:
    with serving(f"-m {tiny} --host 0.0.0.0 --cors '*'") as server:
        assert server.url.startswith("http://localhost:")
        warnings = [line for line in server.told if line.startswith("gptcli: warning: ")]
    assert len(warnings) == 2
    assert "GPTCLI_API_KEY" in warnings[0]
    assert "--cors" in warnings[1]
    with serving(f"-m {tiny} --api-key secret") as server:
        assert "other users of this machine can see --api-key" in server.told[0]
        assert server.get("/v1/models").status_code == 401
        assert server.get("/v1/models", headers={"Authorization": "Bearer secret"}).status_code == 200


@pytest.mark.slow
def test_the_environment_gives_the_key_and_the_model(tiny: Path) -> None:
    with serving("--host 0.0.0.0", GPTCLI_API_KEY="secret", GPTCLI_MODEL=str(tiny)) as server:
        assert not [line for line in server.told if "warning" in line]
        assert server.get("/v1/models").status_code == 401
        told = server.get("/v1/models", headers={"Authorization": "Bearer secret"}).json()
    assert [model["id"] for model in told["data"]] == [tiny.name]


@pytest.mark.slow
def test_a_request_that_runs_is_finished_and_a_new_one_refused(builtin: Path) -> None:
    with serving("-m builtin") as server:
        body = {"prompt": "Once", "max_tokens": 300, "stream": True, "top_k": 1, "logit_bias": {"0": -100}}
        with httpx.stream("POST", f"{server.url}v1/completions", json=body, timeout=PATIENCE_SECONDS) as response:
            lines = response.iter_lines()
            assert next(lines).startswith("data: ")
            server.process.popen.send_signal(signal.SIGTERM)
            while server.process.stderr.readline().startswith(b"gptcli: stopping") is False:
                pass
            assert server.get("/health").json() == {"status": "stopping"}
            assert server.get("/v1/models").status_code == 503
            assert [line for line in lines if line][-1] == "data: [DONE]"
        ended = server.process.end()
    assert ended.code == 143
    assert "broken off" not in ended.err


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once_and_clients_are_told() -> None:
    """This was a traceback on standard error, "Internal Server Error", and a stream that broke off without a word."""
    body = {"prompt": "Once", "max_tokens": 400, "n": 64}
    with serving("-m builtin --max-concurrent 128") as server, ThreadPoolExecutor(1) as pool:
        whole = pool.submit(server.post, "/v1/completions", **body)
        url = f"{server.url}v1/completions"
        with httpx.stream("POST", url, json=body | {"stream": True}, timeout=PATIENCE_SECONDS) as response:
            lines = response.iter_lines()
            assert next(lines)
            server.process.popen.send_signal(signal.SIGINT)
            assert server.process.stderr.readline().startswith(b"gptcli: stopping")
            server.process.popen.send_signal(signal.SIGINT)
            events = [json.loads(line[6:]) for line in lines if line]
        ended = server.process.end()
    assert events[-1]["error"]["code"] == "shutting_down"
    assert (whole.result().status_code, whole.result().json()["error"]["code"]) == (503, "shutting_down")
    assert (ended.code, ended.out) == (130, b"")
    assert ended.err.splitlines() == [
        "gptcli: warning: requests that still ran were broken off",
        "gptcli: interrupted",
    ]


@pytest.mark.slow
def test_broken_requests_leave_it_up_and_silent(tiny: Path) -> None:
    with serving(f"-m {tiny}") as server:
        port = int(server.url.rstrip("/").rpartition(":")[2])
        for junk in (
            b"\0\1\2\3\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
            b"POST /v1/next HTTP/1.1\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
                client.sendall(junk)
                client.shutdown(socket.SHUT_WR)
                while client.recv(4096):
                    pass
        assert server.get("/health").status_code == 200
        _, _, told = server.end(signal.SIGTERM)
    assert [line for line in told if not line.startswith("gptcli: stopping")] == ["gptcli: terminated"]
