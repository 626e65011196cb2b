"""Label the texts of one request, in the thread that owns the model: by its own head, or by labels in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.records import Record
from gptcli.engine.inspector import LoadedInspector
from gptcli.serving.errors import ApiError, about
from gptcli.serving.looking import require_fits, require_near
from gptcli.serving.schemas.labels import Classification, ClassifyAnswer
from gptcli.serving.scoring import scorer_of
from gptcli.serving.wanted import StillWanted
from gptcli.tasks.events import RowFailed
from gptcli.tasks.labelling.labeller import Labelled, Labeller, TextRow, given_labels
from gptcli.tasks.labelling.options import LabelOptions, LabelText
from gptcli.tasks.labelling.prompted import PromptedLabeller


@dataclass(frozen=True, slots=True, kw_only=True)
class ToLabel:
    """The texts of a request, and the model that they are for."""

    texts: Sequence[str]
    model: str
    tokenizer: Tokenizer


def labelled(labeller: Labeller, asked: ToLabel, still_wanted: StillWanted) -> ClassifyAnswer:
    """Return what a labeller says of each text, as long as somebody waits; raises ApiError as labelled_in_words."""

    def rows() -> Iterator[TextRow]:
        for row in _rows(asked):
            still_wanted()
            yield row

    return _answer(labeller, asked, rows())


def labelled_in_words(loaded: LoadedInspector, labels: Sequence[str], asked: ToLabel) -> ClassifyAnswer:
    """Return which of some labels a language model expects behind each text, as classify --labels has it.

    Raises ConfigError for labels that cannot be told apart, and ApiError for a text that cannot be read whole.
    """
    options = LabelOptions(labels=tuple(LabelText(name=label.strip(), text=label.strip()) for label in labels))
    return _answer(PromptedLabeller(scorer_of(loaded), options, long="head"), asked, _rows(asked))


def _answer(labeller: Labeller, asked: ToLabel, rows: Iterator[TextRow]) -> ClassifyAnswer:
    """Return what a labeller says of rows, which are the texts.

    A command line reads a part of a long text and says so on stderr, where a program would not see it.
    """
    for text in asked.texts:
        require_near(asked.tokenizer, text, labeller.room, "input")
        with about("input"):
            tokens = asked.tokenizer.encode_batch([text])[0]
        require_fits(tokens, labeller.room, "input")
    data = []
    for result in labeller.labelled(rows):
        if isinstance(result, RowFailed):
            raise ApiError(400, f"input: text {result.index} {result.message}", param="input")
        data.append(_classification(labeller, result))
    return ClassifyAnswer(model=asked.model, kind=labeller.labels.kind, data=data)


def _rows(asked: ToLabel) -> Iterator[TextRow]:
    """Yield the texts as rows."""
    for index, text in enumerate(asked.texts):
        yield TextRow(index=index, record=Record(source="input", line=index + 1), text=text)


def _classification(labeller: Labeller, result: Labelled) -> Classification:
    """Return one text's answer."""
    kind, names = labeller.labels.kind, labeller.labels.names
    values = [float(value) for value in result.probabilities]
    given = given_labels(labeller.labels, result.probabilities)
    return Classification(
        index=result.row.index,
        label=given[0] if kind == "single" else None,
        labels=list(given),
        probabilities={} if kind == "regression" else dict(zip(names, values, strict=True)),
        value=values[0] if kind == "regression" else None,
        tokens=result.tokens,
    )
