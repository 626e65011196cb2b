"""Read the documents of a corpus, file by file, in constant memory."""

import gzip
import lzma
import os
import re
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from gptcli.data.columns import choose_column, text_of
from gptcli.data.json_array import read_json_array
from gptcli.data.records import Record
from gptcli.data.tables import read_csv, read_parquet, read_tsv
from gptcli.data.text import read_json_lines
from gptcli.data.utf8 import bad_byte, decoded, lines_of
from gptcli.errors import InputError

PART_CHARACTERS = 1 << 20
"""Longer text that nothing parts is taken in such parts: a file may be larger than memory."""
_END_OF_TEXT = "<|endoftext|>"
_COMPRESSED = (".gz", ".xz")
_READERS: dict[str, Callable[[BinaryIO, str], Iterator[Record]]] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_array,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
}
_TEXT_SUFFIXES = ("", ".txt", ".text", ".md", ".raw")


@dataclass(frozen=True, slots=True)
class Document:
    """Text that begins a document, or goes on with it where the part before did not end it."""

    text: str
    ends: bool = True
    """Whether the document ends here."""


class Documents:
    """The documents of files and directories, counted while they are read."""

    def __init__(self, paths: Sequence[str], *, column: str | None = None) -> None:
        self.files = tuple(_files(paths))
        self.bytes_total = sum(path.stat().st_size for path in self.files)
        """Of the files as they lie on the disk."""
        self.bytes_read = 0
        self.empty = 0
        self.unreadable = 0
        self.first_complaint: str | None = None
        """Why the first unreadable row could not be read."""
        self.column = column

    def __iter__(self) -> Iterator[Document]:
        """Yield every document, from the first file again each time."""
        self.bytes_read = self.empty = self.unreadable = 0
        for path in self.files:
            yield from self._file(path)

    def sample(self, most_bytes: int) -> Iterator[str]:
        """Yield text of about this many bytes, taken from the begin of every file alike."""
        smallest_first = sorted(self.files, key=lambda path: path.stat().st_size)
        for number, path in enumerate(smallest_first):
            share = most_bytes // (len(smallest_first) - number)
            taken = 0
            for document in self._file(path):
                yield document.text
                taken += len(document.text.encode())
                if taken >= share:
                    break
            most_bytes -= taken

    def _file(self, path: Path) -> Iterator[Document]:
        begin = self.bytes_read
        try:
            with ExitStack() as stack:
                raw = stack.enter_context(path.open("rb"))
                binary = stack.enter_context(_plain(raw, path))
                for document in stack.enter_context(closing(self._of(binary, path))):
                    self.bytes_read = begin + raw.tell()
                    yield document
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"cannot read {path}: {reason}") from error
        self.bytes_read = begin + path.stat().st_size

    def _of(self, binary: BinaryIO, path: Path) -> Generator[Document, None, None]:
        """Yield the documents that are not empty; the readers end before their file is closed."""
        read = _READERS.get(_suffix(path))
        goes_on = False
        with ExitStack() as stack:
            if read:
                records = stack.enter_context(closing(cast(Generator[Record, None, None], read(binary, str(path)))))
            found = stack.enter_context(closing(self._rows(records) if read else _text(binary, str(path))))
            for document in found:
                if document.text.strip() or goes_on or not document.ends:
                    yield document
                else:
                    self.empty += 1
                goes_on = not document.ends

    def _rows(self, records: Iterator[Record]) -> Generator[Document, None, None]:
        """Yield the text of each row; a row without is counted."""
        column: str | None = None
        for record in records:
            try:
                if column is None and record.error is None:
                    column = choose_column(tuple(record.columns), self.column, ("text",))
                text = text_of(record, column or "text")
            except InputError as error:
                if column is None and record.error is None:
                    raise InputError(f"{record.origin}: {error}") from error
                self.unreadable += 1
                self.first_complaint = self.first_complaint or f"{record.origin} {error}"
            else:
                yield Document(text)


def _files(paths: Sequence[str]) -> Iterator[Path]:
    """Yield the files; of a directory those of a known suffix, in order of their names."""
    for name in paths:
        path = Path(name)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.is_file() and _is_known(file))
            if not found:
                raise InputError(f"{path} holds no file of text: give .txt, .jsonl, .csv, .tsv, .json or .parquet")
            yield from found
        elif not path.is_file():
            raise InputError(f"cannot read {path}: No such file; check the path")
        elif not os.access(path, os.R_OK):
            raise InputError(f"cannot read {path}: Permission denied; check who may read it")
        else:
            yield path


def _plain(raw: BinaryIO, path: Path) -> BinaryIO:
    """Return the bytes of a file as they were before it was compressed."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return cast(BinaryIO, gzip.open(raw))
    return cast(BinaryIO, lzma.open(raw)) if suffix == ".xz" else raw


def _suffix(path: Path) -> str:
    """Return the suffix that tells the format: books.jsonl.xz is .jsonl."""
    return (Path(path.stem) if path.suffix.lower() in _COMPRESSED else path).suffix.lower()


def _is_known(path: Path) -> bool:
    return not path.name.startswith(".") and (_suffix(path) in _READERS or _suffix(path) in _TEXT_SUFFIXES)


def _text(binary: BinaryIO, source: str) -> Generator[Document, None, None]:
    """Yield the documents of a text, parted by lines that say so; one that is very long comes in parts."""
    lines: list[str] = []
    characters = 0
    with decoded(binary) as text:
        for number, line in enumerate(lines_of(text, source), start=1):
            complaint = bad_byte(line, number)
            if complaint:
                raise InputError(f"{source}:{number} {complaint}")
            if line.strip() == _END_OF_TEXT:
                yield Document("".join(lines).removesuffix("\n"))
                lines, characters = [], 0
                continue
            if characters >= PART_CHARACTERS and (rest := _blank_end(lines[-1])) is not None:
                yield Document("".join(lines).removesuffix(rest), ends=False)
                lines, characters = [rest], len(rest)
            lines.append(line)
            characters += len(line)
    if lines:
        yield Document("".join(lines).removesuffix("\n"))


def _blank_end(line: str) -> str | None:
    """Return the white space that ends a line, where tokens do not change if it is cut off."""
    found = re.search(r"(?<=\S)[ \n]\s*$", line)
    return found.group() if found else None
