"""Run an evaluator over rows that a test makes up, and keep what it says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.resampling import Comparison, Interval
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName
from gptcli.tasks.events import Event, Notice, RowDone, RowFailed

FEW = Bootstrap(resamples=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoring:
    """What came of a run."""

    scores: RowScores
    events: list[Event]

    @property
    def warnings(self) -> list[str]:
        """Return the notices that a person sees without asking for details."""
        return [event.text for event in self.events if isinstance(event, Notice) and not event.detail]

    @property
    def done(self) -> list[int]:
        """Return the rows that were told to be done."""
        return [event.index for event in self.events if isinstance(event, RowDone)]

    @property
    def failed(self) -> dict[int, str]:
        """Return what was wrong with rows."""
        return {event.index: event.message for event in self.events if isinstance(event, RowFailed)}


def records(columns: Mapping[str, Sequence[object]]) -> list[Record]:
    """Return a record for each place of the columns; an exception in the first stands for an unreadable row."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [
        Record(source="in", line=number, columns={}, error=str(error))
        if isinstance(error := next(iter(row.values())), Exception)
        else Record(source="in", line=number, columns=row)
        for number, row in enumerate(rows, 1)
    ]


def score(evaluator: Evaluator, model: Path, rows: Iterable[Record], **options: Any) -> Scoring:
    """Run an evaluator to its end."""
    located = Located(name=model.name, directory=model)
    scoring = evaluator.score(located, ModelOptions(device="cpu", **options), enumerate(rows))
    events: list[Event] = []
    while True:
        try:
            events.append(next(scoring))
        except StopIteration as end:
            return Scoring(scores=end.value, events=events)


def figures(evaluator: Evaluator, scores: RowScores, bootstrap: Bootstrap = FEW) -> dict[str, Interval]:
    """Return the figures by their names."""
    return {figure.name: figure.interval for figure in evaluator.figures(scores, bootstrap)}


def differences(evaluator: Evaluator, first: RowScores, second: RowScores) -> dict[str, Comparison]:
    """Return the differences by their names."""
    return {each.name: each.comparison for each in evaluator.differences(first, second, FEW)}


def roles(task: TaskName, columns: Iterable[str], **parts: Any) -> MeasuredRoles:
    """Return roles as the reading of the data settles them."""
    return MeasuredRoles(task=task, columns=tuple(columns), reason="", **parts)
