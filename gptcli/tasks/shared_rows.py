"""Bring what several processes make of a run's rows, or of parts of them, back into one order.

The main process reads all of them, as the others do. Those of another go their way as an Elsewhere, in whose place the
results are put that the other has sent.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from gptcli.data.records import Record
from gptcli.engine.scorer import Item, ItemScores
from gptcli.errors import InputError
from gptcli.tasks.sharing import Link, Share

Result = TypeVar("Result")
Other = TypeVar("Other")
"""What stands between the items and comes back in its place, such as a row that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """A row, or a part of one, that another process does."""

    number: int
    record: Record | None = None
    """The row as it was read here, since columns are not sent about; the results of it are given it back."""


def each(result: object) -> bool:
    """Say of a result that nothing more comes of its row."""
    del result
    return True


def shared_in_order(
    share: Share, own: Iterable[Result | Elsewhere], is_last: Callable[[Result], bool] = each
) -> Iterator[Result]:
    """Yield all results in the order of the input, in the main process; the others send theirs and yield none.

    is_last tells the last result of a row. What another does is waited for, and it waits for room once it is far ahead:
    memory does not grow with the input. Raises InputError where the processes have not read the same.
    """
    if not share.is_main:
        _send(share.links[0], (item for item in own if not isinstance(item, Elsewhere)), is_last)
        return
    for item in own:
        if isinstance(item, Elsewhere):
            yield from _received(share, item)
        else:
            yield item
    for rank, link in enumerate(share.links, start=1):
        if link.receive() is not None:
            raise InputError(f"process {rank} has read more than the others: give all the same input")


def parts_in_order(
    share: Share,
    items: Iterable[Item | Other],
    score: Callable[[Iterable[Item | Other | Elsewhere]], Iterable[ItemScores | Other | Elsewhere]],
    forget: Callable[[Item], None],
) -> Iterator[ItemScores | Other]:
    """Yield the scores of all items, and everything else as it came, in the main process; the others yield none.

    There forget is given each item, of which nothing will be heard again.
    """

    def parted() -> Iterator[Item | Other | Elsewhere]:
        number = 0
        for item in items:
            if not isinstance(item, Item):
                if share.is_main:
                    yield item
                continue
            if not share.is_main:
                forget(item)
            yield item if share.mine(number) else Elsewhere(number=number)
            number += 1

    return shared_in_order(share, score(parted()))


def _send(link: Link, own: Iterable[Result], is_last: Callable[[Result], bool]) -> None:
    results: list[Result] = []
    for result in own:
        results.append(result)
        if is_last(result):
            link.send(results)
            results = []
    link.send(None)


def _received(share: Share, elsewhere: Elsewhere) -> Iterator[Any]:
    """Yield what another process has made of its next row."""
    rank = elsewhere.number % share.world
    results = cast("list[Any] | None", share.links[rank - 1].receive())
    if results is None:
        raise InputError(f"process {rank} has read less than the others: give all the same input")
    for result in results:
        yield result if elsewhere.record is None else replace(result, record=elsewhere.record)
