"""Any number of documents through a classifier: batched by length, out in input order."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.batching import passes, results_in_order
from gptcli.engine.classifier import Classifier

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
    return results_in_order(
        items,
        Document,
        lambda documents: _classified(classifier, documents, most_rows),
        tokens=lambda document: sum(map(len, document.windows)),
        most_tokens=classifier.most_tokens,
    )


def _classified(
    classifier: Classifier, documents: Sequence[Document], most_rows: int | None
) -> Iterator[DocumentLogits]:
    """Run documents in passes of rows of like lengths."""
    windows = [window for document in documents for window in document.windows]
    logits: list[Floats] = [np.empty(0, np.float32)] * len(windows)
    for numbers in passes([len(window) for window in windows], classifier.most_tokens, most_rows):
        rows = classifier.classify([windows[number] for number in numbers])
        for number, row in zip(numbers, rows, strict=True):
            logits[number] = row
    results = iter(logits)
    for document in documents:
        yield DocumentLogits(key=document.key, values=np.stack([next(results) for _ in document.windows]))
