"""Work for a client only while it is there, and no longer than a request may take."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from starlette.types import Receive

from gptcli.data.words import counted
from gptcli.serving.errors import ApiError

Result = TypeVar("Result")

LEFT = 499
"""What is logged as the status where nobody is left to be answered; nginx's number for it."""


class ClientLeftError(Exception):
    """The client has closed the connection before its answer was there."""


async def while_connected(receive: Receive, seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of work for a request whose body has been read.

    Raises ClientLeftError when the client leaves before, and ApiError 504 when it takes longer; the work is cancelled.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(receive))
    try:
        done, _ = await asyncio.wait((working, leaving), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if working in done:
            return working.result()
        if leaving in done:
            raise ClientLeftError
        raise ApiError(
            504,
            f"the answer has not come within the {counted(seconds, 'second')} that this server gives, waiting in its "
            "queue included: ask for fewer tokens, or again when it has less to do",
            code="timeout",
        )
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def nobody_left(request: Request, error: Exception) -> Response:
    """Handle ClientLeftError: answer nobody."""
    return Response(status_code=LEFT)


async def _left(receive: Receive) -> None:
    """Wait until the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
