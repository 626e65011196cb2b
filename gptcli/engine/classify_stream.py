"""Any number of documents through a classifier: read ahead, batched by length, out in input order.

A chunk is what has been read when the one before is done, up to a bound: a file fills whole passes, and a row that
comes alone through a pipe is answered at once. Memory does not grow with the input.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gptcli.engine.backend import Floats
from gptcli.engine.classifier import Classifier, Tokens
from gptcli.engine.read_ahead import ReadAhead

CHUNK_PASSES = 8
"""Passes of a chunk: enough to find rows of like lengths, few enough that results come every few seconds."""

Other = TypeVar("Other")
"""What the caller puts between the documents and wants back in its place, such as a row that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A row's tokens, in windows of the model's context."""

    key: int
    windows: tuple[Tokens, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLogits:
    """What the head says about each window of a document, (windows, labels)."""

    key: int
    values: Floats


def logits_in_order(
    classifier: Classifier, items: Iterable[Document | Other], *, most_rows: int | None = None
) -> Generator[DocumentLogits | Other, None, None]:
    """Yield the logits of each document, and everything else as it came, in the order of the input.

    A pass has most_rows rows at most, None sets no limit. Raises what the input raises, after the results of all
    that came before.
    """
    limit = CHUNK_PASSES * classifier.most_tokens
    with ReadAhead(items, limit, _weight) as source:
        while chunk := _chunk(source, limit):
            yield from _classified(classifier, chunk, most_rows)
        if source.error is not None:
            raise source.error


def _weight(item: object) -> int:
    """Return the tokens of an item; what has none takes a place too."""
    return sum(map(len, item.windows)) if isinstance(item, Document) else 1


def _chunk(source: ReadAhead[Document | Other], limit: int) -> list[Document | Other]:
    """Take what has been read, up to a number of tokens; wait for the first item only."""
    chunk = list(source.take(wait=True))
    tokens = sum(map(_weight, chunk))
    while tokens < limit and (more := source.take(wait=False)):
        chunk += more
        tokens += sum(map(_weight, more))
    return chunk


def _classified(
    classifier: Classifier, chunk: Sequence[Document | Other], most_rows: int | None
) -> Iterator[DocumentLogits | Other]:
    """Run a chunk in passes of rows of like lengths."""
    windows = [window for item in chunk if isinstance(item, Document) for window in item.windows]
    logits: list[Floats] = [np.empty(0, np.float32)] * len(windows)
    for numbers in _passes([len(window) for window in windows], classifier.most_tokens, most_rows):
        rows = classifier.classify([windows[number] for number in numbers])
        for number, row in zip(numbers, rows, strict=True):
            logits[number] = row
    results = iter(logits)
    for item in chunk:
        if isinstance(item, Document):
            yield DocumentLogits(key=item.key, values=np.stack([next(results) for _ in item.windows]))
        else:
            yield item


def _passes(lengths: Sequence[int], most_tokens: int, most_rows: int | None) -> Iterator[list[int]]:
    """Yield the numbers of the rows of each pass, the longest first: if memory runs out it does so at once."""
    numbers: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        full = numbers and (len(numbers) + 1) * lengths[numbers[0]] > most_tokens
        if full or len(numbers) == most_rows:
            yield numbers
            numbers = []
        numbers.append(number)
    if numbers:
        yield numbers
