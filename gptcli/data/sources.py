"""Open what a model is tuned on: files of any known format and encoding, directories of them, standard input."""

import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, BinaryIO, TextIO

from gptcli.data.compression import COMPRESSIONS, inner_suffix, opened
from gptcli.data.documents import read_documents
from gptcli.data.encodings import HEAD_BYTES, Recoded, Replayed, detect_encoding
from gptcli.data.layouts import detect_layout, is_table
from gptcli.data.readers import READERS, cannot_read, check_readable
from gptcli.data.records import Record
from gptcli.data.tables import open_table, read_parquet
from gptcli.data.text import read_json_lines, read_lines
from gptcli.data.utf8 import decoded
from gptcli.errors import InputError

SUFFIXES = (*READERS, ".txt")
STANDARD_INPUT = "standard input"
_BUFFER_BYTES = 1 << 17
_MOST_LINES = 1000
_DELIMITERS: Mapping[str, str | None] = MappingProxyType({".csv": None, ".tsv": "\t"})

Values = Sequence[Any] | Mapping[Any, Any]
"""By index under a header, else by name."""
SourceRow = tuple[int, Values, str | None]
"""The line at which a row begins, its values, and why it is bad; None when it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One opened file."""

    name: str
    columns: tuple[str, ...] | None
    """The header that a row's values stand under; None where each row has its own names."""
    rows: Iterator[SourceRow]
    notices: tuple[str, ...] = ()
    """What was decided about the file that the user may not expect."""
    text: bool = False
    """Whether it is plain text, whose one column is called text."""


def expand_paths(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files, a directory replaced by those in it that have a known suffix; raises InputError for none."""
    found: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        try:
            names = sorted(name for name in os.listdir(path) if not name.startswith("."))
        except OSError as error:
            raise InputError(cannot_read(path, error)) from error
        files = [os.path.join(path, name) for name in names if inner_suffix(name) in SUFFIXES]
        found += [file for file in files if os.path.isfile(file)]
        if not any(map(os.path.isfile, files)):
            known = f"{', '.join(SUFFIXES)} (also with {', '.join(COMPRESSIONS)})"
            raise InputError(f"cannot read {path}: the directory has no file that ends in {known}")
    return tuple(found)


@contextmanager
def open_source(path: str, stdin: BinaryIO, *, lines: bool = False) -> Iterator[Source]:
    """Yield a file's rows; raises InputError where it cannot be read, is empty, or has changed by the end."""
    name = STANDARD_INPUT if path == "-" else path
    try:
        with ExitStack() as stack:
            if path == "-":
                yield _source(stack, stdin, name, "-", lines)
                return
            check_readable(path)
            before = _state(path)
            yield _source(stack, stack.enter_context(opened(path)), name, inner_suffix(path), lines)
            if _state(path) != before:
                raise InputError(f"{path} changed while it was read: wait until it is written, and run this again")
    except OSError as error:
        raise InputError(cannot_read(name, error)) from error


def _state(path: str) -> tuple[int, int] | None:
    """Return what changes with a file's content; None for what is no file, as a pipe."""
    status = os.stat(path)
    return (status.st_size, status.st_mtime_ns) if os.path.isfile(path) else None


def _source(stack: ExitStack, binary: BinaryIO, name: str, suffix: str, lines: bool) -> Source:
    if suffix == ".parquet":
        return _of_records(read_parquet(binary, name), name)
    head = binary.read(HEAD_BYTES)
    if not head:
        raise InputError(f"{name} is empty")
    encoding = detect_encoding(head)
    content: BinaryIO = io.BufferedReader(Replayed(head, binary), _BUFFER_BYTES)
    if encoding != "utf-8":
        content = io.BufferedReader(Recoded(content, encoding, name), _BUFFER_BYTES)
    start = _lines_of_head(head, encoding)
    source = _of_text(stack, content, name, _sniffed(start) if suffix == "-" else suffix, start, lines)
    if encoding == "cp1252":
        told = f"{name} is not UTF-8 and is read as Windows-1252: convert it to UTF-8 if letters are wrong"
        return replace(source, notices=(*source.notices, told))
    return source


def _of_text(stack: ExitStack, content: BinaryIO, name: str, suffix: str, start: Sequence[str], lines: bool) -> Source:
    """Return the rows of a file whose content is UTF-8 by now."""
    if suffix in _DELIMITERS:
        return _of_table(stack.enter_context(decoded(content, newline="")), name, _DELIMITERS[suffix], start)
    if suffix in READERS:
        json_lines = suffix == ".json" and _is_json_object(start)
        return _of_records((read_json_lines if json_lines else READERS[suffix])(content, name), name)
    return _of_records(read_lines(content, name) if lines else read_documents(content, name), name, text=True)


def _of_table(text: TextIO, name: str, delimiter: str | None, start: Sequence[str]) -> Source:
    layout = detect_layout(start, delimiter)
    table = open_table(text, name, layout)
    if table is None:
        raise InputError(f"{name} is empty")
    header, rows = table
    notices: tuple[str, ...] = ()
    if not layout.header:
        notices = (f"{name} has no header: its columns are called {', '.join(header)}",)
    return Source(name=name, columns=tuple(header), rows=rows, notices=notices)


def _of_records(records: Iterator[Record], name: str, *, text: bool = False) -> Source:
    rows = ((record.line, record.columns, record.error) for record in records)
    return Source(name=name, columns=None, rows=rows, text=text)


def _lines_of_head(head: bytes, encoding: str) -> list[str]:
    """Return the first lines, less the last where it may not be whole."""
    text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding, "ignore")
    lines = text.splitlines(keepends=True)[:_MOST_LINES]
    return lines[:-1] if len(head) == HEAD_BYTES and len(lines) > 1 else lines


def _sniffed(start: Sequence[str]) -> str:
    """Return the suffix that standard input would have as a file."""
    opening = "".join(start).lstrip()[:1]
    if opening == "{":
        return ".jsonl"
    if opening == "[":
        return ".json"
    return ".csv" if is_table(start) else ".txt"


def _is_json_object(start: Sequence[str]) -> bool:
    """Return whether the first line is a whole object, as in JSON lines with the suffix of JSON."""
    first = next((line for line in start if line.strip()), "")
    with suppress(ValueError, RecursionError):
        return isinstance(json.loads(first), dict)
    return False
