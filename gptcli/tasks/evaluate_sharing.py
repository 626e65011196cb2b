"""Have a model score its rows in all processes of a run, and put together what each has found."""

from collections.abc import Generator, Iterable
from contextlib import closing

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.evaluation.scores import RowScores, joined_scores
from gptcli.tasks.cuts import summed
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.events import Event, Notice, RowDone, RowFailed
from gptcli.tasks.sharing import Share


def scored_together(
    share: Share, evaluator: Evaluator, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
) -> Generator[Event, None, RowScores]:
    """Yield what happens, and return the scores of all rows, in the main process; in others nothing that counts."""
    if evaluator.shares_parts or share.world == 1:
        evaluator.share = share
        return (yield from evaluator.score(located, model, rows))
    mine = ((index, record) for index, record in rows if share.mine(index))
    failed: list[RowFailed] = []
    cuts: list[Notice] = []
    with closing(evaluator.score(located, model, mine)) as scoring:
        while True:
            try:
                event = next(scoring)
            except StopIteration as end:
                scores: RowScores = end.value
                break
            if isinstance(event, RowFailed):
                failed.append(event)
            elif isinstance(event, Notice) and event.cut is not None:
                cuts.append(event)
            else:
                yield event
    parts = share.gathered((scores, failed))
    if parts is not None:
        yield from _of_others([(part[0], part[1]) for part in parts])
    yield from summed(share, cuts)
    return scores if parts is None else joined_scores([part[0] for part in parts])


def _of_others(parts: list[tuple[RowScores, list[RowFailed]]]) -> Generator[Event, None, None]:
    """Yield what has come of the other processes' rows, and all that failed, in the order of the input."""
    for scores, _ in parts[1:]:
        yield from (RowDone(index=int(index)) for index in scores.index)
    yield from sorted((event for _, failed in parts for event in failed), key=lambda event: event.index)
