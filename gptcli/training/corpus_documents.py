"""Read the documents of a corpus, file by file, in constant memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gptcli.data.columns import choose_column, text_of
from gptcli.data.contents import Content, expand_paths, open_content
from gptcli.data.documents import read_parts
from gptcli.data.readers import check_readable
from gptcli.data.records import Record
from gptcli.data.sources import rows_of
from gptcli.errors import ConfigError, InputError

PART_CHARACTERS = 1 << 20
"""Longer text that nothing parts is taken in such parts: a file may be larger than memory."""


@dataclass(frozen=True, slots=True)
class Document:
    """Text that begins a document, or goes on with it where the part before did not end it."""

    text: str
    ends: bool = True
    """Whether the document ends here."""


class Documents:
    """The documents of files and directories, counted while they are read."""

    def __init__(self, paths: Sequence[str], *, column: str | None = None) -> None:
        self.files = tuple(Path(path) for path in expand_paths(paths))
        for path in self.files:
            check_readable(str(path))
            if not path.is_file():
                raise ConfigError(f"{path} cannot be read twice, as pretraining must: save what it holds to a file")
        self.bytes_total = sum(path.stat().st_size for path in self.files)
        """Of the files as they lie on the disk."""
        self.bytes_read = 0
        self.empty = 0
        self.unreadable = 0
        self.first_complaint: str | None = None
        """Why the first unreadable row could not be read."""
        self.notices: list[str] = []
        """What was decided about the files that the user may not expect."""
        self.column = column

    def __iter__(self) -> Iterator[Document]:
        """Yield every document, from the first file again each time."""
        self.bytes_read = self.empty = self.unreadable = 0
        self.notices = []
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
        with open_content(str(path)) as content:
            for document in self._text(content) if content.is_text else self._rows(content):
                self.bytes_read = begin + content.file.tell()
                yield document
        self.bytes_read = begin + path.stat().st_size

    def _text(self, content: Content) -> Iterator[Document]:
        """Yield the documents of a text; one that is very long comes in parts."""
        self.notices += content.notices
        for part in read_parts(content.binary, content.name, PART_CHARACTERS):
            if part.record.error is not None:
                raise InputError(f"{part.record.origin} {part.record.error}")
            yield Document(text_of(part.record, "text"), part.ends)

    def _rows(self, content: Content) -> Iterator[Document]:
        """Yield the text of each row; one without or of white space only is counted."""
        column: str | None = None
        with rows_of(content) as source:
            self.notices += source.notices
            for line, values, error in source.rows:
                columns = {} if error else source.named(values)
                record = Record(source=source.name, line=line, columns=columns, error=error)
                try:
                    if column is None and error is None:
                        column = choose_column(tuple(columns), self.column, ("text",))
                    text = text_of(record, column or "text")
                except InputError as failure:
                    if column is None and error is None:
                        raise InputError(f"{record.origin}: {failure}") from failure
                    self.unreadable += 1
                    self.first_complaint = self.first_complaint or f"{record.origin} {failure}"
                else:
                    if text.strip():
                        yield Document(text)
                    else:
                        self.empty += 1
