"""Hold the events of an engine back a moment, so that those of a few steps go out together."""

from collections.abc import Iterable, Sequence

from gptcli.engine.request import Finished, Piece

PACE_SECONDS = 0.03
"""The least time between two pieces of a text: no eye sees more, and a small model writes six tokens meanwhile.

To wake up for a piece, write it as JSON and send it costs half of what such a model's token costs.
"""

Event = Finished | Piece


class Outbox:
    """Decides which events go out; first words and ends never wait."""

    def __init__(self) -> None:
        self._held: list[Event] = []
        self._fresh: set[int] = set()
        self._sent_at = float("-inf")

    def expect(self, key: int) -> None:
        """Take note that nothing of this request has gone out."""
        self._fresh.add(key)

    def forget(self, key: int) -> None:
        """Take note that nobody waits for this request any more."""
        self._fresh.discard(key)

    def due(self, events: Iterable[Event], now: float) -> Sequence[Event]:
        """Return what goes out now, of the events of a step and those that were held back; now is in seconds."""
        if now - self._sent_at >= PACE_SECONDS:
            self._sent_at = now
            return self.all(events)
        self._held += events
        urgent = {event.key for event in self._held if isinstance(event, Finished) or event.key in self._fresh}
        self._fresh -= urgent
        due = [event for event in self._held if event.key in urgent]
        self._held = [event for event in self._held if event.key not in urgent]
        return due

    def all(self, events: Iterable[Event] = ()) -> Sequence[Event]:
        """Return all that is held back and the events of a step, as when no further step is to come."""
        due, self._held = [*self._held, *events], []
        self._fresh -= {event.key for event in due}
        return due
