"""Send one request of any kind to an application in this process, and read what comes of it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
from fastapi import FastAPI


def ask(app: FastAPI, method: str, path: str, **request: Any) -> httpx.Response:
    """Return the answer to one request."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **request)

    return asyncio.run(send())


def post(app: FastAPI, path: str, **body: Any) -> httpx.Response:
    """Return the answer to a body of JSON, with its escapes, and numbers that are none, as Python writes them."""
    return ask(app, "POST", path, content=json.dumps(body), headers={"Content-Type": "application/json"})


def answer(app: FastAPI, path: str, **body: Any) -> Any:
    """Return the object that a body of JSON is answered with, which must be a good one."""
    response = post(app, path, **body)
    assert response.status_code == 200, response.text
    return response.json()


def error_of(response: httpx.Response) -> dict[str, Any]:
    """Return the error that is told, which must be in OpenAI's shape."""
    told = response.json()
    assert set(told) == {"error"}
    error: dict[str, Any] = told["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def raw(app: FastAPI, chunks: Sequence[bytes], *, path: str, headers: Sequence[tuple[bytes, bytes]]) -> tuple[int, int]:
    """Send a body in chunks; return the status and how many of the chunks the application took before it answered.

    More of the body is announced behind the last chunk, and never comes.
    """
    taken = 0
    status = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken == len(chunks):
            await asyncio.Event().wait()
        chunk = chunks[taken]
        taken += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json"), *headers],
    }
    asyncio.run(app(scope, receive, send))
    return status, taken
