"""From the rows of an input to the texts that perplexity is measured on, as a convention has them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gptcli.data.columns import text_of
from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.evaluation.detokenizers import wikitext_detokenized, wikitext_pages
from gptcli.evaluation.perplexity import count_words
from gptcli.evaluation.protocols import Convention
from gptcli.tasks.events import Place, RowDone, RowFailed

LINES_BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A text that is scored by itself."""

    row: int
    """The number of the input's row that it is, or is of; of several joined rows, the first."""
    number: int
    """What sets it apart from all other passages: the row's number where each row is one."""
    origin: str
    text: str
    """As it is read."""
    words: int
    """Of the text as it was given, as are the bytes."""
    utf8_bytes: int

    @property
    def place(self) -> Place:
        """Return where its row stands."""
        return Place(row=self.row, origin=self.origin)


class Passages:
    """The texts of a run."""

    def __init__(self, convention: Convention, column: str, *, plain: bool) -> None:
        """Take texts from a column; plain: the data is plain text, of which a row is a whole file."""
        self._convention = convention
        self._column = column
        self._plain = plain
        self._number = 0

    def of(self, rows: Iterable[tuple[int, Record]]) -> Iterator[Passage | RowFailed | RowDone]:
        """Yield the passages, each behind its rows that cannot be read and before those that are done with it."""
        parts = self._convention.texts
        joins = not self._plain and parts in ("lines", "files")
        return self._joined(rows) if joins else self._single(rows)

    def _single(self, rows: Iterable[tuple[int, Record]]) -> Iterator[Passage | RowFailed | RowDone]:
        """Yield what each row is, or what it is parted into."""
        for index, record in rows:
            try:
                text = text_of(record, self._column)
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
                continue
            if self._convention.texts == "documents":
                yield self._passage(index, index, record.origin, text)
            else:
                for part in self._parts(text):
                    yield self._passage(index, self._number, record.origin, part)
                    self._number += 1
            yield RowDone(index=index)

    def _joined(self, rows: Iterable[tuple[int, Record]]) -> Iterator[Passage | RowFailed | RowDone]:
        """Yield one passage of all rows, in the place of the file that they are of."""
        texts: list[str] = []
        done: list[int] = []
        origin = ""
        for index, record in rows:
            try:
                texts.append(text_of(record, self._column))
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
                continue
            origin = origin or record.origin
            done.append(index)
        if self._convention.texts == "lines":
            text = LINES_BETWEEN.join(texts)
        else:
            text = self._trimmed("".join(text if text.endswith("\n") else f"{text}\n" for text in texts))
        texts.clear()
        if done:
            yield self._passage(done[0], 0, origin, text)
        for index in done:
            yield RowDone(index=index)

    def _parts(self, text: str) -> Iterator[str]:
        """Yield the passages of a whole file, or of a row of pages."""
        match self._convention.texts:
            case "lines":
                yield LINES_BETWEEN.join(dataset_rows(text))
            case "pages" if self._plain:
                yield from wikitext_pages(text)
            case _:
                yield self._trimmed(text)

    def _trimmed(self, text: str) -> str:
        return text.removesuffix("\n") if self._convention.drops_last_line_end else text

    def _passage(self, row: int, number: int, origin: str, text: str) -> Passage:
        return Passage(
            row=row,
            number=number,
            origin=origin,
            text=wikitext_detokenized(text) if self._convention.detokenized else text,
            words=count_words(text, self._convention.words),
            utf8_bytes=len(text.encode()),
        )


def dataset_rows(text: str) -> Iterator[str]:
    """Yield the rows that datasets makes of WikiText's file: its lines with their ends, of a blank one nothing."""
    lines = text.split("\n")
    for line in lines[:-1]:
        yield f"{line}\n" if line.strip() else ""
    if lines[-1]:
        yield lines[-1] if lines[-1].strip() else ""
