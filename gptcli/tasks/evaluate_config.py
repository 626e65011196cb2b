"""The typed configuration of `evaluate`; imports nothing heavy, so that it can be checked before any data is read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan
from typing import BinaryIO, Literal

from gptcli.data.roles import WantedRoles
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluators.options import TaskName, TaskOptions
from gptcli.tasks.sharing import ALONE, Share

LEAST_RESAMPLES = 100
"""Fewer leave two rows or so in each tail of the interval."""


def default_options(task: TaskName) -> TaskOptions:
    """Return a task's options as they are where nothing is asked for."""
    match task:
        case "perplexity":
            from gptcli.tasks.evaluators.perplexity_options import PerplexityOptions

            return PerplexityOptions()
        case "classify":
            from gptcli.tasks.evaluators.classify_options import ClassifyOptions

            return ClassifyOptions()
        case "complete":
            from gptcli.tasks.evaluators.complete_options import CompleteOptions

            return CompleteOptions()
        case "choices":
            from gptcli.tasks.evaluators.choices_options import ChoicesOptions

            return ChoicesOptions()
        case "lastword":
            from gptcli.tasks.evaluators.lastword_options import LastWordOptions

            return LastWordOptions()


def require_extent(limit: int | None, bootstrap: Bootstrap) -> None:
    """Raise ConfigError for a number of rows or of resamples that tells nothing, and for a seed that is none."""
    if limit is not None and limit < 1:
        raise ConfigError(f"--limit must be at least 1, not {limit}")
    if bootstrap.resamples < LEAST_RESAMPLES:
        raise ConfigError(f"--bootstrap must be at least {LEAST_RESAMPLES}, not {bootstrap.resamples}")
    if bootstrap.seed < 0:
        raise ConfigError(f"--seed must be at least 0, not {bootstrap.seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How good a figure must be: at least this, or at most where lower is better."""

    metric: str
    value: float

    def __post_init__(self) -> None:
        if isnan(self.value):
            raise ConfigError(f"--fail-under {self.metric} wants a number, not nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateConfig:
    """What `evaluate` needs to know; raises ConfigError for what cannot go together."""

    paths: tuple[str, ...]
    """Files, directories, or "-" for standard input."""
    stdin: BinaryIO
    models: tuple[ModelOptions, ...]
    """The models that are measured, side by side."""
    versus: ModelOptions | None = None
    """One more, that each of them is compared with."""
    task: TaskName | Literal["auto"] = "auto"
    chosen_by: str | None = None
    """The option that chose the task, where that is not --task."""
    options: Callable[[TaskName], TaskOptions] = default_options
    """The options of the task, once that is known; may raise ConfigError."""
    wanted: WantedRoles = field(default_factory=WantedRoles)
    """The columns that were named; its task stays auto."""
    lines: bool = False
    """Each line of a .txt file is a row."""
    limit: int | None = None
    """Only so many rows, the first ones."""
    bootstrap: Bootstrap = field(default_factory=Bootstrap)
    bounds: tuple[Bound, ...] = ()
    per_row: bool = False
    """Yield a RowReport for each row, too."""
    share: Share = ALONE
    """Which of the rows this process scores, where there are several."""

    @property
    def all_models(self) -> tuple[ModelOptions, ...]:
        """Return every model to score the rows with, the one of --vs last."""
        return self.models if self.versus is None else (*self.models, self.versus)

    def __post_init__(self) -> None:
        if not self.paths:
            raise ConfigError("no data: give a file, a directory, or - for standard input")
        if self.paths.count("-") > 1:
            raise ConfigError("standard input (-) can be read once only")
        require_extent(self.limit, self.bootstrap)
        self._refuse_twins()

    def _refuse_twins(self) -> None:
        """Raise ConfigError where a model is given twice: it would be compared with itself."""
        names = [model.model for model in self.models]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"-m {name} is given more than once")
        if self.versus is not None and self.versus.model in names:
            raise ConfigError(f"--vs {self.versus.model} is the same model as -m: give another")
