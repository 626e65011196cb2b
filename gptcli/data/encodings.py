"""Detect how a file's text is encoded, and pass it on as UTF-8."""

import codecs
import io
import re
from typing import TYPE_CHECKING, BinaryIO, TextIO

from gptcli.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

HEAD_BYTES = 1 << 16
_CHUNK_CHARACTERS = 1 << 16
_ZERO_BYTES = 1e-3
"""Part of the bytes, beyond one: compressed data has 4 times as many, and text has none but by mistake."""
# UTF-32's little-endian mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]+")


def detect_encoding(head: bytes) -> str:
    """Return utf-8, utf-16 or utf-32 by the mark, or cp1252 where most of what is not ASCII is not UTF-8 either."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    good = bad = 0
    for run in _NOT_ASCII.finditer(head):
        if run.end() == len(head) == HEAD_BYTES:
            break  # the head may end within a character
        try:
            run[0].decode()
        except UnicodeDecodeError:
            bad += 1
        else:
            good += 1
    return "cp1252" if bad > good else "utf-8"


def refuse_binary(head: bytes, name: str) -> None:
    """Raise InputError for the first bytes of what is no text."""
    if detect_encoding(head) in ("utf-8", "cp1252") and head.count(0) > 1 + len(head) * _ZERO_BYTES:
        raise InputError(f"{name} is not text: decompress it, or convert it to UTF-8")


class Replayed(io.RawIOBase):
    """A stream whose first bytes have been read already; it leaves the stream itself open."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer from the head, then from the rest."""
        target = memoryview(buffer).cast("B")
        chunk = self._head[: len(target)] if self._head else memoryview(self._rest.read(len(target)))
        target[: len(chunk)] = chunk
        self._head = self._head[len(chunk) :]
        return len(chunk)


class Recoded(io.RawIOBase):
    """A stream's text as UTF-8; raises InputError for what is not in its encoding."""

    def __init__(self, binary: BinaryIO, encoding: str, source: str) -> None:
        # A byte that cp1252 has no character for stays as it is, and spoils its row only.
        errors = "surrogateescape" if encoding == "cp1252" else "strict"
        self._text: TextIO = io.TextIOWrapper(binary, encoding=encoding, errors=errors, newline="")
        self._encoding = encoding
        self._source = source
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer with text as UTF-8."""
        if not self._held:
            try:
                text = self._text.read(_CHUNK_CHARACTERS)
            except UnicodeError as error:
                name = self._encoding.upper()
                raise InputError(f"{self._source} begins as {name} and is not {name}: convert it to UTF-8") from error
            self._held = memoryview(text.encode("utf-8", "surrogateescape"))
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._held))
        target[:count] = self._held[:count]
        self._held = self._held[count:]
        return count
