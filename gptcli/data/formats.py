"""Encode result rows as JSON lines, a JSON array, CSV or TSV; the bytes never depend on the machine."""

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from gptcli.errors import ConfigError, OutputError


class RowFormat(Protocol):
    """Bytes of a file of rows: a header, the rows, a footer.

    header is called before the first row, also by a run that continues a file and does not write it again.
    """

    def header(self, columns: Sequence[str]) -> bytes:
        """Return what stands before the rows."""
        ...

    def row(self, values: Mapping[str, object], first: bool) -> bytes:
        """Return one row; first says that none stands before it in the file."""
        ...

    def footer(self) -> bytes:
        """Return what stands behind the rows."""
        ...


class Jsonl:
    """One JSON object a line."""

    def header(self, columns: Sequence[str]) -> bytes:
        """Return nothing."""
        return b""

    def row(self, values: Mapping[str, object], first: bool) -> bytes:
        """Return the row as an object; its members keep their order."""
        return json_bytes(values) + b"\n"

    def footer(self) -> bytes:
        """Return nothing."""
        return b""


class Json:
    """One JSON array with an object a line; valid JSON when complete."""

    def header(self, columns: Sequence[str]) -> bytes:
        """Return the opening bracket."""
        return b"["

    def row(self, values: Mapping[str, object], first: bool) -> bytes:
        """Return the row behind the comma that parts it from the row before."""
        return (b"\n" if first else b",\n") + json_bytes(values)

    def footer(self) -> bytes:
        """Return the closing bracket."""
        return b"\n]\n"


class Csv:
    """A header and rows of cells; any text in a cell reads back as it was."""

    def __init__(self, delimiter: str = ",") -> None:
        self._delimiter = delimiter
        self._columns: tuple[str, ...] = ()

    def header(self, columns: Sequence[str]) -> bytes:
        """Fix the columns and return their names."""
        self._columns = tuple(columns)
        return self._line(self._columns)

    def row(self, values: Mapping[str, object], first: bool) -> bytes:
        """Return the row's cells, empty for no value; raise OutputError for a column not in the header."""
        for name in values:
            if name not in self._columns:
                raise OutputError(
                    f"column {name} is not in the header of the output: write .jsonl, where rows may differ"
                )
        return self._line([_cell(values.get(name)) for name in self._columns])

    def footer(self) -> bytes:
        """Return nothing."""
        return b""

    def _line(self, cells: Sequence[str]) -> bytes:
        line = io.StringIO()
        # With "\n" alone Python 3.11 leaves a "\r" in a cell unquoted.
        csv.writer(line, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)
        return _utf8(line.getvalue().removesuffix("\r\n") + "\n")


def format_for(path: str, *, also: Sequence[str] = ()) -> RowFormat:
    """Return the format that a file's suffix names; raise ConfigError when it names none.

    also has further suffixes, of what is no row, that may be meant instead.
    """
    match os.path.splitext(path)[1].lower():
        case ".jsonl" | ".ndjson":
            return Jsonl()
        case ".json":
            return Json()
        case ".csv":
            return Csv(",")
        case ".tsv":
            return Csv("\t")
    *most, last = (".txt", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", *also)
    raise ConfigError(f"cannot tell the format of {path}: end its name in {', '.join(most)} or {last}")


def json_bytes(value: object) -> bytes:
    """Return a value as JSON in UTF-8, null for what JSON has no number for."""
    return _utf8(json.dumps(_plain(value), ensure_ascii=False))


def _utf8(text: str) -> bytes:
    """Encode; half of a surrogate pair becomes its escape, which is also JSON's."""
    return text.encode("utf-8", errors="backslashreplace")


def _cell(value: object) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _plain(value: object) -> object:
    """Return the value in types that JSON has: null for NaN and infinity, text for a date or a decimal."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    return str(value)
