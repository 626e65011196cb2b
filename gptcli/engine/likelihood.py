"""Any number of items through a scorer: the log-likelihood of their tokens, in input order, in constant memory."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from gptcli.engine.backend import NO_TOKENS, Tokens, require_finite
from gptcli.engine.batching import results_in_order
from gptcli.engine.scorer import Item, ItemScores, Scorer

Other = TypeVar("Other")
"""What the caller puts between the items and wants back in its place, such as a row that failed."""


def scores_in_order(
    scorer: Scorer, items: Iterable[Item | Other], *, prefix: Tokens = NO_TOKENS, most_rows: int | None = None
) -> Generator[ItemScores | Other, None, None]:
    """Yield the scores of each item, and everything else as it came, in the order of the input.

    Every span's tokens begin with prefix (few-shot examples), which is read once; spans of one item share the reading
    of their common beginning. A pass has most_rows rows at most, None sets no limit. Raises ModelError for a model
    that predicts no number, and what the input raises, after the results of all that came before.
    """
    return results_in_order(
        items,
        Item,
        lambda batch: _scored(scorer, batch, prefix, most_rows),
        tokens=lambda item: _tokens(item, len(prefix)),
        most_tokens=scorer.most_tokens,
    )


def _tokens(item: Item, known: int) -> int:
    """Return about how many tokens are read for an item: its longest span, and what others have of their own."""
    longest = max((len(span.tokens) - known for span in item.spans), default=0)
    return longest + sum(len(span.tokens) - span.start for span in item.spans[1:])


def _scored(scorer: Scorer, items: Sequence[Item], prefix: Tokens, most_rows: int | None) -> Iterator[ItemScores]:
    """Score a chunk of items."""
    _require_prefix(items, prefix)
    scores = scorer.score([item.spans for item in items], prefix, most_rows)
    for item, spans in zip(items, scores, strict=True):
        for span in spans:
            require_finite(span.logprobs)
        yield ItemScores(key=item.key, spans=tuple(spans))


def _require_prefix(items: Sequence[Item], prefix: Tokens) -> None:
    """Raise ValueError for a span that does not begin with what is read in its place."""
    for item in items:
        for number, span in enumerate(item.spans):
            if not np.array_equal(span.tokens[: len(prefix)], prefix):
                raise ValueError(f"span {number} of item {item.key} does not begin with the prefix")
