"""Any number of requests through an engine: read ahead, decode together, come out in input order.

The input is read in its own thread, so that a slow producer never holds back a row that is ready. The samples
between their reading and their result are bounded, and so is what is read ahead: memory does not grow with the input.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gptcli.engine.engine import Engine
from gptcli.engine.read_ahead import ReadAhead
from gptcli.engine.request import Finished, Piece, Request

WINDOW_BATCHES = 8
"""Samples in flight, in multiples of the slots: enough to find prompts of similar length, few enough to stay small."""

Other = TypeVar("Other")
"""What the caller puts between the requests and wants back in its place, such as a row that failed."""


@dataclass(slots=True)
class _Row(Generic[Other]):
    """A row that was read and has not been given back whole."""

    item: Request | Other
    pieces: deque[Piece] = field(default_factory=deque)
    finished: dict[int, Finished] = field(default_factory=dict)
    given_back: int = 0

    @property
    def samples(self) -> int:
        """Return how many results the row has."""
        return self.item.samples if isinstance(self.item, Request) else 1

    def take(self) -> Iterator[Finished | Piece | Other]:
        """Yield what can be given back: new text, and each sample behind which none is missing."""
        while self.pieces:
            yield self.pieces.popleft()
        if not isinstance(self.item, Request):
            self.given_back = 1
            yield self.item
        while self.given_back in self.finished:
            self.given_back += 1
            yield self.finished.pop(self.given_back - 1)


def in_order(engine: Engine, items: Iterable[Request | Other]) -> Generator[Finished | Piece | Other, None, None]:
    """Yield the samples of each request, and everything else as it came, in the order of the input.

    Raises what the input raises, after the results of all that came before. Closing the iterator drops what is
    unfinished.
    """
    rows: deque[_Row[Other]] = deque()
    by_key: dict[int, _Row[Other]] = {}
    window = WINDOW_BATCHES * engine.backend.slots
    with ReadAhead(items, engine.backend.slots) as source:
        try:
            while True:
                _admit(engine, source, rows, by_key, window)
                if not rows:
                    if source.error is not None:
                        raise source.error
                    return
                for event in engine.step():
                    row = by_key[event.key]
                    if isinstance(event, Piece):
                        row.pieces.append(event)
                    else:
                        row.finished[event.sample] = event
                while rows:
                    yield from rows[0].take()
                    if rows[0].given_back < rows[0].samples:
                        break
                    row = rows.popleft()
                    if isinstance(row.item, Request):
                        del by_key[row.item.key]
        finally:
            for key in by_key:
                engine.cancel(key)


def _admit(
    engine: Engine,
    source: ReadAhead[Request | Other],
    rows: deque[_Row[Other]],
    by_key: dict[int, _Row[Other]],
    window: int,
) -> None:
    """Submit what has been read, until the window of samples is full; wait only when nothing is left to do."""
    in_flight = sum(row.samples - row.given_back for row in rows)
    while in_flight < window:
        for item in source.take(wait=not rows):
            rows.append(row := _Row(item))
            in_flight += row.samples
            if isinstance(item, Request):
                by_key[item.key] = row
                engine.submit(item)
            break
        else:
            return
