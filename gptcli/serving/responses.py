"""The two ways to answer: one JSON object, or a stream of server-sent events that begins with the first text."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from gptcli.serving.connection import ClientLeftError, while_connected
from gptcli.serving.errors import ApiError
from gptcli.serving.observation import Observation
from gptcli.serving.sse import event

STREAM_TYPE = "text/event-stream"
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"content": {STREAM_TYPE: {"schema": {"type": "string"}}}},
}
"""What the OpenAPI document says of a route that streams if it is asked to, beside the object that it gives else."""

FAREWELL_SECONDS = 1
"""How long the last words to a client are tried: one that does not read gets none."""


async def answered(
    request: Request, seconds: float, observation: Observation, work: Coroutine[Any, Any, bytes]
) -> Response:
    """Return the JSON that work writes; raises ApiError as work does, and ClientLeftError."""
    with observation:
        content = await while_connected(request.receive, seconds, work)
    return Response(content, media_type="application/json")


class EventStream(Response):
    """Sends what a generator yields, at the pace at which the client reads; its headers go with the first bytes.

    What goes wrong before is an error like any other; what goes wrong after is the last event.
    """

    media_type = STREAM_TYPE

    def __init__(self, seconds: float, observation: Observation, chunks: AsyncGenerator[bytes]) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})  # a proxy is to pass on what comes
        del self.headers["content-length"]
        self._seconds = seconds
        self._observation = observation
        self._chunks = chunks
        self._has_begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream to its end, or to that of the client's patience."""
        try:
            with self._observation:
                await while_connected(receive, self._seconds, self._send_all(send))
        except ClientLeftError:
            return
        except ApiError as error:
            if not self._has_begun:
                raise
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL_SECONDS):
                    await _send(send, event(error.body), more=False)

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                if not self._has_begun:
                    self._has_begun = True
                    await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                await _send(send, chunk, more=True)
        await _send(send, b"", more=False)


async def _send(send: Send, body: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})
