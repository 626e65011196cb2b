"""Any number of items through a model in chunks: read ahead, worked on together, out in input order.

A chunk is what has been read when the one before is done, up to a bound: a file fills whole passes, and a row that
comes alone through a pipe is answered at once. Memory does not grow with the input.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TypeVar, cast

from gptcli.engine.read_ahead import ReadAhead

CHUNK_PASSES = 8
"""Passes of a chunk: enough to find rows of like lengths, few enough that results come every few seconds."""

Work = TypeVar("Work")
Result = TypeVar("Result")
Other = TypeVar("Other")
"""What the caller puts between the items and wants back in its place, such as a row that failed."""


def results_in_order(
    items: Iterable[Work | Other],
    kind: type[Work],
    run: Callable[[Sequence[Work]], Iterable[Result]],
    *,
    tokens: Callable[[Work], int],
    most_tokens: int,
) -> Generator[Result | Other, None, None]:
    """Yield what run makes of each item of a kind, and everything else as it came, in the order of the input.

    tokens says what an item costs, most_tokens how many of them fill a pass. Raises what the input raises, after the
    results of all that came before.
    """

    def weight(item: Work | Other) -> int:
        # What costs nothing takes a place too.
        return max(1, tokens(item)) if isinstance(item, kind) else 1

    limit = CHUNK_PASSES * most_tokens
    with ReadAhead(items, limit, weight) as source:
        while chunk := _chunk(source, limit, weight):
            results = iter(run([item for item in chunk if isinstance(item, kind)]))
            for item in chunk:
                yield next(results) if isinstance(item, kind) else cast(Other, item)
        if source.error is not None:
            raise source.error


def passes(lengths: Sequence[int], most_tokens: int, most_rows: int | None) -> Iterator[list[int]]:
    """Yield the numbers of the rows of each padded pass, the longest first: if memory runs out it does so at once."""
    numbers: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        full = numbers and (len(numbers) + 1) * lengths[numbers[0]] > most_tokens
        if full or len(numbers) == most_rows:
            yield numbers
            numbers = []
        numbers.append(number)
    if numbers:
        yield numbers


def _chunk(source: ReadAhead[Work], limit: int, weight: Callable[[Work], int]) -> list[Work]:
    """Take what has been read, up to a number of tokens; wait for the first item only."""
    chunk = list(source.take(wait=True))
    taken = sum(map(weight, chunk))
    while taken < limit and (more := source.take(wait=False)):
        chunk += more
        taken += sum(map(weight, more))
    return chunk
