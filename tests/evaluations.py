"""An evaluator that needs no model: it measures how long texts are, and what a model's name adds to that."""

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.columns import text_of
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.errors import InputError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.resampling import compare, mean_interval
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.options import MeasuredRoles, TaskName
from gptcli.tasks.events import Event, ModelReady, Notice, RowDone, RowFailed, Stage
from gptcli.tasks.sharing import Share


@dataclass(kw_only=True)
class ToyEvaluator(Evaluator):
    """The mean length of texts, and with it the error of a model whose name is a number."""

    name: ClassVar[str] = "perplexity"

    column: str = "text"
    whole: bool = False
    fails: Mapping[str, str] = field(default_factory=dict)
    """The text that a model cannot score, by the model's name."""
    between: Callable[[], object] = lambda: None
    """What happens while a model scores."""
    seen: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """The rows that each model was given."""

    @property
    def whole_files(self) -> bool:
        """Return what the test wants."""
        return self.whole

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return all names, of which the last is of no data."""
        return ("length", "error", "nothing")

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return one that compares only with one tokenizer."""
        return frozenset({"error"})

    @property
    def convention(self) -> Mapping[str, object]:
        """Return what is measured."""
        return {"unit": "characters", "column": self.column}

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Return each text's length, and that less the number that the model is named by."""
        yield Stage(text=f"loading {located.name}")
        yield ModelReady(directory=str(located.directory), dtype="float32")
        seen = self.seen[located.name] = []
        index, lengths = [], []
        for number, record in rows:
            try:
                text = text_of(record, self.column)
                if self.fails.get(located.name) == text:
                    raise InputError("is too hard")
            except InputError as error:
                yield RowFailed(index=number, record=record, message=str(error))
                continue
            seen.append((number, text))
            index.append(number)
            lengths.append(float(len(text)))
            yield RowDone(index=number)
        self.between()
        yield Notice(text="texts that were long: 1")
        columns = {"length": np.array(lengths), "error": np.abs(np.array(lengths) - float(located.name))}
        return RowScores(index=np.array(index, np.int64), columns=columns)

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the two means."""
        return (
            Figure(
                name="length",
                title="mean length",
                interval=mean_interval(scores.columns["length"], bootstrap),
                better="higher",
            ),
            Figure(
                name="error",
                title="mean error",
                interval=mean_interval(scores.columns["error"], bootstrap),
                better="lower",
            ),
        )

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the differences of the two means."""
        return tuple(
            Difference(
                name=name,
                title=f"mean {name}",
                comparison=compare(first.columns[name], second.columns[name], better="lower", bootstrap=bootstrap),
            )
            for name in ("length", "error")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyOptions:
    """Options that make one evaluator, which a test can look at afterwards."""

    TASK: ClassVar[TaskName] = "perplexity"

    made: ToyEvaluator

    def evaluator(self, roles: MeasuredRoles) -> Evaluator:
        """Return it, with the column of the texts."""
        self.made.column = roles.text or "text"
        return self.made


def located(name: str | None, share: Share) -> Generator[Event, None, Located]:
    """Find any model in a directory of its name."""
    assert share.is_main
    yield Stage(text=f"looking for {name}")
    return Located(name=str(name), directory=Path(str(name)))
