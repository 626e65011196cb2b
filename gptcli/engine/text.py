"""The text of one continuation as it grows: stop texts found across token edges, no half character shown."""

import codecs
from collections.abc import Sequence


class GrowingText:
    """Bytes of a continuation, token by token; what is handed out is never taken back."""

    def __init__(self, stops: Sequence[bytes]) -> None:
        self.written = bytearray()
        """All bytes so far, without what follows a stop text."""
        self._stops = tuple(stops)
        self._longest = max(map(len, self._stops), default=0)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._handed_out = 0

    def push(self, piece: bytes) -> bool:
        """Add a token's bytes; return whether a stop text now ends the continuation, and cut it off if so."""
        begin = max(0, len(self.written) - self._longest + 1)
        self.written += piece
        found = [place for stop in self._stops if (place := self.written.find(stop, begin)) >= 0]
        if found:
            del self.written[min(found) :]
        return bool(found)

    def would_stop(self, piece: bytes) -> bool:
        """Return whether push of this piece would find a stop text, without pushing."""
        tail = bytes(self.written[max(0, len(self.written) - self._longest + 1) :]) + piece
        return any(stop in tail for stop in self._stops)

    def copy(self) -> "GrowingText":
        """Return an independent copy, for a beam that branches; only before anything was handed out."""
        other = GrowingText(self._stops)
        other.written = self.written.copy()
        return other

    def take(self) -> str:
        """Return the new text that can be shown: whole characters, and nothing that may begin a stop text."""
        return self._hand_out(len(self.written) - self._held_back(), final=False)

    def finish(self) -> str:
        """Return the rest of the text."""
        return self._hand_out(len(self.written), final=True)

    @property
    def has_begun(self) -> bool:
        """Return whether any text was handed out."""
        return self._handed_out > 0

    @property
    def text(self) -> str:
        """Return the whole text so far; bytes that are no character become U+FFFD."""
        return self.written.decode("utf-8", "replace")

    def _hand_out(self, end: int, *, final: bool) -> str:
        """Decode the bytes up to end that have not been handed out."""
        piece = self._decoder.decode(bytes(self.written[self._handed_out : end]), final)
        self._handed_out = end
        return piece

    def _held_back(self) -> int:
        """Return how many bytes at the end may be the beginning of a stop text."""
        for length in range(min(self._longest - 1, len(self.written)), 0, -1):
            tail = bytes(self.written[-length:])
            if any(len(stop) > length and stop.startswith(tail) for stop in self._stops):
                return length
        return 0
