"""The rows that a model is tuned on: read, split into train and validation, and counted."""

import hashlib
import heapq
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, overload

import numpy as np
import numpy.typing as npt

from gptcli.data.gathering import Gatherer, RowColumns
from gptcli.data.labels import LabelSet, LabelValue
from gptcli.data.options import DataOptions
from gptcli.data.roles import Roles
from gptcli.data.splits import Hashes, count_repeats, count_shared, hashes_of, validation_mask
from gptcli.data.templates import PromptTemplate
from gptcli.errors import InputError
from gptcli.training.document_rows import FEW_DOCUMENTS, part_documents

Codes = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MANY_ROWS = 20
"""From here on, labels that mostly differ are taken for a mistake."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, as text."""

    text: str
    """The document, the text to label, or the prompt with its template filled in."""
    completion: str | None
    label: LabelValue | None
    source: int
    """Index into RowSet.sources."""
    line: int
    ends: bool = True
    """False where its document goes on in the next row, so that no end mark is learned."""

    @property
    def characters(self) -> int:
        """Return how many it has in all."""
        return len(self.text) + len(self.completion or "")


class Rows(Sequence[Row]):
    """Some of the rows of a run, in the order of reading; a row is made when it is asked for."""

    def __init__(self, columns: RowColumns, indices: npt.NDArray[np.int64], values: Sequence[LabelValue]) -> None:
        self._columns = columns
        self._indices = indices
        self._values = values

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows": ...
    def __getitem__(self, index: int | slice) -> "Row | Rows":
        if isinstance(index, slice):
            return Rows(self._columns, self._indices[index], self._values)
        at = int(self._indices[index])
        columns = self._columns
        label = self._values[columns.codes[at]] if self._values else None
        text, completion, source = columns.texts[at], columns.completions[at], columns.sources[at]
        return Row(text, completion, label, source, columns.lines[at], at not in columns.unfinished)

    def largest(self, count: int) -> "Rows":
        """Return so many rows of most bytes, the largest first; no row is made, since of a million that takes 5 s."""
        texts, completions = self._columns.texts, self._columns.completions

        def size(at: int) -> int:
            return len(texts[at].encode()) + len((completions[at] or "").encode())

        chosen = heapq.nlargest(count, self._indices.tolist(), key=size)
        return Rows(self._columns, np.array(chosen, dtype=np.int64), self._values)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """All rows of a run and what was seen while they were read."""

    roles: Roles
    labels: LabelSet | None
    template: PromptTemplate | None
    train: Rows
    validation: Rows
    sources: tuple[str, ...]
    digest: str
    """Of the rows and their split: a resumed run must have the same."""
    rows_read: int
    unreadable: int
    """Rows that could not be read or lack a value; each was told, up to a limit."""
    empty: int
    duplicates: int
    """Training rows that stand in the training rows before."""
    leaked: int
    """Validation rows that also stand among the training rows."""

    def origin(self, row: Row) -> str:
        """Return the place of a row as file:line."""
        return f"{self.sources[row.source]}:{row.line}"


def load_rows(options: DataOptions, stdin: BinaryIO) -> Generator[str, None, RowSet]:
    """Read all rows, yield warnings, and return the rows; raises InputError where there is nothing to learn from."""
    gatherer = Gatherer(options, stdin)
    columns = RowColumns()
    yield from gatherer.gather(options.paths, columns)
    count = len(columns.texts)
    _refuse_too_few(gatherer, count)
    if options.validation is not None:
        yield from gatherer.gather((options.validation,), columns)
        if len(columns.texts) == count:
            raise InputError(f"{options.validation}: no row can be used{_because(gatherer)}")
    yield from _told(gatherer)
    if _are_few_documents(gatherer, options, count):
        columns = part_documents(columns)
        if len(columns.texts) > count:
            held = f"{count} {'document is' if count == 1 else 'documents are'} parted at blank lines into"
            yield f"{held} {len(columns.texts):,} rows, so that some can be held out"
    hashes = hashes_of(columns.hashes)
    codes = np.array(columns.codes, dtype=np.int64)
    if options.validation is not None:
        mask = np.arange(len(codes)) >= count
    else:
        mask = validation_mask(hashes, codes * (not options.regression), options.validation_split)
        if options.validation_split and not mask.any():
            rows = f"{len(mask):,} {'row is' if len(mask) == 1 else 'rows are'}"
            yield f"no row is held out: {rows} too few for --validation-split {options.validation_split:g}"
    return _row_set(gatherer, columns, codes, mask)


