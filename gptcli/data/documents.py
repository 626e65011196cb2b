"""Read documents from text: parted by lines of <|endoftext|>, or else the whole file."""

from collections.abc import Iterator
from typing import BinaryIO

from gptcli.data.records import Record
from gptcli.data.utf8 import bad_byte, decoded

END_OF_TEXT = "<|endoftext|>"


def read_documents(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a document, without the blank lines around it; one of blank lines only is none."""
    held: list[str] = []
    first_line = 1
    with decoded(binary) as text:
        for number, line in enumerate(text, start=1):
            if line.startswith(END_OF_TEXT) and line.strip() == END_OF_TEXT:
                yield from _document(held, source, first_line)
                held = []
            elif held or line.strip():
                if not held:
                    first_line = number
                held.append(f"{line[:-2]}\n" if line.endswith("\r\n") else line)
    yield from _document(held, source, first_line)


def _document(lines: list[str], source: str, first_line: int) -> Iterator[Record]:
    content = "".join(lines).rstrip("\n")
    if content:
        complaint = bad_byte(content, first_line)
        columns = {} if complaint else {"text": content}
        yield Record(source=source, line=first_line, columns=columns, error=complaint)
