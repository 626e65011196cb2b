"""Read text and JSON lines: one row a line."""

import json
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gptcli.data.columns import kind_of
from gptcli.data.records import Record
from gptcli.data.utf8 import bad_byte, decoded, lines_of, refuse_utf16

DEEPEST = 200
"""Arrays and objects inside each other: more is a mistake or an attack."""


def read_lines(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a line, its end removed; an empty line is a record with empty text."""
    with decoded(binary) as text:
        for number, line in enumerate(lines_of(text, source), start=1):
            yield _text_record(line, source, number)


def read_whole(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield all of the text as one record; only one line end at its end is removed."""
    with decoded(binary) as text:
        content = text.read()
    refuse_utf16(content, source)
    if content:
        yield _text_record(content, source, 1)


def read_exactly(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield all of the text as one record, white space and line ends as they are."""
    with decoded(binary) as text:
        content = text.read()
    refuse_utf16(content, source)
    complaint = bad_byte(content, 1)
    yield Record(source=source, line=1, columns={} if complaint else {"text": content}, error=complaint)


def read_json_lines(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a line of JSON; a blank one is a bad row, but at the end of the file it is none."""
    expected = 1
    with decoded(binary) as text:
        for number, line in enumerate(lines_of(text, source), start=1):
            if not line.strip():
                continue
            for blank in range(expected, number):
                yield Record(source=source, line=blank, error="is blank, not a JSON object")
            expected = number + 1
            yield _json_record(line, source, number)


def record_of_json(value: object, source: str, line: int) -> Record:
    """Return the object's members as columns, or a bad row when the value is no object."""
    if isinstance(value, dict):
        if _is_deep(value):
            return Record(source=source, line=line, error=f"is nested more than {DEEPEST} deep")
        return Record(source=source, line=line, columns=value)
    return Record(source=source, line=line, error=f"is not a JSON object but {kind_of(value)}")


def _is_deep(value: object) -> bool:
    """Return whether a value is nested too deeply to be written again: Python's own limit is about 1,000 calls."""
    level: list[object] = [value]
    for _ in range(DEEPEST):
        level = [member for node in level if isinstance(node, dict | list) for member in _members(node)]
        if not level:
            return False
    return True


def _members(node: dict[str, object] | list[object]) -> Iterable[object]:
    return node.values() if isinstance(node, dict) else node


def json_complaint(error: Exception) -> str:
    """Say why a value is not JSON."""
    if isinstance(error, json.JSONDecodeError):
        what = error.msg.removesuffix(" at").removesuffix(" starting")  # the place is told by whoever knows it
        return f"is not JSON: {what}"
    if isinstance(error, RecursionError):
        return "is not JSON that can be read: nested too deeply"
    return "is not JSON that can be read: a number has too many digits"


def _text_record(line: str, source: str, number: int) -> Record:
    text = line.removesuffix("\n")
    if text != line:
        text = text.removesuffix("\r")
    complaint = bad_byte(text, number)
    if complaint:
        return Record(source=source, line=number, error=complaint)
    return Record(source=source, line=number, columns={"text": text})


def _json_record(line: str, source: str, number: int) -> Record:
    complaint = bad_byte(line, number)
    if complaint is None:
        try:
            return record_of_json(json.loads(line.rstrip("\r\n")), source, number)
        except (ValueError, RecursionError) as error:
            place = f" at column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            complaint = json_complaint(error) + place
    return Record(source=source, line=number, error=complaint)
