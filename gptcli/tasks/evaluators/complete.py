"""How well a model completes: how likely it finds the references, and how well what it writes matches them."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import chain
from typing import ClassVar

import numpy as np

from gptcli.checkpoint.locate import Located
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores
from gptcli.errors import InputError, MissingExtraError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.measures import Measure
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.columns import Columns
from gptcli.tasks.evaluators.complete_measures import (
    LIKELIHOOD,
    MATCHES,
    OVERLAPS,
    TOKEN_METRICS,
    overlaps,
    row_overlaps,
)
from gptcli.tasks.evaluators.complete_options import CompleteOptions
from gptcli.tasks.evaluators.completion_rows import Asked, CompletionRows, completion_rows
from gptcli.tasks.evaluators.continuations import Continuations, likelihoods
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.evaluators.text_columns import MISSING, Matches, Overlaps, TextColumns, overlaps_available
from gptcli.tasks.evaluators.written import with_stop, written
from gptcli.tasks.events import Event, Notice, Place, RowDone, RowFailed


class Complete(Evaluator):
    """Scores the references behind their prompts; then, unless told not to, has the model write and compares."""

    name: ClassVar[str] = "complete"

    def __init__(self, options: CompleteOptions, roles: MeasuredRoles) -> None:
        self._options = options
        self._roles = roles

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of the figures; those of written texts only where the model writes."""
        matches = () if self._options.writing is None else (*_names(MATCHES), *OVERLAPS)
        return (*_names(LIKELIHOOD), *matches)

    @property
    def token_metrics(self) -> frozenset[str]:
        """Return the figures of tokens."""
        return TOKEN_METRICS

    @property
    def convention(self) -> Mapping[str, object]:
        """Return how rows are put to the model, and how it writes."""
        writing = self._options.writing
        how: dict[str, object] = {
            "template": self._options.template or "the model's own, else by the columns",
            "prompt_columns": list(self._roles.prompts),
            "completion_column": self._roles.completion,
            "scored": "the tokens of the completion, without an end",
        }
        if writing is not None:
            how["decoding"] = "greedy" if writing.num_beams == 1 else f"{writing.num_beams} beams"
            how["max_new_tokens"] = writing.token_limit(0)
            if writing.stop:
                how["stop"] = list(writing.stop)
        return how

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield what happens, and return what each row came to; raises ModelError, DeviceError or ConfigError."""
        prompts, origin = completion_rows(located, self._options.template, self._roles)
        yield Notice(text=f"template {origin}: {prompts.template.template!r}", detail=True)
        scored = _Likelihoods(prompts, rows, keeps=self._options.writing is not None)
        for event in likelihoods(located, model, items=scored.items, take=scored.take):
            if self._options.writing is None or not isinstance(event, RowDone):
                yield event
        if self._options.writing is None:
            return scored.columns.scores()
        if not overlaps_available():
            yield Notice(text=MISSING)
        texts = _Texts()
        options = with_stop(self._options.writing, (prompts.template.stop,) if prompts.template.stop else ())
        yield from written(located, model, options, scored.asked, texts.take)
        return texts.joined(scored.columns.scores())

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the likelihood of the references, then how well the texts match."""
        return tuple(chain.from_iterable(measure.figures(scores, bootstrap) for measure in _measures(scores)))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the difference of each figure."""
        measures = _measures(first)
        return tuple(chain.from_iterable(measure.differences(first, second, bootstrap) for measure in measures))

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return a row's prompt, references and text, its likelihood, and each of its matches."""
        told: dict[str, object] = {name: texts[number] for name, texts in scores.texts.items()}
        if "references" in scores.texts:
            told["references"] = json.loads(scores.texts["references"][number])
        for name, column in scores.columns.items():
            value = float(column[number])
            if name in _COUNTS:
                told[name] = int(value)
            elif name.endswith("_match"):
                told[name] = bool(value)
            elif "_sum_" not in name and name != _REFERENCES:
                told[name] = value
        if _has_overlaps(scores):
            told.update(row_overlaps(scores, number))
        return told

    def require(self, metric: str) -> None:
        """Raise MissingExtraError for a figure of BLEU, chrF or ROUGE where the extra "metrics" is absent."""
        if metric in OVERLAPS and not overlaps_available():
            raise MissingExtraError(f"--fail-under {metric}: {MISSING}")

    def details(self, scores: RowScores) -> dict[str, object]:
        """Return the signatures of BLEU, chrF and ROUGE, and how many references there are."""
        counts = np.unique(scores.columns[_REFERENCES])
        told: dict[str, object] = {"references": [int(counts.min()), int(counts.max())] if len(counts) else None}
        if _has_overlaps(scores):
            from gptcli.evaluation import bleu, rouge

            signatures = bleu.signatures(int(counts[0]) if len(counts) == 1 else None) | {"rouge": rouge.signature()}
            told.update((f"{name}_signature", signature) for name, signature in signatures.items())
        return told


