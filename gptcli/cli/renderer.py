"""What every form of output can be asked for, and the rows of tables and of JSON that commands share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from gptcli.data.columns import choose_column
from gptcli.data.formats import RowFormat
from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.tasks.events import Classified, Completion, RowFailed, TextDelta
from gptcli.tasks.explain_events import ExplainedRow

Warn = Callable[[str], None]

Result = TypeVar("Result", bound=Completion | Classified | ExplainedRow, contravariant=True)


class Renderer(ABC, Generic[Result]):
    """Turns the results of one kind of task into bytes; a form overrides what it has."""

    coloured: ClassVar[bool] = False
    """Whether it escapes what could drive a terminal by itself, since it writes colours."""

    def begin(self) -> bytes:
        """Return what stands before the first row; a resumed run asks too, and does not write it again."""
        return b""

    def delta(self, delta: TextDelta) -> bytes:
        """Return the next piece of the sample that is being streamed."""
        return b""

    @abstractmethod
    def result(self, result: Result) -> bytes:
        """Return a result, or nothing while its row is not whole."""

    def failed(self, failure: RowFailed) -> bytes:
        """Return what stands in the place of a row that failed."""
        return b""

    def end(self) -> bytes:
        """Return what stands behind the last row."""
        return b""


class TableRows:
    """The input's rows with further columns of ours."""

    def __init__(self, rows: RowFormat, columns: Sequence[str], ours: Sequence[str], warn: Warn) -> None:
        self._rows = rows
        self._ours = tuple(ours)
        self._names = Names(ours, warn)
        self._columns = tuple(self._names.told_apart(dict.fromkeys(columns)))
        self._warn = warn
        self._left_out: set[str] = set()

    def header(self) -> bytes:
        """Return the names of all columns."""
        return self._rows.header((*self._columns, *self._ours))

    def row(self, record: Record, cells: Sequence[object]) -> bytes:
        """Return a row with the cells of our columns, the last of which may be missing."""
        values = self._names.told_apart(record.columns)
        for name in values.keys() - set(self._columns):
            del values[name]
            if name not in self._left_out:
                self._left_out.add(name)
                self._warn(f"{record.origin}: column {name} is left out, since the first row has none of that name")
        return self._rows.row(values | dict(zip(self._ours, cells, strict=False)), first=False)

    def footer(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()


class ObjectRows:
    """JSON objects of ours, with the input row's other columns behind."""

    def __init__(
        self,
        rows: RowFormat,
        *,
        key: str,
        column: str | None,
        defaults: Sequence[str],
        ours: Sequence[str],
        first: bool,
        warn: Warn,
    ) -> None:
        """Write the row's text under a key; it was read from a column, or from the first of the defaults."""
        self._rows = rows
        self._key = key
        self._column = column
        self._defaults = defaults
        self._first = first
        self._names = Names(ours, warn)

    def header(self) -> bytes:
        """Return what the format has before its first row."""
        return self._rows.header(())

    def row(self, values: dict[str, object], record: Record) -> bytes:
        """Return an object."""
        columns = dict(record.columns)
        source = self._source(record)
        # A column that turns out not to be what was read stays, under a name of its own.
        if source is not None and values.get(self._key, columns[source]) in (columns[source], str(columns[source])):
            values.setdefault(self._key, columns.pop(source))
            columns.pop(source, None)
        # What a template was filled in with is no clash of names that a person has to hear of.
        row = self._rows.row(values | self._names.told_apart(columns, expected=source), self._first)
        self._first = False
        return row

    def failed(self, failure: RowFailed) -> bytes:
        """Return an object with the reason, and the row's columns so that it can be tried again."""
        return self.row({"index": failure.index, "error": failure.message}, failure.record)

    def footer(self) -> bytes:
        """Return what the format has behind its last row."""
        return self._rows.footer()

    def _source(self, record: Record) -> str | None:
        try:
            return choose_column(tuple(record.columns), self._column, self._defaults)
        except InputError:  # such a row has failed for this very reason
            return None


class Names:
    """Keeps the input's columns apart from ours, and says so once for each."""

    def __init__(self, ours: Sequence[str], warn: Warn) -> None:
        self._ours = frozenset(ours)
        self._warn = warn
        self._told: set[str] = set()

    def told_apart(self, columns: Mapping[str, object], *, expected: str | None = None) -> dict[str, object]:
        """Return the columns, those with a name of ours under "input_" and their name; nothing is said of expected."""
        apart: dict[str, object] = {}
        for name, value in columns.items():
            free = name
            while free in self._ours or (free != name and free in columns):
                free = f"input_{free}"
            if free != name and name not in self._told and name != expected:
                self._told.add(name)
                self._warn(f"the input's column {name} is written as {free}, since the result has its own {name}")
            apart[free] = value
        return apart
