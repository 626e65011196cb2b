"""What comes of the texts that one HTTP request asks for, as the event loop sees it."""

import asyncio
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from gptcli.engine.request import Finished, Piece, Request
from gptcli.serving.errors import ApiError

Release = Callable[[tuple[int, ...], int], None]


class Answer:
    """The events of some requests; lasts as long as its block, whose end drops what is unfinished.

    What is not taken waits here: no more than the tokens that the requests may have.
    """

    def __init__(self, requests: Sequence[Request], release: Release) -> None:
        """Take the events of requests with keys in a row; release gets the keys and how many samples are left."""
        self.first_key = requests[0].key
        self._keys = tuple(request.key for request in requests)
        self._left = sum(request.samples for request in requests)
        self._release = release
        self._events: list[Finished | Piece] = []
        self._error: ApiError | None = None
        self._wake: asyncio.Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._release(self._keys, self._left)

    async def events(self) -> list[Finished | Piece]:
        """Return what has come since the last call, after waiting for something; none once all is finished.

        Raises ApiError where the engine has failed.
        """
        if not self._events and self._left and self._error is None:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        if self._error is not None:
            raise self._error
        events, self._events = self._events, []
        return events

    async def finished(self) -> list[Finished]:
        """Return all samples when they are finished, by request and then by number."""
        found: list[Finished] = []
        while events := await self.events():
            found += [event for event in events if isinstance(event, Finished)]
        return sorted(found, key=lambda finished: (finished.key, finished.sample))

    def put(self, event: Finished | Piece) -> None:
        """Take an event."""
        self._events.append(event)
        if isinstance(event, Finished):
            self._left -= 1
        self._awake()

    def fail(self, error: ApiError) -> None:
        """Take note that nothing more comes."""
        self._error = error
        self._awake()

    def _awake(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
