"""Detect how a table is written: what parts its cells, whether they are quoted, and whether it has a header."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gptcli.data.column_kinds import is_label_like
from gptcli.data.column_names import KNOWN

DELIMITERS = ",;\t|"
QUOTING: Mapping[bool, Literal[0, 3]] = MappingProxyType({True: csv.QUOTE_MINIMAL, False: csv.QUOTE_NONE})
_MANY_WORDS = 4
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a table is written."""

    delimiter: str
    quoted: bool = True
    """Whether a cell in quotes may hold the delimiter and line ends; else a quote is a character like another."""
    header: bool = True


def detect_layout(lines: Sequence[str], delimiter: str | None = None) -> Layout:
    """Return the layout that the first lines show; in doubt there is a header."""
    delimiter = delimiter or detect_delimiter(lines)
    quoted = delimiter != "\t" or _are_quotes_whole(lines, delimiter)
    rows = _cells(lines, delimiter, quoted)
    return Layout(delimiter=delimiter, quoted=quoted, header=not _begins_with_data(rows))


def detect_delimiter(lines: Sequence[str]) -> str:
    """Return what parts the cells of the first line and as many cells of the most lines; a comma in doubt."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(cells) for cells in _cells(lines, delimiter, quoted=True)]
        if widths and widths[0] > 1:
            score = (widths.count(widths[0]) / len(widths), widths[0])
            if score > best_score:
                best, best_score = delimiter, score
    return best


def is_table(lines: Sequence[str]) -> bool:
    """Return whether lines of unknown format are a table: as many cells in each, the first a header or surely none."""
    delimiter = detect_delimiter(lines)
    rows = _cells(lines, delimiter, quoted=True)
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(cells) != len(rows[0]) for cells in rows):
        return False
    names = [name.strip() for name in rows[0]]
    short = all(name and len(name) <= _LONGEST_NAME and len(name.split()) < _MANY_WORDS for name in names)
    known = any(name.casefold() in KNOWN for name in names)
    named = short and (known or delimiter == "\t") and len(set(names)) == len(names)
    return named or _begins_with_data(rows)


def _are_quotes_whole(lines: Sequence[str], delimiter: str) -> bool:
    """Return whether each cell that begins with a quote ends with one, as it does where quotes have a meaning."""
    try:
        for _ in csv.reader(lines, delimiter=delimiter, strict=True):
            pass
    except csv.Error as error:
        # The last of the lines may be within a cell, unless it has cells of its own.
        return "unexpected end of data" in str(error) and delimiter not in lines[-1]
    return True


def _cells(lines: Sequence[str], delimiter: str, quoted: bool) -> list[list[str]]:
    """Return the rows up to the first that is not well-formed, and without the last where it is not whole."""
    rows: list[list[str]] = []
    with suppress(csv.Error):
        for cells in csv.reader(lines, delimiter=delimiter, quoting=QUOTING[quoted], strict=True):
            if cells:
                rows.append(cells)
    return rows


def _begins_with_data(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row is surely no header.

    Sure is: a cell stands again below among few, repeated values (ham, spam), or is a number among numbers beside a
    cell of many words; and no other cell is a usual name.
    """
    rows = [cells for cells in rows if len(cells) == len(rows[0])]
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    known = [cell for cell in rows[0] if cell.strip().casefold() in KNOWN]
    beside_text = any(len(cell.split()) >= _MANY_WORDS for cell in rows[0])
    for first, *below in zip(*rows, strict=True):
        repeated = first and is_label_like(below) and Counter(below)[first] > 1
        number = beside_text and _is_number(first) and all(map(_is_number, below))
        if (repeated or number) and known in ([], [first]):
            return True
    return False


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
