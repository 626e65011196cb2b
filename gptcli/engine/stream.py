"""Any number of requests through an engine: read ahead, decode together, come out in input order.

The input is read in its own thread, so that a slow producer never holds back a row that is ready. At most
`window` rows are between their reading and their result: memory does not grow with the input.
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
"""Rows in flight, in multiples of the slots: enough to find prompts of similar length, few enough to stay small."""

Other = TypeVar("Other")
"""What the caller puts between the requests and wants back in its place, such as a row that failed."""


@dataclass(slots=True)
class _Row(Generic[Other]):
    """A row that was read and has not been given back."""

    item: Request | Other
    pieces: deque[Piece] = field(default_factory=deque)
    finished: dict[int, Finished] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Return whether nothing is missing."""
        return not isinstance(self.item, Request) or len(self.finished) == self.item.samples


def in_order(engine: Engine, items: Iterable[Request | Other]) -> Generator[Finished | Piece | Other, None, None]:
    """Yield the samples of each request, and everything else as it came, in the order of the input.

    Raises what the input raises, after the results of all that came before. Closing the iterator drops what is
    unfinished.
    """
    try:
        yield from _results(engine, items)
    finally:
        engine.clear()


def _results(engine: Engine, items: Iterable[Request | Other]) -> Iterator[Finished | Piece | Other]:
    """Feed the engine, and yield what it gives back in the order of the input."""
    rows: deque[_Row[Other]] = deque()
    by_key: dict[int, _Row[Other]] = {}
    window = WINDOW_BATCHES * engine.backend.slots
    with _ReadAhead(items, window) as source:
        while True:
            for item in source.take(window - len(rows), wait=not rows):
                rows.append(row := _Row(item))
                if isinstance(item, Request):
                    by_key[item.key] = row
                    engine.submit(item)
            if not rows:
                if source.error is not None:
                    raise source.error
                return
            if engine.has_work:
                for event in engine.step():
                    row = by_key[event.key]
                    if isinstance(event, Piece):
                        row.pieces.append(event)
                    else:
                        row.finished[event.sample] = event
            yield from _ready(rows, by_key)


def _ready(rows: deque[_Row[Other]], by_key: dict[int, _Row[Other]]) -> Iterator[Finished | Piece | Other]:
    """Yield what can be given back without getting ahead of an earlier row."""
    while rows:
        row = rows[0]
        while row.pieces:
            yield row.pieces.popleft()
        if not row.complete:
            return
        rows.popleft()
        if isinstance(row.item, Request):
            del by_key[row.item.key]
            for sample in range(row.item.samples):
                yield row.finished[sample]
        else:
            yield row.item


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

    def take(self, count: int, *, wait: bool) -> Iterator[Request | Other]:
        """Yield up to count items that have been read; with wait, at least one unless the input has ended."""
        for number in range(count):
            if self._ended:
                return
            try:
                item = self._queue.get(block=wait and number == 0)
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
