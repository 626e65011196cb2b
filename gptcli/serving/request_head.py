"""Close connections whose request is not there in time: they would hold a socket each, and need no key for it."""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gptcli.serving.parting import Parting

_SENDING = (h11.SEND_BODY, h11.ERROR)
"""States of a client of which more is to come: a body, or what is no HTTP and was not read to its end."""


def protocol_with_head_timeout(seconds: float) -> type[H11Protocol]:
    """Return uvicorn's protocol with what it lacks: a bound on the time until the head of a request has come whole.

    And who is refused before it has sent all may read why.
    """

    class Protocol(_HeadTimeout):
        head_seconds = seconds

    return Protocol


class _HeadTimeout(H11Protocol):
    """A connection that waits for a head no longer than it may; between two requests uvicorn's keep-alive counts."""

    head_seconds: float
    _closing: asyncio.TimerHandle | None = None
    _parting: Parting

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self.transport = self._parting = Parting(transport, lambda: self.conn.their_state in _SENDING)
        self._closing = self.loop.call_later(self.head_seconds, self._parting.close)

    def data_received(self, data: bytes) -> None:
        """Stop waiting where the head has come, and begin where a later one has begun."""
        if self._parting.has_begun:
            self._parting.drop(data)
            return
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._closing is None and not self.transport.is_closing():
            self._closing = self.loop.call_later(self.head_seconds, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._stop_waiting()
        self._parting.ended()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
