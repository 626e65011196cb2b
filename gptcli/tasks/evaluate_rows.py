"""The rows of the data of `evaluate`: a look at the first of them, and all of them again for each model."""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gptcli.data.contents import Content
from gptcli.data.records import Record
from gptcli.data.rereading import Rereadable
from gptcli.data.sources import SAMPLE_ROWS, columns_of, rows_of
from gptcli.data.text import read_exactly
from gptcli.errors import ConfigError, InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the beginnings of the files show."""

    name: str
    """Of the first file."""
    columns: tuple[str, ...]
    """Of the first file; the others must have those that are measured on."""
    sample: Sequence[Mapping[str, object]]
    """The first rows that can be read."""
    text: bool
    """Whether the first file is plain text."""
    headers: Mapping[str, tuple[str, ...]]
    """Of each file that has one."""
    notices: tuple[str, ...]
    """What was decided about the files that the user may not expect."""

    def require(self, columns: Sequence[str]) -> None:
        """Raise InputError where a file's header lacks one of these columns."""
        for name, header in self.headers.items():
            for column in columns:
                if column not in header:
                    there = ", ".join(header)
                    raise InputError(f"{name}: no column {column}, which the first file has: the columns are {there}")


class EvaluationRows:
    """The rows, numbered from 0 over all files, each time the same; it remembers where each begins."""

    def __init__(self, data: Rereadable, *, lines: bool = False, limit: int | None = None) -> None:
        """Read limit rows at most; lines makes a row of each line of plain text."""
        self._data = data
        self._by_line = lines
        self._limit = limit
        self._names = array("l")
        self._lines = array("q")

    @property
    def count(self) -> int:
        """Return how many rows have been read."""
        return len(self._lines)

    def origin(self, index: int) -> str:
        """Return the place of a row that has been read, as file:line."""
        return f"{self._data.files[self._names[index]].name}:{self._lines[index]}"

    def look(self) -> Look:
        """Open every file; raises InputError for one without rows, and ConfigError where lines are of no text."""
        columns: tuple[str, ...] = ()
        sample: Sequence[Mapping[str, object]] = ()
        texts: list[bool] = []
        headers: dict[str, tuple[str, ...]] = {}
        notices: list[str] = []
        for content in self._data.contents():
            with rows_of(content, lines=self._by_line) as source:
                start = list(islice(source.rows, 1 if texts else SAMPLE_ROWS))
                if not start:
                    raise InputError(f"{source.name} is empty")
                if not texts:
                    columns, sample = columns_of(source, start)
                if source.columns is not None:
                    headers[source.name] = source.columns
                notices += source.notices
                texts.append(source.text)
        names = [file.name for file in self._data.files]
        if self._by_line and not any(texts):
            raise ConfigError(f"--lines parts plain text: it does not go with the rows of {', '.join(names)}")
        return Look(
            name=names[0], columns=columns, sample=sample, text=texts[0], headers=headers, notices=tuple(notices)
        )

    def counted(self, *, whole_files: bool) -> int:
        """Return how many rows there are; raises as read does."""
        for _ in self.read(whole_files=whole_files):
            pass
        return self.count

    def read(self, *, whole_files: bool) -> Iterator[tuple[int, Record]]:
        """Yield the rows; whole_files makes one of each plain text, with all of its white space.

        Raises InputError where the data cannot be read, or is not what it was.
        """
        for index, (number, record) in enumerate(islice(self._records(whole_files), self._limit)):
            if index == len(self._lines):
                self._names.append(number)
                self._lines.append(record.line)
            yield index, record

    def _records(self, whole_files: bool) -> Iterator[tuple[int, Record]]:
        """Yield each row with the number of its file."""
        for number, content in enumerate(self._data.contents()):
            if whole_files and content.is_text:
                records: Iterable[Record] = read_exactly(content.binary, content.name)
                yield from ((number, record) for record in records)
            else:
                yield from ((number, record) for record in self._parted(content))

    def _parted(self, content: Content) -> Iterator[Record]:
        with rows_of(content, lines=self._by_line) as source:
            for line, values, error in source.rows:
                columns = {} if error is not None else source.named(values)
                yield Record(source=source.name, line=line, columns=columns, error=error)
