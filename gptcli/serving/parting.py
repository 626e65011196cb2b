"""Let a client read its answer where the connection is closed before all that it sends has come.

A system answers what comes for a closed connection with a reset, at which the client's system drops what the client has
not read: the answer. So the server closes its own side alone at first, and drops what still comes (RFC 9112, 9.6).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PARTING_SECONDS = 1
"""How long a client may still send: its answer is on the way, and a page of text takes no longer."""
PARTING_BYTES = 8 * 1024 * 1024
"""What is dropped at most: twice the largest body."""


class Parting(asyncio.Transport):
    """A connection's transport, which ends in two steps where the client is still sending."""

    def __init__(self, transport: asyncio.Transport, is_sending: Callable[[], bool]) -> None:
        """Stand before a transport; is_sending says whether more is to come of what the client has begun to say."""
        super().__init__()
        self._transport = transport
        self._is_sending = is_sending
        self._bytes_left = PARTING_BYTES
        self._closing: asyncio.TimerHandle | None = None

    @property
    def has_begun(self) -> bool:
        """Return whether the first step is done, so that what comes is to be dropped."""
        return self._closing is not None

    def close(self) -> None:
        """Send what is written, and close; the second call does so at once."""
        if self.has_begun or self._transport.is_closing() or not self._is_sending():
            self._transport.close()
            return
        with suppress(OSError):  # the client is gone, as the next reading tells
            self._transport.write_eof()
        self._transport.resume_reading()
        self._closing = asyncio.get_running_loop().call_later(PARTING_SECONDS, self._transport.close)

    def drop(self, data: bytes) -> None:
        """Take what has come and nobody reads; too much of it ends the connection."""
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self._transport.close()

    def ended(self) -> None:
        """Take note that the connection is gone."""
        if self._closing is not None:
            self._closing.cancel()

    def is_closing(self) -> bool:
        """Return whether nothing more may be written."""
        return self.has_begun or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send data."""
        self._transport.write(data)

    def resume_reading(self) -> None:
        """Go on reading."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the transport says of itself."""
        return self._transport.get_extra_info(name, default)
