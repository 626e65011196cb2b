"""Read the rows of a file, whatever its format, each with the line at which it begins."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO, TextIO

from gptcli.data.contents import Content, open_content
from gptcli.data.documents import read_documents
from gptcli.data.layouts import detect_layout
from gptcli.data.readers import READERS
from gptcli.data.records import Record
from gptcli.data.tables import open_table
from gptcli.data.text import read_json_lines, read_lines
from gptcli.data.utf8 import decoded
from gptcli.errors import InputError

SAMPLE_ROWS = 1000
"""The first rows, which show what the columns hold."""
_DELIMITERS: Mapping[str, str | None] = MappingProxyType({".csv": None, ".tsv": "\t"})

Values = Sequence[Any] | Mapping[Any, Any]
"""By index under a header, else by name."""
SourceRow = tuple[int, Values, str | None]
"""The line at which a row begins, its values, and why it is bad; None when it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The rows of one opened file."""

    name: str
    columns: tuple[str, ...] | None
    """The header that a row's values stand under; None where each row has its own names."""
    rows: Iterator[SourceRow]
    notices: tuple[str, ...] = ()
    """What was decided about the file that the user may not expect."""
    text: bool = False
    """Whether it is plain text, whose one column is called text."""

    def named(self, values: Values) -> Mapping[str, object]:
        """Return the values of a row that is not bad by the names of their columns."""
        if isinstance(values, Mapping):
            return values
        return dict(zip(self.columns or (), values, strict=True))


def columns_of(source: Source, start: Sequence[SourceRow]) -> tuple[tuple[str, ...], list[Mapping[str, object]]]:
    """Return the columns of the first rows, and those of them that are not bad; raises InputError for none."""
    if not start:
        raise InputError(f"{source.name} is empty")
    sample = [source.named(values) for _, values, error in start if error is None]
    columns = source.columns or tuple(dict.fromkeys(name for row in sample for name in row))
    if not columns:
        line, _, error = start[0]
        raise InputError(
            f"{source.name}: no row can be read, of {len(start):,} looked at; line {line} {error or 'has no fields'}"
        )
    return columns, sample


@contextmanager
def open_source(path: str, stdin: BinaryIO, *, lines: bool = False) -> Iterator[Source]:
    """Yield a file's rows; raises InputError as open_content does. lines makes each line of text a row."""
    with open_content(path, stdin) as content, rows_of(content, lines=lines) as source:
        yield source


@contextmanager
def rows_of(content: Content, *, lines: bool = False) -> Iterator[Source]:
    """Yield the rows of what is opened, read while they are asked for."""
    if content.suffix in _DELIMITERS:
        with decoded(content.binary, newline="") as text:
            yield _of_table(text, content)
    elif content.is_text:
        yield _of_records((read_lines if lines else read_documents)(content.binary, content.name), content)
    else:
        is_json_lines = content.suffix == ".json" and _is_json_object(content.start)
        read = read_json_lines if is_json_lines else READERS[content.suffix]
        yield _of_records(read(content.binary, content.name), content)


def _of_table(text: TextIO, content: Content) -> Source:
    layout = detect_layout(content.start, _DELIMITERS[content.suffix])
    table = open_table(text, content.name, layout)
    if table is None:
        raise InputError(f"{content.name} is empty")
    header, rows = table
    notices = content.notices
    if not layout.header:
        notices += (f"{content.name} has no header: its columns are called {', '.join(header)}",)
    return Source(name=content.name, columns=tuple(header), rows=rows, notices=notices)


def _of_records(records: Iterator[Record], content: Content) -> Source:
    rows = ((record.line, record.columns, record.error) for record in records)
    return Source(name=content.name, columns=None, rows=rows, notices=content.notices, text=content.is_text)


def _is_json_object(start: Sequence[str]) -> bool:
    """Return whether the first line is a whole object, as in JSON lines with the suffix of JSON."""
    first = next((line for line in start if line.strip()), "")
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(first), dict)
    return False
