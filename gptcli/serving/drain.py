"""Bring a server to its end: what runs may finish, what comes anew is refused."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send

from gptcli.serving.errors import ApiError

STILL_ANSWERED = ("/health", "/metrics")
"""Paths by which one sees that a server is ending."""
RETRY_AFTER_SECONDS = 5
"""About what a server takes to start again."""


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
            await shutting_down().response()(scope, receive, send)
            return
        self._drain.enter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._drain.leave()


def shutting_down() -> ApiError:
    """Return the error of a request that the server will not answer any more."""
    return ApiError(
        503,
        "the server is shutting down: try again later",
        code="shutting_down",
        retry_after_seconds=RETRY_AFTER_SECONDS,
        headers={"Connection": "close"},
    )
