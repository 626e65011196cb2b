"""The rows of a run in one process of several: those to do here, and on their way to the main one, the results."""

import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from typing import cast

from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.tasks.events import Classified, Completion, RowDone, RowFailed, TextDelta
from gptcli.tasks.sharing import Link, Share

RowEvent = TextDelta | Completion | Classified | RowDone | RowFailed


class SharedRows:
    """Reads all rows, so that each has the number that it has with one process; of the results it keeps that order."""

    def __init__(self, share: Share, *, first: int, samples: int = 1) -> None:
        """Share the rows from the first one on that is still to be done, each of which has so many results."""
        self._share = share
        self._first = first
        self._samples = samples
        self._kept: dict[int, Record] = {}
        """Rows that another process does, as the main one has read them: their columns are not sent about."""
        self._changed = threading.Condition()
        self._ended = False

    def read(self, records: Iterable[Record]) -> Iterator[tuple[int, Record]]:
        """Yield all rows with their numbers; may be read in another thread than the results are asked for in."""
        try:
            for index, record in enumerate(records):
                if self._share.is_main and index >= self._first and not self._share.mine(index):
                    with self._changed:
                        self._kept[index] = record
                        self._changed.notify_all()
                yield index, record
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def mine(self, index: int) -> bool:
        """Return whether a row is to be done here; one that an earlier run has done is not to be done at all."""
        return index >= self._first and self._share.mine(index)

    def in_order(self, own: Iterable[RowEvent]) -> Iterator[RowEvent]:
        """Yield what came of all rows in the order of the input, in the main process; the others send and yield none.

        A row of another process is waited for, and that process waits for room once it is far ahead: memory does not
        grow with the input. Raises InputError where the processes have not read the same rows.
        """
        if self._share.world == 1:
            yield from own
        elif self._share.is_main:
            yield from self._merged(iter(own))
        else:
            self._send(own)

    def _send(self, own: Iterable[RowEvent]) -> None:
        (link,) = self._share.links
        row: list[RowEvent] = []
        for event in own:
            row.append(event)
            if self._ends_row(event):
                link.send(row)
                row = []
        link.send(None)

    def _merged(self, own: Iterator[RowEvent]) -> Iterator[RowEvent]:
        """Yield row after row from the process whose turn it is; the first that has none has seen the end."""
        others = [self._received(link) for link in self._share.links]
        number = self._first
        while True:
            whose = number % self._share.world
            row = self._own_row(own) if whose == 0 else self._row_of(others[whose - 1], number)
            done = yield from row
            if not done:
                break
            number += 1
        for rank, rest in enumerate([own, *others]):
            if next(rest, None) is not None:
                raise InputError(f"process {rank} has read more than {number} rows: give all the same input")

    def _own_row(self, own: Iterator[RowEvent]) -> Generator[RowEvent, None, bool]:
        for event in own:
            yield event
            if self._ends_row(event):
                return True
        return False

    def _row_of(self, other: Iterator[list[RowEvent]], number: int) -> Generator[RowEvent, None, bool]:
        row = next(other, None)
        if row is None:
            return False
        record = self._taken(number)
        for event in row:
            yield event if isinstance(event, RowDone | TextDelta) else replace(event, record=record)
        return True

    def _received(self, link: Link) -> Iterator[list[RowEvent]]:
        while (row := link.receive()) is not None:
            yield cast(list[RowEvent], row)

    def _taken(self, number: int) -> Record:
        """Return a row that another process did once it is read here too: the reader is never more behind than that."""
        with self._changed:
            while number not in self._kept:
                if self._ended:
                    raise InputError(f"process 0 has not read row {number}, and another has: give all the same input")
                self._changed.wait()
            return self._kept.pop(number)

    def _ends_row(self, event: RowEvent) -> bool:
        if isinstance(event, Completion):
            return event.sample == self._samples - 1
        return not isinstance(event, TextDelta)
