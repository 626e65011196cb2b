"""How often a model labels texts as their rows do: a tuned head, or a language model asked for labels in words."""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Set
from itertools import chain
from pathlib import Path
from typing import ClassVar

from gptcli.checkpoint.locate import Located
from gptcli.data.columns import text_of
from gptcli.data.records import Record
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError, OutputError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.scores import Difference, Figure, RowScores
from gptcli.tasks.agreement import all_unknown
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.classify_options import ClassifyOptions
from gptcli.tasks.evaluators.label_columns import PROBABILITY, NamedColumns, NumberColumns, label_columns
from gptcli.tasks.evaluators.label_details import label_details, label_row
from gptcli.tasks.evaluators.label_measures import (
    METRICS,
    class_metrics,
    class_rows,
    measures_of,
    named,
    rows_unknown,
    unknown_labels,
)
from gptcli.tasks.evaluators.options import MeasuredRoles
from gptcli.tasks.events import Event, ModelReady, Notice, Place, RowDone, RowFailed, Stage
from gptcli.tasks.labelling.labeller import Labelled, Labeller, TextRow, open_labeller, own_labels
from gptcli.tasks.labelling.option_checks import refuse_idle_options
from gptcli.tasks.labelling.options import LabelOptions
from gptcli.tasks.locating import loading

MOST_UNKNOWN = 1000
"""Labels that a model does not have: with more of them it is the wrong column, and their square fills the memory."""


class Classify(Evaluator):
    """Compares the labels that a model gives with those of the rows."""

    name: ClassVar[str] = "classify"

    def __init__(self, options: ClassifyOptions, roles: MeasuredRoles) -> None:
        self._options = options
        self._text, self._label = roles.text or "", roles.label or ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Return the names of all figures; which of them there are depends on the kind of the model's labels.

        Labels in words exclude each other.
        """
        words = self._options.labels
        return METRICS if words is None else class_metrics(len(words.labels))

    @property
    def convention(self) -> Mapping[str, object]:
        """Return how texts are read, and how labels in words are asked for."""
        options, words = self._options, self._options.labels
        how: dict[str, object] = {"text_column": self._text, "label_column": self._label, "long": options.long}
        if words is None:
            how["labels"] = "the model's own"
            asked = {"threshold": options.threshold, "label_separator": options.label_separator}
            return how | {name: told for name, told in asked.items() if told is not None}
        described = {label.name: label.text for label in words.labels}
        plain = list(described) == list(described.values())
        how |= {
            "labels": list(described) if plain else described,
            "template": words.template,
            "scoring": words.scoring,
            "calibrate": words.calibrated,
        }
        if words.examples is not None:
            how |= {"examples": words.examples, "shots": words.shots or "as many as fit", "shots_seed": words.seed}
        return how

    def score(
        self, located: Located, model: ModelOptions, rows: Iterable[tuple[int, Record]]
    ) -> Generator[Event, None, RowScores]:
        """Yield what happens, and return each row's labels; raises ModelError, DeviceError, ConfigError, InputError."""
        options = self._options
        if options.plots is not None:
            _directory(options.plots)
        yield loading(located, model)
        words = options.labels
        if words is not None and _are_tuned(words, located):
            words = None
            told = "tuned to tell these very labels, and so not asked for them in words: they come from the head of"
            yield Notice(text=f"{told} {located.name}")
        labeller = open_labeller(located, model, words, long=options.long)
        sets = {"--threshold": options.threshold, "--label-separator": options.label_separator}
        refuse_idle_options({**sets, "--plot": options.plots}, labeller.labels.kind, located.name)
        yield ModelReady(directory=str(labeller.directory.resolve()), dtype=labeller.dtype)
        for detail in labeller.details:
            yield Notice(text=detail, detail=True)
        yield Stage(text="classifying")
        columns = label_columns(labeller.labels, separator=options.label_separator, threshold=options.threshold)
        compared = _Compared(labeller, columns, self._text, self._label)
        for item in labeller.labelled(compared.texts(rows)):
            if isinstance(item, Labelled):
                compared.take(item)
                yield RowDone(index=item.row.index)
            else:
                yield item
        yield from compared.notices()
        return columns.scores()

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return what the kind of label has, the headline first; raises InputError for the rows of a wrong column."""
        _refuse_other_column(self._label, unknown_labels(scores))  # of all processes: each has seen its own rows' only
        return tuple(chain.from_iterable(measure.figures(scores, bootstrap) for measure in measures_of(scores)))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the difference of each figure that both have."""
        if measures_of(first)[0].metrics != measures_of(second)[0].metrics:
            raise ConfigError("the models give labels of different kinds, which do not compare: leave --vs out")
        measures = min(measures_of(first), measures_of(second), key=len)
        return tuple(chain.from_iterable(measure.differences(first, second, bootstrap) for measure in measures))

    def remarks(self, scores: RowScores) -> Iterator[str]:
        """Tell where no row has only labels of the model: they are spelled differently."""
        unknown = rows_unknown(scores)
        if scores.rows > 1 and unknown.all():
            yield all_unknown(scores.rows, sorted(unknown_labels(scores)), named(scores, PROBABILITY))

    def row(self, scores: RowScores, number: int) -> dict[str, object]:
        """Return a row's labels, those it was given, and their probabilities."""
        return label_row(scores, number)

    def details(self, scores: RowScores) -> dict[str, object]:
        """Return each class by itself, the confusion matrix, and how sure answers of what accuracy are."""
        return label_details(scores)

    def draw(self, scores: RowScores, model: str) -> Iterator[Event]:
        """Draw the confusion matrix and the reliability diagram into --plot DIR, and tell where."""
        if self._options.plots is None:
            return
        from gptcli.evaluation.classification import calibration_bins, confusion_matrix
        from gptcli.evaluation.label_plots import plot_confusion, plot_reliability

        rows = class_rows(scores)
        directory, name = _directory(self._options.plots), re.sub(r"[^\w.-]+", "-", model).strip("-.")
        confusion, reliability = (directory / f"{kind}-{name}.png" for kind in ("confusion", "reliability"))
        counts = confusion_matrix(rows.true, rows.predicted, classes=len(rows.names)).tolist()
        plot_confusion(confusion, counts, rows.names)
        plot_reliability(reliability, calibration_bins(rows.confidence, rows.correct))
        yield Notice(text=f"drawn: {confusion}, {reliability}", detail=True)


