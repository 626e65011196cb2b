"""Open files of any known format, compression and encoding, directories of them, or standard input, as UTF-8."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from gptcli.data.compression import COMPRESSIONS, decompressed, inner_suffix
from gptcli.data.encodings import HEAD_BYTES, Recoded, Replayed, detect_encoding, refuse_binary
from gptcli.data.layouts import is_table
from gptcli.data.readers import READERS, cannot_read, check_readable
from gptcli.errors import InputError

SUFFIXES = (*READERS, ".txt")
STANDARD_INPUT = "standard input"
_BUFFER_BYTES = 1 << 17
_MOST_LINES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One opened file."""

    name: str
    suffix: str
    """Of the format: the name's, less its compression's, or what standard input or a pipe looks like."""
    file: BinaryIO
    """As it lies on the disk: its position tells how far the reading is."""
    binary: BinaryIO
    """What it holds, as UTF-8 where it is text."""
    start: Sequence[str] = ()
    """The first lines."""
    notices: tuple[str, ...] = ()
    """What was decided about the file that the user may not expect."""

    @property
    def is_text(self) -> bool:
        """Return whether it is plain text."""
        return self.suffix not in READERS


def expand_paths(paths: Sequence[str]) -> tuple[str, ...]:
    """Return the files, a directory replaced by those in it that have a known suffix; raises InputError for none."""
    found: list[str] = []
    for path in paths:
        if not os.path.isdir(path):
            found.append(path)
            continue
        files = sorted(_files_of(path))
        if not files:
            known = f"{', '.join(SUFFIXES)} (also with {', '.join(COMPRESSIONS)})"
            raise InputError(f"cannot read {path}: the directory has no file that ends in {known}")
        found += files
    return tuple(found)


@contextmanager
def open_content(path: str, stdin: BinaryIO | None = None) -> Iterator[Content]:
    """Yield a file's content, or for "-" standard input's; raises InputError where it cannot be read.

    And where it is empty, and at the end where the file has changed meanwhile.
    """
    name = STANDARD_INPUT if stdin and path == "-" else path
    try:
        if stdin and path == "-":
            yield stream_content(stdin, name)
            return
        check_readable(path)
        before = _state(path)
        with open(path, "rb") as file, decompressed(file, path) as binary:
            yield _content(file, binary, name, inner_suffix(path) if os.path.isfile(path) else None)
        if _state(path) != before:
            raise InputError(f"{path} has changed while it was read: start again when nothing writes to it")
    except OSError as error:
        raise InputError(cannot_read(name, error)) from error


def stream_content(stream: BinaryIO, name: str) -> Content:
    """Return the content of an open stream, whose format is what it looks like; raises InputError where it is empty."""
    return _content(stream, stream, name, None)


def _files_of(directory: str) -> Iterator[str]:
    """Yield the files of a known suffix that are not hidden, at any depth."""

    def refuse(error: OSError) -> None:
        raise InputError(cannot_read(error.filename, error)) from error

    for place, inner, names in os.walk(directory, onerror=refuse):
        inner[:] = [name for name in inner if not name.startswith(".")]
        for name in names:
            path = os.path.join(place, name)
            if not name.startswith(".") and inner_suffix(name) in SUFFIXES and os.path.isfile(path):
                yield path


def _state(path: str) -> tuple[int, int] | None:
    """Return what changes with a file's content; None for what is no file, as a pipe."""
    status = os.stat(path)
    return (status.st_size, status.st_mtime_ns) if os.path.isfile(path) else None


def _content(file: BinaryIO, binary: BinaryIO, name: str, suffix: str | None) -> Content:
    if suffix == ".parquet":
        return Content(name=name, suffix=suffix, file=file, binary=binary)
    head = binary.read(HEAD_BYTES)
    if not head:
        raise InputError(f"{name} is empty")
    refuse_binary(head, name)
    encoding = detect_encoding(head)
    text: BinaryIO = io.BufferedReader(Replayed(head, binary), _BUFFER_BYTES)
    notices: tuple[str, ...] = ()
    if encoding != "utf-8":
        text = io.BufferedReader(Recoded(text, encoding, name), _BUFFER_BYTES)
    if encoding == "cp1252":
        notices = (f"{name} is not UTF-8 and is read as Windows-1252: convert it to UTF-8 if letters are wrong",)
    start = _lines_of_head(head, encoding)
    return Content(
        name=name,
        suffix=_sniffed(start) if suffix is None else suffix,
        file=file,
        binary=text,
        start=start,
        notices=notices,
    )


def _lines_of_head(head: bytes, encoding: str) -> list[str]:
    """Return the first lines, less the last where it may not be whole."""
    text = head.decode("utf-8-sig" if encoding == "utf-8" else encoding, "ignore")
    lines = list(islice(io.StringIO(text, newline=""), _MOST_LINES))  # splitlines knows more line ends than files
    return lines[:-1] if len(head) == HEAD_BYTES and len(lines) > 1 else lines


def _sniffed(start: Sequence[str]) -> str:
    """Return the suffix that standard input would have as a file."""
    opening = "".join(start).lstrip()[:1]
    if opening == "{":
        return ".jsonl"
    if opening == "[":
        return ".json"
    return ".csv" if is_table(start) else ".txt"
