"""Read items in a thread of their own, so that a slow producer never holds back what is ready."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from types import TracebackType
from typing import Generic, Self, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Reads while its block lasts, as far ahead as the weight of what was read and not yet taken allows."""

    def __init__(self, items: Iterable[Item], limit: int, weight: Callable[[Item], int] = lambda _: 1) -> None:
        self._items = items
        self._limit = limit
        self._weight = weight
        self._read: deque[Item] = deque()
        self._load = 0
        self._changed = threading.Condition()
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None
        # A daemon: a read from a terminal or a pipe cannot be interrupted and must not keep the process alive.
        self._thread = threading.Thread(target=self._run, daemon=True, name="gptcli-input")

    @property
    def error(self) -> BaseException | None:
        """What ended the input, once everything before it has been taken."""
        with self._changed:
            return None if self._read else self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, *, wait: bool) -> tuple[Item, ...]:
        """Return the next item if it has been read, else none; with wait, none only at the end of the input."""
        with self._changed:
            while wait and not self._read and not self._ended:
                self._changed.wait()
            if not self._read:
                return ()
            item = self._read.popleft()
            self._load -= self._weight(item)
            self._changed.notify_all()
            return (item,)

    def _run(self) -> None:
        """Read until the input or the consumer ends."""
        error: BaseException | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as caught:  # handed to the consumer, who raises it
            error = caught
        finally:
            # What is left half read would keep what it holds open, such as a connection, until it is collected.
            if isinstance(self._items, Generator):
                self._items.close()
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def _put(self, item: Item) -> bool:
        """Wait for room, which there always is for one item; return whether anyone still wants it."""
        with self._changed:
            while self._load >= self._limit and not self._closed:
                self._changed.wait()
            if not self._closed:
                self._read.append(item)
                self._load += self._weight(item)
                self._changed.notify_all()
            return not self._closed
