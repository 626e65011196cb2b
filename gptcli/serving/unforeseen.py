"""The last resort: an error that nobody foresaw is told in one line, and the server goes on."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gptcli.serving.errors import api_error, tell


class Unforeseen:
    """Answers 500 for what a route has let through; an answer that has begun is broken off."""

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

        try:
            await self._app(scope, receive, send_watched)
        except Exception as error:  # the top of a request, as main is of a command
            tell(error)
            if not has_begun:
                await api_error(error).response()(scope, receive, send)
            # Else nothing ends the answer, so that uvicorn closes the connection and the client sees that it is cut.