def _refuse_too_few(gatherer: Gatherer, count: int) -> None:
    """Raise InputError for no rows, and for a single one unless it is a text."""
    name = ", ".join(gatherer.sources)
    if count == 0:
        raise InputError(f"{name}: none of {gatherer.rows_read:,} rows can be used{_because(gatherer)}")
    if count == 1 and not gatherer.text_only:
        raise InputError(f"{name}: only one row can be used{_because(gatherer)}: give two or more")


def _are_few_documents(gatherer: Gatherer, options: DataOptions, count: int) -> bool:
    """Return whether to part documents, because whole ones are too few to hold some out."""
    splits = options.validation is None and options.validation_split > 0
    return gatherer.text_only and splits and count < FEW_DOCUMENTS


def _because(gatherer: Gatherer) -> str:
    """Return why rows cannot be used, where that was seen."""
    if gatherer.complaints:
        return f" ({gatherer.complaints[0]})"
    return " (all else is empty)" if gatherer.empty else ""


def _told(gatherer: Gatherer) -> Iterator[str]:
    """Yield what was wrong with rows that are left out, and with labels."""
    yield from gatherer.complaints
    rest = gatherer.unreadable - len(gatherer.complaints)
    if rest:
        yield f"{rest:,} more rows cannot be read"
    if gatherer.empty:
        yield f"{gatherer.empty:,} {'row is' if gatherer.empty == 1 else 'rows are'} empty and left out"
    if gatherer.labels.mixed and gatherer.roles is not None:
        yield f"column {gatherer.roles.label} has the same label as a number and as text: they count as one"


def _row_set(gatherer: Gatherer, columns: RowColumns, codes: Codes, mask: Mask) -> RowSet:
    """Return the rows on their two sides, counted."""
    assert gatherer.roles
    labels, values = _labels(gatherer, columns, codes, mask)
    texts = hashes_of(columns.pair_hashes or columns.hashes)
    # Rows of one text and two labels are no duplicates. The odd number spreads the codes (Knuth, 6.4).
    whole = texts ^ (codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    return RowSet(
        roles=gatherer.roles,
        labels=labels,
        template=gatherer.template,
        train=Rows(columns, np.flatnonzero(~mask), values),
        validation=Rows(columns, np.flatnonzero(mask), values),
        sources=tuple(gatherer.sources),
        digest=_digest(columns, texts, values, mask),
        rows_read=gatherer.rows_read,
        unreadable=gatherer.unreadable,
        empty=gatherer.empty,
        duplicates=count_repeats(whole[~mask]),
        leaked=count_shared(texts[mask], texts[~mask]),
    )


def _labels(
    gatherer: Gatherer, columns: RowColumns, codes: Codes, mask: Mask
) -> tuple[LabelSet | None, list[LabelValue]]:
    """Return the classes of the training rows and the value of each code; raises InputError for useless labels."""
    roles, raw = gatherer.roles, gatherer.labels.raw
    if roles is None or roles.label is None:
        return None, []
    trained = np.unique(codes[~mask]).tolist()
    labels = gatherer.labels.label_set(trained)
    name = ", ".join(gatherer.sources)
    if labels.kind != "regression" and len(labels.names) < 2:
        only = "".join(labels.names) or "none"
        raise InputError(f"{name}: column {roles.label} has one label only ({only}): there is nothing to tell apart")
    rows = len(mask)
    if rows >= _MANY_ROWS and 2 * len(labels.names) > rows:
        raise InputError(
            f"{name}: column {roles.label} has {len(labels.names):,} different labels in {rows:,} rows: "
            "set --label-column to another, or --regression for numbers"
        )
    values: list[LabelValue] = [0] * len(raw)
    for code in trained:
        values[code] = labels.value(raw[code])
    for code in np.setdiff1d(codes, trained).tolist():
        try:
            values[code] = labels.value(raw[code])
        except InputError as error:
            at = int(np.flatnonzero(codes == code)[0])
            raise InputError(f"{gatherer.sources[columns.sources[at]]}:{columns.lines[at]}: {error}") from error
    return labels, values


def _digest(columns: RowColumns, texts: Hashes, values: Sequence[LabelValue], mask: Mask) -> str:
    digest = hashlib.blake2b(digest_size=16)
    told = repr((values, sorted(columns.unfinished)))
    for part in (texts.tobytes(), columns.codes.tobytes(), told.encode(), np.packbits(mask).tobytes()):
        digest.update(part)
    return digest.hexdigest()
