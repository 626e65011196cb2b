"""Bring a server to its end: what runs may finish, what comes anew is refused."""

import asyncio

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gptcli.serving.errors import ApiError

STILL_ANSWERED = ("/health", "/metrics")
"""Paths by which one sees that a server is ending."""


class Drain:
    """Counts the requests on their way, and knows whether the server takes any more."""

    def __init__(self) -> None:
        self.has_begun = False
        self._requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def begin(self) -> None:
        """Take no more requests."""
        self.has_begun = True

    async def wait(self, seconds: float) -> bool:
        """Wait until no request is on its way, for so long at most; return whether none is."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def enter(self) -> None:
        """Count a request that has come."""
        self._requests += 1
        self._idle.clear()

    def leave(self) -> None:
        """Count a request that is answered."""
        self._requests -= 1
        if not self._requests:
            self._idle.set()


class DrainMiddleware:
    """Refuses requests with 503 once the server is ending, and counts those that it lets through."""

    def __init__(self, app: ASGIApp, drain: Drain) -> None:
        self._app = app
        self._drain = drain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] in STILL_ANSWERED:
            await self._app(scope, receive, send)
            return
        if self._drain.has_begun:
            await _refusal()(scope, receive, send)
            return
        self._drain.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._drain.leave()


def _refusal() -> JSONResponse:
    error = ApiError(503, "The server is shutting down; ask another, or try again later", code="shutting_down")
    return JSONResponse(error.body, error.status, headers={"Connection": "close", "Retry-After": "5"})
