"""Read a JSON array of objects one element at a time, so that a file larger than memory works."""

import json
import re
from collections.abc import Iterator
from typing import BinaryIO, TextIO

from gptcli.data.records import Record
from gptcli.data.text import json_complaint, record_of_json
from gptcli.data.utf8 import bad_byte, decoded, refuse_utf16
from gptcli.errors import InputError

_WHITESPACE = re.compile(r"[ \t\r\n]*")
_CHUNK_CHARACTERS = 1 << 16
_LONGEST_WORD = len("-Infinity")


def read_json_array(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record an element; a mistake in the JSON itself is the last of them, a bad row."""
    with decoded(binary) as text:
        window = _Window(text)
        opening = window.next_character()
        refuse_utf16(window.unread, source)
        if opening not in ("", "["):
            raise InputError(f"{source} is not a JSON array of objects: one object a line is .jsonl")
        if opening and window.character_after() != "]":
            yield from _elements(window, source)


def _elements(window: "_Window", source: str) -> Iterator[Record]:
    """Yield the elements from the first one on."""
    delimiter = ","
    while delimiter == ",":
        line = window.line
        try:
            value, written = window.decode()
        except (ValueError, RecursionError) as error:
            yield _last(source, line, json_complaint(error))
            return
        complaint = bad_byte(written, line)
        if complaint:
            yield Record(source=source, line=line, error=complaint)
        else:
            yield record_of_json(value, source, line)
        delimiter = window.next_character()
        if delimiter not in (",", "]"):
            yield _last(source, window.line, "is not JSON: expecting ',' or ']' after an object")
            return
        following = window.character_after()
    if following:
        yield _last(source, window.line, "stands behind the end of the array")


def _last(source: str, line: int, complaint: str) -> Record:
    return Record(source=source, line=line, error=f"{complaint}; the rest of the file is not read")


class _Window:
    """The part of a document that is being looked at."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._buffer = ""
        self._at = 0
        self._decoder = json.JSONDecoder()
        self.line = 1

    @property
    def unread(self) -> str:
        """Return what has been fetched and not passed."""
        return self._buffer[self._at :]

    def next_character(self) -> str:
        """Pass white space and return the character after it, or an empty string at the end."""
        while True:
            space = _WHITESPACE.match(self._buffer, self._at)
            if space:
                self._pass(space.end())
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fetch():
                return ""

    def character_after(self) -> str:
        """Pass one character and return the next one that is not white space."""
        self._pass(self._at + 1)
        return self.next_character()

    def decode(self) -> tuple[object, str]:
        """Pass one value and return it, with the text that it was written as."""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._may_be_cut(error) and self._fetch():
                    continue
                raise
            # A number that ends where the window ends may have more digits.
            if end < len(self._buffer) or not self._fetch():
                written = self._buffer[self._at : end]
                self._pass(end)
                return value, written

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Return whether more text could mend the error; if not, the file need not be fetched to its end."""
        near_end = error.pos >= len(self._buffer) - _LONGEST_WORD
        return near_end or error.msg.startswith("Unterminated string")

    def _pass(self, end: int) -> None:
        self.line += self._buffer.count("\n", self._at, end)
        self._at = end

    def _fetch(self) -> bool:
        """Add text, as much again as is held, so that a long value is scanned a few times only."""
        held = self._buffer[self._at :]
        more = self._text.read(max(_CHUNK_CHARACTERS, len(held)))
        self._buffer = held + more
        self._at = 0
        return bool(more)
