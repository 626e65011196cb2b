"""Where results go: standard output, or a file that a later run can continue."""

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypedDict

from gptcli.cli.console import Console
from gptcli.data.output import OutputFile, has_begun, refuse_unwritable


class SinkFacts(TypedDict):
    """What the processes of a run must know of the main one's sink."""

    complete: bool
    state: Mapping[str, object]
    rows_done: int


class Sink(ABC):
    """Takes results; as a context manager it lets go of what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Let go."""

    @property
    def complete(self) -> bool:
        """Whether an earlier run has done all there is to do."""
        return False

    @property
    @abstractmethod
    def state(self) -> Mapping[str, object]:
        """What the run began with, an earlier one where that is continued."""

    @property
    def rows_done(self) -> int:
        """Rows that are whole and need not be done again."""
        return 0

    @property
    def fresh(self) -> bool:
        """Whether nothing has been written, by an earlier run neither."""
        return True

    @property
    def rows_failed(self) -> int:
        """Of those, the ones that failed."""
        return 0

    @property
    def facts(self) -> SinkFacts:
        """What other processes must know."""
        return SinkFacts(complete=self.complete, state=self.state, rows_done=self.rows_done)

    def settle(self, facts: Mapping[str, object]) -> None:
        """Take note of what else settles the result; raises ConfigError where an earlier run differed."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Take a part of the result."""

    def printable(self, data: bytes) -> bytes:
        """Return a part of the result as this place takes it; see Console.printable."""
        return data

    def flush(self) -> None:
        """Show what was written to whoever watches."""

    def commit_row(self, *, failed: bool) -> None:
        """Keep what was written: one more row is whole, or will never be."""
        self.flush()

    def finish(self) -> None:
        """Keep what was written: nothing comes behind it."""
        self.flush()


class Stdout(Sink):
    """Standard output; each row goes out as soon as it is whole."""

    def __init__(self, console: Console, state: Mapping[str, object]) -> None:
        self._console = console
        self._state = state

    @property
    def state(self) -> Mapping[str, object]:
        """What this run began with."""
        return self._state

    def write(self, data: bytes) -> None:
        """Write, to be seen with the next flush."""
        self._console.write(data)

    def printable(self, data: bytes) -> bytes:
        """Escape for a terminal what could drive it."""
        return self._console.printable(data)

    def flush(self) -> None:
        """Hand what was written to the reader."""
        self._console.flush()


class RemoteSink(Sink):
    """The sink of a process that has its results written by the main one."""

    def __init__(self, told: SinkFacts) -> None:
        """Take what the main process has told of its sink."""
        self._told = told

    @property
    def complete(self) -> bool:
        """Whether an earlier run has done all there is to do."""
        return self._told["complete"]

    @property
    def state(self) -> Mapping[str, object]:
        """What the run began with that began the results."""
        return self._told["state"]

    @property
    def rows_done(self) -> int:
        """Rows that are whole and need not be done again."""
        return self._told["rows_done"]

    def write(self, data: bytes) -> None:
        """Drop what belongs to no row, such as the end of a JSON array: the main process writes it."""


class ResumableFile(Sink):
    """A file whose rows survive whatever ends the run; it tells the error that does how to go on.

    A new file is made when the first result is there: a run that fails before leaves the disk alone.
    """

    def __init__(self, path: str, state: Mapping[str, object], *, overwrite: bool, resume: bool) -> None:
        """Continue the file, or make sure that it may be made; raises ConfigError and OutputError."""
        self._path = path
        self._state = dict(state)
        self._overwrite = overwrite
        self._file: OutputFile | None = None
        if resume and has_begun(path):
            self._file = OutputFile.resume(path, state=self._state)
        elif not resume and os.path.lexists(path) and not overwrite:
            self._made()
        else:
            refuse_unwritable(path)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file; unless it is finished, say how to go on."""
        if self._file is None or self._file.complete:
            return
        rows = self.rows_done
        self._file.close()
        if error is not None and rows:
            kept = "1 row is" if rows == 1 else f"{rows:,} rows are"
            error.add_note(f"{kept} in {self._path}; continue with the same command and --resume")

    @property
    def complete(self) -> bool:
        """Whether an earlier run finished the file."""
        return self._file is not None and self._file.complete

    @property
    def state(self) -> Mapping[str, object]:
        """What the run began with that began the file."""
        return self._file.state if self._file else self._state

    @property
    def rows_done(self) -> int:
        """The rows in the file that are whole."""
        return self._file.rows_done if self._file else 0

    @property
    def rows_failed(self) -> int:
        """Of those, the ones that failed."""
        return self._file.rows_failed if self._file else 0

    @property
    def fresh(self) -> bool:
        """Whether nothing has been written, by an earlier run neither."""
        return self._file is None or self._file.size == 0

    def settle(self, facts: Mapping[str, object]) -> None:
        """Note what the run settled after its start; raises ConfigError where the earlier run differed."""
        if self._file is None:
            self._state |= facts
        else:
            self._file.require(facts)

    def write(self, data: bytes) -> None:
        """Append to the file."""
        self._made().write(data)

    def commit_row(self, *, failed: bool) -> None:
        """Note that one more row is whole, or will never be."""
        self._made().commit_row(failed=failed)

    def finish(self) -> None:
        """Make the file safe on disk."""
        self._made().finish()

    def _made(self) -> OutputFile:
        if self._file is None:
            self._file = OutputFile.create(self._path, state=self._state, overwrite=self._overwrite)
        return self._file
