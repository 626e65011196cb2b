"""Close connections whose request is not there in time: they would hold a socket each, and need no key for it."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_with_head_timeout(seconds: float) -> type[H11Protocol]:
    """Return uvicorn's protocol with a bound that it lacks: on the time until the head of a request has come whole."""

    class Protocol(_HeadTimeout):
        head_seconds = seconds

    return Protocol


class _HeadTimeout(H11Protocol):
    """A connection that waits for a head no longer than it may; between two requests uvicorn's keep-alive counts."""

    head_seconds: float
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._closing = self.loop.call_later(self.head_seconds, transport.close)

    def data_received(self, data: bytes) -> None:
        """Stop waiting where the head has come, and begin where a later one has begun."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop_waiting()
        elif self._closing is None and not self.transport.is_closing():
            self._closing = self.loop.call_later(self.head_seconds, self.transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _stop_waiting(self) -> None:
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
