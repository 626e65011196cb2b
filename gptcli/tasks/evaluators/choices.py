"""Which of a question's endings does the model find likeliest: HellaSwag, PIQA, ARC, and rows of their shape."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.choice_protocols import ChoiceProtocol, worded_question
from gptcli.data.choices import ChoiceShape, Question
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores
from gptcli.errors import InputError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Mean, Metric
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.choices_options import Normalization
from gptcli.tasks.evaluators.columns import Columns
from gptcli.tasks.evaluators.continuations import Continuations, likelihoods
from gptcli.tasks.events import Event, Place, RowFailed

DELIMITER = " "
"""Stands between what is read and an ending, as target_delimiter of lm-evaluation-harness."""

_METRICS: Mapping[Normalization, Metric] = {
    "sum": Metric(name="accuracy", title="accuracy", better="higher"),
    "tokens": Metric(name="accuracy_by_tokens", title="accuracy, likelihood by token", better="higher"),
    "characters": Metric(name="accuracy_by_characters", title="accuracy, likelihood by character", better="higher"),
    "bytes": Metric(name="accuracy_by_bytes", title="accuracy, likelihood by byte", better="higher"),
}
_CHOSEN = {normalization: f"chosen_by_{normalization}" for normalization in _METRICS}
_RIGHT = {normalization: f"right_by_{normalization}" for normalization in _METRICS}


class Choices(Evaluator):
    """Chooses the ending with the largest log-likelihood, once as it is and once by each of its lengths."""

    name: ClassVar[str] = "choices"

    def __init__(self, shape: ChoiceShape, protocol: ChoiceProtocol, first: Normalization) -> None:
        self._shape = shape
        self._protocol: ChoiceProtocol = protocol
        self._first: Normalization = first
        order = (first, *(name for name in _METRICS if name != first))
        self._measures = tuple(Mean(metric=_METRICS[name], column=_RIGHT[name]) for name in order)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the accuracies, the wanted one first."""
        return tuple(measure.metric.name for measure in self._measures)

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return the accuracy that depends on how endings are cut into tokens."""
        return frozenset({_METRICS["tokens"].name})

    @property
    def convention(self) -> Mapping[str, object]:
        """Return how questions are worded and joined to their endings."""
        shape = self._shape
        return {
            "protocol": self._protocol,
            "shape": shape.kind,
            "columns": list(shape.columns),
            "delimiter": DELIMITER,
            "shots": 0,
        }

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield what happens, and return what was chosen in each row; raises ModelError, DeviceError or ConfigError."""
        questions: dict[int, Question] = {}
        columns = Columns("answer", "endings", *_CHOSEN.values(), *_RIGHT.values(), "logprob", "margin")
        yield from likelihoods(
            located,
            model,
            items=lambda texts: self._items(rows, texts, questions),
            take=lambda item: columns.add(item.key, *_chosen(questions.pop(item.key), item)),
        )
        return columns.scores()

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the accuracies, the wanted one first."""
        return tuple(chain(*(measure.figures(scores, bootstrap) for measure in self._measures)))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the differences of the accuracies, the wanted one first."""
        return tuple(chain(*(measure.differences(first, second, bootstrap) for measure in self._measures)))

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return a row's answer, what was chosen, and by how much the right ending is likelier than the best other."""
        values = {name: values[number] for name, values in scores.columns.items()}
        told: dict[str, object] = {name: int(values[name]) for name in ("answer", "endings", *_CHOSEN.values())}
        return told | {
            "correct": bool(values[_RIGHT[self._first]]),
            "logprob": float(values["logprob"]),
            "margin": float(values["margin"]),
        }

    def details(self, scores: RowScores) -> dict[str, object]:
        """Return what guessing would come to."""
        return {"chance": float(np.mean(1 / scores.columns["endings"])) if scores.rows else None}

    def _items(
        self, rows: Iterable[tuple[int, Record]], texts: Continuations, questions: dict[int, Question]
    ) -> Iterator[Item | RowFailed]:
        """Yield each row's endings in tokens, or why there are none."""
        for index, record in rows:
            try:
                question = worded_question(self._shape, record, self._protocol)
                endings = [f"{DELIMITER}{ending}" for ending in question.endings]
                place = Place(row=index, origin=record.origin)
                item = Item(key=index, spans=texts.spans(place, question.context, endings))
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
            else:
                questions[index] = question
                yield item


def _chosen(question: Question, scores: ItemScores) -> tuple[float, ...]:
    """Return the answer, the number of endings, what each normalization chooses, if rightly, and the likelihood."""
    endings = question.endings
    logprobs = np.array([span.logprobs.sum(dtype=np.float64) for span in scores.spans])
    lengths: Mapping[Normalization, list[int]] = {
        "sum": [1] * len(endings),
        "tokens": [len(span.logprobs) for span in scores.spans],
        "characters": [len(ending) for ending in endings],
        "bytes": [len(ending.encode()) for ending in endings],
    }
    chosen = [int(np.argmax(logprobs / lengths[normalization])) for normalization in _CHOSEN]
    right = [number == question.answer for number in chosen]
    logprob = logprobs[question.answer]
    margin = logprob - np.delete(logprobs, question.answer).max()
    return question.answer, len(endings), *chosen, *right, float(logprob), float(margin)
