"""An evaluate task that yields what a test puts in, and the report that it may end with."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from math import nan
from typing import Any, Literal

from gptcli.data.records import Record
from gptcli.data.rereading import DataFile
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.resampling import Comparison, Interval
from gptcli.evaluation.scores import Difference, Figure
from gptcli.tasks.evaluate_config import EvaluateConfig
from gptcli.tasks.evaluate_events import (
    BoundReport,
    ComparisonReport,
    EvaluateEvent,
    EvaluationReport,
    ModelReport,
    RowReport,
    TaskChosen,
)
from gptcli.tasks.events import RowFailed


@dataclass(kw_only=True)
class FakeEvaluation:
    """Stands for the task; an event may be an exception to raise."""

    events: list[EvaluateEvent | BaseException] = field(default_factory=list)
    config: EvaluateConfig | None = None
    closed: bool = False

    def __call__(self, config: EvaluateConfig) -> Iterator[EvaluateEvent]:
        """Yield the events."""
        self.config = config
        try:
            yield TaskChosen(task="perplexity", reason="perplexity: book.txt is plain text", rows=3)
            for event in self.events:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            self.closed = True


def interval(value: float, low: float = nan, high: float = nan) -> Interval:
    """Return an interval of three rows."""
    return Interval(value=value, low=low, high=high, rows=3, method="bca")


def model(name: str, bits: float, accuracy: float = 0.5) -> ModelReport:
    """Return a model with a figure of each direction."""
    return ModelReport(
        name=name,
        directory=f"/models/{name}",
        dtype="float32",
        figures=(
            Figure(
                name="bits_per_byte",
                title="bits per byte",
                interval=interval(bits, bits - 0.1, bits + 0.1),
                better="lower",
            ),
            Figure(name="accuracy", title="accuracy", interval=interval(accuracy), better="higher"),
        ),
        details={"tokens": 1234, "matrix": [[1, 0], [0, 2]]},
    )


def comparison(
    value: float, low: float, high: float, *, name: str = "bits_per_byte", rows: int = 3, **counts: Any
) -> ComparisonReport:
    """Return the comparison of a with b in a figure."""
    counted = {"wins": 3, "ties": 0, "losses": 0, "sign_test": 0.25} | counts
    found = Comparison(difference=replace(interval(value, low, high), rows=rows), **counted)
    difference = Difference(name=name, title=name.replace("_", " "), comparison=found)
    return ComparisonReport(model="a", versus="b", differences=(difference,))


def bound(value: float | None, *, passed: bool, better: Literal["higher", "lower"] = "lower") -> BoundReport:
    """Return a bound of 1 on the bits per byte of a."""
    return BoundReport(model="a", metric="bits_per_byte", value=value, bound=1.0, better=better, passed=passed)


def report(*models: ModelReport, **changes: Any) -> EvaluationReport:
    """Return a report; a test says what matters."""
    plain: dict[str, Any] = {
        "task": "perplexity",
        "reason": "perplexity: book.txt is plain text",
        "files": (DataFile(name="book.txt", size=9, sha256="0123456789abcdef" * 4),),
        "limit": None,
        "rows_read": 3,
        "rows_failed": 0,
        "scored": 3,
        "convention": {"context": 1024, "bos": True, "separator": None},
        "bootstrap": Bootstrap(),
        "comparisons": (),
        "incomparable": frozenset(),
        "bounds": (),
    }
    return EvaluationReport(models=models or (model("a", 1.0234),), **(plain | changes))


def row(index: int, *values: dict[str, object]) -> RowReport:
    """Return a row of the book."""
    return RowReport(index=index, origin=f"book.txt:{index + 1}", values=values)


def failed(index: int, message: str = "is empty") -> RowFailed:
    """Return a row that failed."""
    return RowFailed(index=index, record=Record(source="book.txt", line=index + 1), message=message)
