"""Any number of requests through an engine: read ahead, decode together, come out in input order.

The input is read in its own thread, so that a slow producer never holds back a row that is ready. The samples
between their reading and their result are bounded, and so is what is read ahead: memory does not grow with the input.
"""

import queue
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from gptcli.engine.engine import Engine
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
    with _ReadAhead(items, engine.backend.slots) as source:
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
    source: "_ReadAhead[Other]",
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


class _End:
    """The end of the input, or the error that ended it."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class _ReadAhead(Generic[Other]):
    """Reads items in a thread, as far ahead as asked for."""

    def __init__(self, items: Iterable[Request | Other], limit: int) -> None:
        self._items = items
        self._queue: queue.Queue[Request | Other | _End] = queue.Queue(limit)
        self._closed = threading.Event()
        self._ended = False
        self.error: BaseException | None = None
        """What ended the input, once everything before it has been taken."""
        # A daemon: a read from a terminal or a pipe cannot be interrupted and must not keep the process alive.
        self._thread = threading.Thread(target=self._read, daemon=True, name="gptcli-input")

    def __enter__(self) -> "_ReadAhead[Other]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    def take(self, *, wait: bool) -> Iterator[Request | Other]:
        """Yield the next item if it has been read; with wait, unless the input has ended."""
        if self._ended:
            return
        try:
            item = self._queue.get(block=wait)
        except queue.Empty:
            return
        if isinstance(item, _End):
            self._ended, self.error = True, item.error
            return
        yield item

    def _read(self) -> None:
        """Put items into the queue until the input or the consumer ends."""
        error: BaseException | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as caught:  # handed to the consumer, who raises it
            error = caught
        self._put(_End(error))

    def _put(self, item: Request | Other | _End) -> bool:
        """Wait for room; return whether anyone still wants the item."""
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False
