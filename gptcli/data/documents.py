"""Read documents from text: parted by lines of <|endoftext|>, or else the whole file."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from gptcli.data.records import Record
from gptcli.data.utf8 import bad_byte, decoded

END_OF_TEXT = "<|endoftext|>"
_LONGEST_READ = 1 << 20
"""Characters that are read at once of a line that may have no end."""
# White space behind other characters: GPT-2's tokens do not change where the text is cut before it. A space is
# taken first: some tokenizers put one in front of whatever begins with none.
_CUTS = (re.compile(r"(?<=\S) "), re.compile(r"(?<=\S)\n"))


@dataclass(frozen=True, slots=True)
class Part:
    """Text that begins a document, or goes on with it where the part before did not end it."""

    record: Record
    """With the text in its only column, or the reason why it cannot be read."""
    ends: bool
    """Whether the document ends here; such a part may be empty where another stands before it."""


def read_documents(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a document, without the blank lines around it; one of blank lines only is none."""
    return (part.record for part in read_parts(binary, source, sys.maxsize))


def read_parts(binary: BinaryIO, source: str, longest: int) -> Iterator[Part]:
    """Yield documents in parts of about this many characters at most, so that one may be larger than memory.

    Parts, joined, are the document, and their tokens, joined, are its tokens; but where a line has no space, not those
    of a tokenizer that puts one in front of a text.
    """
    document = _Document(source)
    number, begins = 1, True
    with decoded(binary) as text:
        while line := text.readline(_LONGEST_READ):
            if begins and line.startswith(END_OF_TEXT) and line.strip() == END_OF_TEXT:
                yield from document.end()
            else:
                if document.characters >= longest and (part := document.cut()) is not None:
                    yield part
                document.add(line, number)
            begins = line.endswith("\n")
            number += begins
    yield from document.end()


class _Document:
    """The lines of a document that are not yielded yet."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._lines: list[str] = []
        self._first_line = 1
        self._goes_on = False
        self.characters = 0

    def add(self, line: str, number: int) -> None:
        """Add a line; blank ones before the first that is not are left out."""
        if not self._lines:
            if not line.strip():
                return
            self._first_line = number
        self._lines.append(f"{line[:-2]}\n" if line.endswith("\r\n") else line)
        self.characters += len(line)

    def cut(self) -> Part | None:
        """Return all up to the last place where a cut changes no token, and keep the rest; None for no such place."""
        last = self._lines[-1]
        places = [found.start() for cut in _CUTS for found in reversed([*cut.finditer(last)])]
        if not places:
            return None
        self._lines[-1] = last[: places[0]]
        part = self._part(ends=False)
        self._first_line += sum(line.count("\n") for line in self._lines)
        self._lines = [last[places[0] :]]
        self.characters = len(self._lines[0])
        self._goes_on = True
        return part

    def end(self) -> Iterator[Part]:
        """Yield what is left of the document, if there is one, without the line ends at its end."""
        while self._lines and not self._lines[-1].rstrip("\n"):
            self._lines.pop()
        if self._lines:
            self._lines[-1] = self._lines[-1].rstrip("\n")
        if self._lines or self._goes_on:
            yield self._part(ends=True)
        self._lines, self.characters, self._goes_on = [], 0, False

    def _part(self, *, ends: bool) -> Part:
        content = "".join(self._lines)
        complaint = bad_byte(content, self._first_line)
        columns = {} if complaint else {"text": content}
        return Part(Record(source=self._source, line=self._first_line, columns=columns, error=complaint), ends)
