"""The last resort: an error that nobody foresaw is told in one line, and the server goes on."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptcli.serving.drain import shutting_down
from gptcli.serving.errors import api_error, tell


class Unforeseen:
    """Answers 500 for what a route has let through, 503 where the server's end does not wait for the answer.

    An answer that has begun is broken off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and tell and answer what is raised instead of an answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        # Where nothing ends the answer, uvicorn closes the connection, and the client sees that it is cut.
        try:
            await self._app(scope, receive, send_watched)
        except Exception as error:  # the top of a request, as main is of a command
            tell(error)
            if not has_begun:
                await api_error(error).response()(scope, receive, send)
        except asyncio.CancelledError:  # by uvicorn, which would tell of it as of a bug and answer 500
            if not has_begun:
                await shutting_down().response()(scope, receive, send)