_COUNTS = frozenset({"tokens", "bytes"})
_REFERENCES = "reference_count"


class _Likelihoods:
    """The rows of one run on their way to the scorer, and what is known of them after."""

    def __init__(self, prompts: CompletionRows, rows: Iterable[tuple[int, Record]], *, keeps: bool) -> None:
        self._prompts = prompts
        self._rows = rows
        self._keeps = keeps
        self._open: dict[int, Asked] = {}
        self.columns = Columns("nats", "tokens", "bytes", _REFERENCES)
        self.asked: list[Asked] = []
        """The rows that were scored, in order, where they are to be kept."""

    def items(self, texts: Continuations) -> Iterator[Item | RowFailed]:
        """Yield each row's references in tokens, or why there are none."""
        for index, record in self._rows:
            try:
                asked = self._prompts.of(index, record)
                if asked is None:
                    texts.count("rows left out: they have no reference", Place(row=index, origin=record.origin))
                    continue
                item = Item(key=index, spans=texts.spans(asked.place, asked.prompt, asked.continuations))
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
            else:
                self._open[index] = asked
                yield item

    def take(self, item: ItemScores) -> None:
        """Keep the likelihood of a row's likeliest reference, by the nats of a token."""
        asked = self._open.pop(item.key)
        nats = [-float(span.logprobs.sum(dtype=np.float64)) for span in item.spans]
        tokens = [len(span.logprobs) for span in item.spans]
        best = min(range(len(nats)), key=lambda number: nats[number] / tokens[number])
        written = asked.continuations[best]
        self.columns.add(item.key, nats[best], tokens[best], len(written.encode()), len(asked.references))
        if self._keeps:
            self.asked.append(asked)


class _Texts:
    """The texts that a model has written, and how they match."""

    def __init__(self) -> None:
        self._parts: list[TextColumns] = [Matches(), *([Overlaps()] if overlaps_available() else [])]
        self._columns = Columns(*(name for part in self._parts for name in part.names))
        self._texts: dict[str, list[str]] = {"prompt": [], "references": [], "text": []}

    def take(self, asked: Asked, text: str) -> None:
        """Compare a text with the references, white space at their ends aside."""
        bare, references = text.strip(), [reference.strip() for reference in asked.references]
        self._columns.add(asked.index, *(value for part in self._parts for value in part.values(bare, references)))
        told = (asked.prompt, json.dumps(references, ensure_ascii=False), text)
        for texts, value in zip(self._texts.values(), told, strict=True):
            texts.append(value)

    def joined(self, scores: RowScores) -> RowScores:
        """Return the rows with what is known of their texts, which are of the same rows."""
        texts = {name: tuple(values) for name, values in self._texts.items()}
        return RowScores(index=scores.index, columns={**scores.columns, **self._columns.scores().columns}, texts=texts)


def _measures(scores: RowScores) -> tuple[Measure, ...]:
    """Return what the columns that are there can tell."""
    matches = MATCHES if "exact_match" in scores.columns else ()
    return (*LIKELIHOOD, *matches, *(overlaps() if _has_overlaps(scores) else ()))


def _has_overlaps(scores: RowScores) -> bool:
    return "rouge1" in scores.columns


def _names(measures: Iterable[Measure]) -> tuple[str, ...]:
    return tuple(metric.name for measure in measures for metric in measure.metrics)
