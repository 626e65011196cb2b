"""Ask a server's application in this process: the answers to requests that come at the same time."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from gptcli.engine.options import ModelOptions
from gptcli.serving.app import make_app
from gptcli.serving.opening import open_models
from gptcli.serving.served import Models
from gptcli.serving.settings import ServeSettings

Body = Mapping[str, Any]
JSON = {"Content-Type": "application/json"}


@cache
def models_of(*names: str | Path, **settings: Any) -> Models:
    """Return models that are open, once for all tests; their threads end with the process."""
    steps = open_models([str(name) for name in names], ModelOptions(device="cpu"), ServeSettings(**settings))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def app_of(*names: str | Path, max_concurrent: int | None = None, queue: int = 128, **settings: Any) -> FastAPI:
    """Return the application of a server with these models."""
    opened = models_of(*names, max_concurrent=max_concurrent, queue=queue)
    return make_app(ServeSettings(max_concurrent=max_concurrent, queue=queue, **settings), opened)


def answers(app: FastAPI, path: str, bodies: Sequence[Body]) -> list[httpx.Response]:
    """Return the answers to POST requests that are sent together."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=60) as client:
            return await asyncio.gather(*(client.post(path, content=json.dumps(body), headers=JSON) for body in bodies))

    return asyncio.run(ask())


def answer(app: FastAPI, path: str, body: Body) -> httpx.Response:
    """Return the answer to one request."""
    return answers(app, path, [body])[0]


def answered(app: FastAPI, path: str, body: Body) -> dict[str, Any]:
    """Return the JSON of an answer that is no error."""
    response = answer(app, path, body)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def complete(app: FastAPI, prompt: object, **fields: Any) -> dict[str, Any]:
    """Return a completion, or completions."""
    return answered(app, "/v1/completions", {"prompt": prompt, **fields})


def refusal(app: FastAPI, path: str, body: Body) -> tuple[int, str, str | None]:
    """Return the status, the message and the field of an error."""
    response = answer(app, path, body)
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["message"], error["param"]


def events_of(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream that has come to its end."""
    *events, done, rest = text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def streamed(app: FastAPI, path: str, body: Body) -> list[dict[str, Any]]:
    """Return the events of the stream that a body asks for."""
    response = answer(app, path, {**body, "stream": True})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    return events_of(response.text)
