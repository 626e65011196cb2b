"""What gives labels to texts, whatever it is made of: the interface, and how one is opened."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.head import read_labels
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.weights import open_weights
from gptcli.data.labels import LabelSet
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import load_scorer
from gptcli.evaluation.probabilities import Values
from gptcli.tasks.config import DEFAULT_THRESHOLD, Long
from gptcli.tasks.events import Notice, Place, RowFailed
from gptcli.tasks.labelling.options import LabelOptions

Other = TypeVar("Other")
"""What the caller puts between the rows and wants back in its place, such as a row that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRow:
    """A row and the text of it that is to be labelled."""

    index: int
    """The row's number in the input, from 0."""
    record: Record
    text: str

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return Place(row=self.index, origin=self.record.origin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a model says about a row."""

    row: TextRow
    probabilities: Values
    """Of each label, (labels,) in the order of the label set; of a regression the number alone."""
    tokens: int
    """How many were read of the text and the template around it."""
    option_mass: float | None = None
    """The share of the next token's probability that the labels' first tokens hold; of labels in words only."""


class Labeller(ABC):
    """A model that is ready to label texts. Rows never see each other."""

    labels: LabelSet
    room: int
    """Tokens that a text may have; of one that has more, a part is read, by --long."""
    directory: Path
    dtype: str
    details: tuple[str, ...]
    """What was chosen and why, for --verbose."""

    @abstractmethod
    def labelled(self, rows: Iterable[TextRow | Other]) -> Generator[Labelled | RowFailed | Other, None, None]:
        """Yield what the model says about each row, or why it says nothing, and everything else as it came, in order.

        Raises ModelError for weights that give no number.
        """

    @abstractmethod
    def notices(self) -> Iterator[Notice]:
        """Yield a sentence for each kind of cut that was made so far."""


def own_labels(located: Located) -> LabelSet | None:
    """Return the labels that a model was tuned to tell, None for one without a head; raises ModelError."""
    config = read_config(located.directory)
    weights = open_weights(located.directory, config)
    return read_labels(located.directory, located.name, weights, config) if SCORE in weights.tensors else None


def open_labeller(located: Located, model: ModelOptions, labels: LabelOptions | None, *, long: Long) -> Labeller:
    """Open a model with its own labels, or with the given ones.

    Raises ModelError, DeviceError, ConfigError, and InputError for a file of examples that cannot be used.
    """
    if labels is None:
        from gptcli.tasks.labelling.head import HeadLabeller

        return HeadLabeller(located, model, long=long)
    from gptcli.tasks.labelling.prompted import PromptedLabeller, refuse_head

    refuse_head(located, labels.names)
    return PromptedLabeller(load_scorer(located, model), labels, long=long)


def given_labels(
    labels: LabelSet, probabilities: Values, *, least: float = 0, threshold: float = DEFAULT_THRESHOLD
) -> tuple[str, ...]:
    """Return the labels that are likely enough, in the model's order.

    Of labels that exclude each other the likeliest, if it has the least probability; of others all from threshold on;
    of a regression none.
    """
    match labels.kind:
        case "single":
            best = int(probabilities.argmax())
            return (labels.names[best],) if probabilities[best] >= least else ()
        case "multi":
            pairs = zip(labels.names, probabilities, strict=True)
            return tuple(name for name, probability in pairs if probability >= threshold)
        case "regression":
            return ()
