"""A real server in a thread, and a model that writes as slowly as a test needs."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import openai
from fastapi import FastAPI

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.engine.backend import Logits
from gptcli.engine.engine import Engine
from gptcli.serving.app import make_app
from gptcli.serving.lane import Lane
from gptcli.serving.listening import listen, port_of
from gptcli.serving.running import run_server
from gptcli.serving.samplers import Samplers
from gptcli.serving.served import Models, ServedLanguageModel
from gptcli.serving.settings import ServeSettings
from gptcli.serving.worker import EngineWorker
from gptcli.tasks.dialogue_formats import dialogue_format
from tests.engine.fake import FakeBackend

PATH = "/v1/completions"
NEVER = threading.Event()
ENDLESS = 50_000
"""More tokens than any test waits for."""


@dataclass(slots=True, kw_only=True)
class SlowBackend(FakeBackend):
    """A backend that says any token for ever, some hundred times a second, and fails when it is told to."""

    uniform: bool = True
    seconds: float = 0.002
    fails: Exception | None = None
    is_at_work: threading.Event = field(default_factory=threading.Event)
    """Set by every step."""

    def decode(self, tokens: Sequence[int], lengths: Sequence[int], top: int) -> Logits:
        """Append a token to each slot."""
        self.is_at_work.set()
        NEVER.wait(self.seconds)
        if self.fails is not None:
            fails, self.fails = self.fails, None
            raise fails
        return self._logits(range(len(tokens)), top)

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy nothing: all slots are alike."""


def slow_model(tiny: Path, backend: FakeBackend, *, queue: int) -> ServedLanguageModel:
    """Return a model that a fake backend writes for, with a context that never ends; its tokens are characters."""
    config = replace(read_config(tiny), n_positions=10**6, eos_token_ids=(), vocab_size=backend.vocab_size)
    tokenizer = load_tokenizer(tiny, read_config(tiny))

    def no_inspector() -> Any:
        raise NotImplementedError

    return ServedLanguageModel(
        id="slow",
        created=0,
        directory=tiny,
        config=config,
        tokenizer=tokenizer,
        dialogue=dialogue_format(tiny, "slow", None),
        samplers=Samplers(()),
        worker=EngineWorker(Engine(backend, tokenizer.token_bytes, ()), "slow", queue=queue),
        inspector=Lane("inspector", no_inspector, queue=queue),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A server that runs."""

    app: FastAPI
    port: int
    stop: threading.Event
    """Set, it has the server drain and end."""
    thread: threading.Thread

    def post(self, body: dict[str, Any]) -> httpx.Response:
        """Return the answer to a request for completions."""
        with self._client() as client:
            return client.post(PATH, json=body)

    @contextmanager
    def stream(self, body: dict[str, Any]) -> Iterator[httpx.Response]:
        """Return an answer that is read piece by piece."""
        with self._client() as client, client.stream("POST", PATH, json=body) as answer:
            yield answer

    def wait_for(self, *, running: int, waiting: int) -> None:
        """Wait until the engine of the first model has so many sequences."""
        worker = self.app.state.server.models.all[0].worker
        while (worker.load.running, worker.load.waiting) != (running, waiting):
            NEVER.wait(0.01)

    def sent(self, body: dict[str, Any]) -> socket.socket:
        """Return the connection on which a request has been sent."""
        content = json.dumps(body).encode()
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
        return connection

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)


@contextmanager
def live(app: FastAPI) -> Iterator[Live]:
    """Run a server while the block lasts."""
    sockets = listen("127.0.0.1", 0)
    stop = threading.Event()
    thread = threading.Thread(target=run_server, args=(app, sockets, stop.is_set, lambda: None), daemon=True)
    thread.start()
    try:
        yield Live(app=app, port=port_of(sockets), stop=stop, thread=thread)
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()


def client_of(server: Live, api_key: str = "none") -> openai.OpenAI:
    """Return a client of the openai package that asks once and no more."""
    return openai.OpenAI(base_url=f"http://127.0.0.1:{server.port}/v1", api_key=api_key, max_retries=0)


@contextmanager
def slow_server(
    tiny: Path, *, slots: int = 1, queue: int = 1, seconds: float = 0.002, **settings: Any
) -> Iterator[tuple[Live, SlowBackend]]:
    """Run a server whose model never comes to an end by itself."""
    backend = SlowBackend(slots=slots, seconds=seconds)
    models = Models([slow_model(tiny, backend, queue=queue)])
    try:
        with live(make_app(ServeSettings(queue=queue, **settings), models)) as server:
            yield server, backend
    finally:
        models.close()