class _Compared:
    """The rows of one model on their way: records to texts, and what is said of them to columns."""

    def __init__(self, labeller: Labeller, columns: NamedColumns | NumberColumns, text: str, label: str) -> None:
        self._labeller = labeller
        self._columns = columns
        self._text, self._label = text, label
        self._unknown: set[str] = set()
        self._cuts = Cuts()

    def texts(self, rows: Iterable[tuple[int, Record]]) -> Iterator[TextRow | RowFailed]:
        """Yield the text of each row that has a label, or why there is none."""
        for index, record in rows:
            try:
                text = text_of(record, self._text)
                raw = record.columns.get(self._label)
                if _is_missing(raw):
                    self._cuts.count("rows left out: they have no label", Place(row=index, origin=record.origin))
                    continue
                self._columns.expect(index, raw)
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))
            else:
                yield TextRow(index=index, record=record, text=text)

    def take(self, result: Labelled) -> None:
        """Compare a row's label with what was said of it; raises InputError where it is of a wrong column."""
        row = result.row
        if unknown := self._columns.take(row.index, result.probabilities):
            self._unknown |= unknown
            _refuse_other_column(self._label, self._unknown)
            names = ", ".join(self._columns.labels.names)
            text = f"rows with a label that the model does not have (it has {names}), counted as wrong"
            self._cuts.count(text, row.place)

    def notices(self) -> Iterator[Notice]:
        """Yield a sentence for each kind of cut."""
        yield from self._labeller.notices()
        yield from self._cuts.notices()


def _are_tuned(labels: LabelOptions, located: Located) -> bool:
    """Return whether a model has a head that chooses among just these labels; raises ModelError."""
    own = own_labels(located)
    return own is not None and own.kind == "single" and set(own.names) == set(labels.names)


def _is_missing(raw: object) -> bool:
    return raw is None or raw != raw or (isinstance(raw, str) and not raw.strip())


def _refuse_other_column(column: str, unknown: Set[str]) -> None:
    """Raise InputError where so many labels are unknown that they are something else."""
    if len(unknown) > MOST_UNKNOWN:
        raise InputError(
            f"column {column} holds more than {MOST_UNKNOWN:,} labels that the model does not have: name the right one"
            " with --label-column"
        )


def _directory(path: str) -> Path:
    """Return the directory of --plot, made if it is not there; raises OutputError."""
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--plot {path}: {error.strerror}; give a directory") from error
    return directory
