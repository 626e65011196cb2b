"""Part a few long documents into rows, so that some of a single book can be held out."""

import re
from collections.abc import Iterator

from gptcli.data.gathering import RowColumns
from gptcli.data.splits import row_hasher
from gptcli.training.corpus_pieces import pieces

FEW_DOCUMENTS = 20
"""From here on documents stay whole: a tenth of them is enough to validate on."""
_SHORTEST = 2000
"""Characters of a row, about 500 tokens of English: half of GPT-2's context."""
_SHORTEST_LAST = _SHORTEST // 2
_LONGEST = 1 << 16
# The line end behind a paragraph stays with it, and is how a model learns that the text goes on.
_BLANK_LINES = re.compile(r"(?<=\n)(?:[^\S\n]*\n)+")


def part_documents(documents: RowColumns) -> RowColumns:
    """Return the documents with each long one as several rows, the last of which ends it."""
    rows = RowColumns()
    row_hash = row_hasher()
    for text, line, source in zip(documents.texts, documents.lines, documents.sources, strict=True):
        for part, lines_before in paragraphs(text):
            rows.unfinished.add(len(rows.texts))
            rows.texts.append(part)
            rows.completions.append(None)
            rows.codes.append(0)
            rows.lines.append(line + lines_before)
            rows.sources.append(source)
            rows.hashes += row_hash(part.encode())
        rows.unfinished.discard(len(rows.texts) - 1)
    return rows


def paragraphs(text: str) -> Iterator[tuple[str, int]]:
    """Yield a text as whole paragraphs, at least 2,000 characters at once, each with the count of lines before it.

    The blank lines between them are left out. What has none for 64 KB is parted at line ends or spaces.
    """
    start = lines = 0
    for end, following in _places(text):
        for part in pieces(text[start:end], _LONGEST, at_newlines=True):
            row = part.removeprefix("\n")  # a row begins with what it says, for a model reads it behind an end mark
            yield row, lines + len(part) - len(row)
            lines += part.count("\n")
        lines += text.count("\n", end, following)
        start = following


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Yield where a row ends and the next one starts."""
    start = 0
    for blank in _BLANK_LINES.finditer(text):
        if blank.start() - start >= _SHORTEST and len(text) - blank.end() >= _SHORTEST_LAST:
            yield blank.span()
            start = blank.end()
    yield len(text), len(text)
