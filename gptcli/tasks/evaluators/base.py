"""A task of `evaluate`: scores each row of one model, and turns scored rows into figures."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import ClassVar

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.tasks.events import Event
from gptcli.tasks.sharing import ALONE, Share


class Evaluator(ABC):
    """Measures models on rows; it keeps nothing of one model for the next."""

    name: ClassVar[str]
    """As in --task: "perplexity", "classify", "complete", "choices" or "lastword"."""

    share: Share = ALONE
    """Which parts this process scores, of a task that shares those; of all others it sees its own rows only."""

    @property
    def shares_parts(self) -> bool:
        """Whether rows hang together, so that every process reads all of them and scores some parts."""
        return False

    @property
    def whole_files(self) -> bool:
        """Whether a row is a whole file with all of its white space; else a .txt is parted as finetune parts it."""
        return False

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """The names that its figures can have, for --fail-under; some may need a certain kind of labels."""

    @property
    def token_metrics(self) -> frozenset[str]:
        """Those that compare only between models with one tokenizer."""
        return frozenset()

    @property
    @abstractmethod
    def convention(self) -> Mapping[str, object]:
        """What must be the same for figures to compare: context, stride, template and the like; ready for JSON."""

    @abstractmethod
    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield Stage, ModelReady, Notice, RowDone for each row scored and RowFailed for each that cannot be.

        Returns the scored rows in input order. Raises GptcliError where the run as a whole cannot go on.
        """

    @abstractmethod
    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the figures of one model's rows, the headline first."""

    @abstractmethod
    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return what sets two models apart that have scored the same rows, the headline first."""

    def source_row(self, scores: RowScores, number: int) -> int:
        """Return the number of the input's row that the scored row at that place is, or is a part of."""
        return int(scores.index[number])

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return what --per-row tells of the row at that place, ready for JSON."""
        numbers = {name: float(values[number]) for name, values in scores.columns.items()}
        return numbers | {name: values[number] for name, values in scores.texts.items()}

    def details(self, scores: RowScores) -> dict[str, object]:
        """Return what --json tells beside the figures, ready for JSON: a confusion matrix, scores of each class."""
        del scores
        return {}

    def remarks(self, scores: RowScores) -> Iterator[str]:
        """Yield what is odd about a model's rows all together, of all processes."""
        del scores
        yield from ()

    def require(self, metric: str) -> None:
        """Raise MissingExtraError where a figure that must be there needs a package that is absent."""
        del metric

    def draw(self, scores: RowScores, model: str) -> Iterator[Event]:
        """Draw what the options ask for of a model's rows, and yield notices of it; raises OutputError."""
        del scores, model
        yield from ()
