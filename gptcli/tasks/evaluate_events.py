"""What `evaluate` tells its caller beside the events of every task: the choice, the figures, and the rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gptcli.data.rereading import DataFile
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluators.options import TaskName
from gptcli.tasks.events import Event

if TYPE_CHECKING:
    from gptcli.evaluation.scores import Difference, Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChosen:
    """What will be measured, and why; of how many rows."""

    task: TaskName
    reason: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringStarted:
    """The rows go to the next model."""

    model: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """What was measured of a model."""

    name: str
    directory: str
    dtype: str
    figures: "tuple[Figure, ...]"
    """The headline first."""
    details: Mapping[str, object]
    """What else there is to know, ready for JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonReport:
    """A model against the one of --vs, row by row."""

    model: str
    versus: str
    differences: "tuple[Difference, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundReport:
    """Whether a model's figure is as good as it must be."""

    model: str
    metric: str
    value: float | None
    """None where the data gives no such figure, as an AUROC of three classes."""
    bound: float
    better: Literal["higher", "lower"]
    """lower: the bound is the most that the figure may be, else the least."""
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """All that was measured; figures of all models are of the same rows."""

    task: TaskName | Literal["harness"]
    """Tasks of lm-evaluation-harness read no files of ours."""
    reason: str
    files: tuple[DataFile, ...]
    limit: int | None
    rows_read: int
    rows_failed: int
    """How many at least one model could not score, which are left out for all."""
    scored: int
    """What the figures are of and the intervals over: rows, or parts of them, or what several of them make."""
    convention: Mapping[str, object]
    """What must be the same for other figures to compare with these."""
    bootstrap: Bootstrap
    models: tuple[ModelReport, ...]
    """The one of --vs last."""
    comparisons: tuple[ComparisonReport, ...]
    incomparable: frozenset[str]
    """Figures that do not compare between these models, since their tokenizers differ."""
    bounds: tuple[BoundReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReport:
    """What each model gave a row."""

    index: int
    """The row's number in the input, from 0."""
    origin: str
    values: tuple[Mapping[str, object], ...]
    """Of each model, in the order of the report."""


EvaluateEvent = Event | TaskChosen | ScoringStarted | EvaluationReport | RowReport
