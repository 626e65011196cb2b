"""Decode UTF-8 line by line, so that a bad byte spoils its row and not the run."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from gptcli.errors import InputError

# The surrogateescape handler maps a bad byte 0xNN to U+DCNN, which no valid UTF-8 decodes to.
_BAD_BYTE = re.compile("[\udc80-\udcff]")
_UTF_16_MARKS = ("\udcff\udcfe", "\udcfe\udcff")


@contextmanager
def decoded(binary: BinaryIO, *, newline: str = "\n") -> Iterator[TextIO]:
    """Yield the stream as text without its byte order mark; it stays open, as standard input should."""
    text = io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline=newline)
    try:
        yield text
    finally:
        text.detach()


def lines_of(text: TextIO, source: str) -> Iterator[str]:
    """Yield each line with its end; raise InputError where the text begins as UTF-16 does."""
    for number, line in enumerate(text):
        if number == 0:
            refuse_utf16(line, source)
        yield line


def refuse_utf16(start: str, source: str) -> None:
    """Raise InputError when the first characters are a UTF-16 byte order mark."""
    if start.startswith(_UTF_16_MARKS):
        raise InputError(f"{source} is UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8`")


def bad_byte(text: str, first_line: int) -> str | None:
    """Say which byte of a row is not UTF-8 and where it stands; None when there is none."""
    found = _BAD_BYTE.search(text)
    if found is None:
        return None
    at = found.start()
    column = at - text.rfind("\n", 0, at)
    line = first_line + text.count("\n", 0, at)
    place = f"column {column}" if line == first_line else f"line {line}, column {column}"
    return f"is not UTF-8: byte 0x{ord(text[at]) - 0xDC00:02x} at {place}"
