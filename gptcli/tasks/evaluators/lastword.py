"""Does the model know the last word of a passage: LAMBADA (Paperno et al. 2016), in the ways that it is measured."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.columns import text_of
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores, Span
from gptcli.errors import InputError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Mean, Metric
from gptcli.evaluation.perplexity import perplexity
from gptcli.evaluation.scores import Better, Difference, Figure, RowScores
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.columns import Columns
from gptcli.tasks.evaluators.continuations import Continuations, likelihoods
from gptcli.tasks.evaluators.lastword_options import LastWordProtocol
from gptcli.tasks.events import Event, Place, RowFailed


class LastWord(Evaluator):
    """Asks for the last word, given all that stands before it: whether it is the likeliest, and how likely."""

    name: ClassVar[str] = "lastword"

    def __init__(self, column: str, protocol: LastWordProtocol) -> None:
        self._column = column
        self._protocol = protocol
        self._unit = "word" if protocol == "lm-eval" else "token"
        likely, nats = self._metric("perplexity", "perplexity", "lower"), self._metric("perplexity", "nats", "lower")
        self._accuracy = Mean(metric=self._metric("accuracy", "accuracy", "higher"), column="correct")
        self._perplexity = Mean(metric=likely, column="nats", function=perplexity)
        self._nats = Mean(metric=nats, column="nats")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of its two figures."""
        return ("accuracy", "perplexity")

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return both where only a token is predicted, which another tokenizer would cut elsewhere."""
        return frozenset(self.metrics if self._unit == "token" else ())

    @property
    def convention(self) -> Mapping[str, object]:
        """Return what is predicted of each row."""
        return {"protocol": self._protocol, "column": self._column, "predicted": f"the last {self._unit}"}

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield what happens, and return how each last word was predicted; raises ModelError or DeviceError."""
        columns = Columns("correct", "nats", "tokens")
        yield from likelihoods(
            located,
            model,
            items=lambda texts: self._items(rows, texts),
            take=lambda item: columns.add(item.key, *_predicted(item)),
        )
        return columns.scores()

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the accuracy, and the perplexity: exp of the mean nats of a word, however many tokens it has."""
        return tuple(chain(*(measure.figures(scores, bootstrap) for measure in (self._accuracy, self._perplexity))))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the difference of the accuracies, and that of the nats of a word, whose exp is the perplexity."""
        measures = (self._accuracy, self._nats)
        return tuple(chain(*(measure.differences(first, second, bootstrap) for measure in measures)))

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return whether the word was predicted, and how likely it is."""
        values = {name: values[number] for name, values in scores.columns.items()}
        return {
            "correct": bool(values["correct"]),
            "logprob": -float(values["nats"]),
            "tokens": int(values["tokens"]),
        }

    def _items(self, rows: Iterable[tuple[int, Record]], texts: Continuations) -> Iterator[Item | RowFailed]:
        """Yield each row's passage in tokens, or why there is none."""
        for index, record in rows:
            try:
                item = Item(key=index, spans=(self._span(index, record, texts),))
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
            else:
                yield item

    def _span(self, index: int, record: Record, texts: Continuations) -> Span:
        """Return a passage whose last word is scored, or its last token; raises InputError where it has only that."""
        written, place = text_of(record, self._column), Place(row=index, origin=record.origin)
        text = written.rstrip()
        if not text:
            raise InputError("is empty")
        if text != written:
            texts.count("texts that end in white space, which is not read", place)
        if self._unit == "token":
            return texts.last_token(place, text)
        context, space, word = text.rpartition(" ")
        if not context.strip():
            raise InputError("has no words before its last one")
        (span,) = texts.spans(place, context, [f"{space}{word}"])
        return span

    def _metric(self, name: str, quantity: str, better: Better) -> Metric:
        return Metric(name=name, title=f"{quantity} of the last {self._unit}", better=better)


def _predicted(scores: ItemScores) -> tuple[float, float, float]:
    """Return whether each token was the likeliest, the nats of all, and how many there are."""
    (span,) = scores.spans
    return float(span.greedy.all()), -float(span.logprobs.sum(dtype=np.float64)), float(len(span.logprobs))
