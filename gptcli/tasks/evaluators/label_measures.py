"""The figures of labels, from the columns of label_columns: of classes, of sets of labels, and of numbers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.measures import Mean, Measure, Metric, Statistic
from gptcli.evaluation.resampled_labels import (
    Statistics,
    auroc_statistics,
    calibration_statistics,
    class_statistics,
    label_set_statistics,
)
from gptcli.evaluation.resampled_numbers import number_statistics
from gptcli.evaluation.resampling import Values
from gptcli.evaluation.scores import Better, RowScores
from gptcli.tasks.evaluators.label_columns import (
    ABSOLUTE_ERROR,
    BRIER,
    CORRECT,
    GIVEN,
    LABEL,
    PREDICTED,
    PROBABILITY,
    SQUARED_ERROR,
    TRUE,
    UNKNOWN,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRows:
    """Rows of classes that exclude each other."""

    names: tuple[str, ...]
    """The model's, in their order, then those that only the rows have."""
    known: int
    """How many are the model's."""
    true: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: Values
    """(rows, known)."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Return which rows are right."""
        return np.equal(self.true, self.predicted)

    @property
    def confidence(self) -> Values:
        """Return the probability of the class that each row was given."""
        return self.probabilities[np.arange(len(self.predicted)), self.predicted]

    @property
    def of_truth(self) -> Values:
        """Return the probability of each row's true class, 0 where the model does not have it."""
        padded = np.pad(self.probabilities, ((0, 0), (0, len(self.names) - self.known)))
        return padded[np.arange(len(self.true)), self.true]


def class_rows(scores: RowScores) -> ClassRows:
    """Read the columns of classes."""
    known = named(scores, PROBABILITY)
    true = scores.columns[LABEL].astype(np.int64)
    unknown = sorted(unknown_labels(scores))
    numbers = {name: number for number, name in enumerate(unknown, len(known))}
    for row in np.flatnonzero(true == UNKNOWN):
        true[row] = numbers[scores.texts[LABEL][row]]
    return ClassRows(
        names=(*known, *unknown),
        known=len(known),
        true=true,
        predicted=scores.columns[PREDICTED].astype(np.int64),
        probabilities=matrix(scores, PROBABILITY, known),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelSetRows:
    """Rows of any number of labels, (rows, labels)."""

    names: tuple[str, ...]
    """The model's, in their order, then those that only the rows have."""
    true: NDArray[np.bool_]
    predicted: NDArray[np.bool_]


def label_set_rows(scores: RowScores) -> LabelSetRows:
    """Read the columns of sets of labels."""
    known = named(scores, TRUE)
    told = [set(json.loads(text)) for text in scores.texts[LABEL]]
    unknown = tuple(sorted(unknown_labels(scores)))
    more = np.array([[name in names for name in unknown] for names in told], dtype=np.bool_)
    more = more.reshape(scores.rows, len(unknown))
    return LabelSetRows(
        names=(*known, *unknown),
        true=np.concatenate([matrix(scores, TRUE, known) > 0, more], axis=1),
        predicted=np.concatenate([matrix(scores, GIVEN, known) > 0, np.zeros_like(more)], axis=1),
    )


def rows_unknown(scores: RowScores) -> NDArray[np.bool_]:
    """Return which rows have a label that the model does not have, (rows,)."""
    match kind_of(scores):
        case "single":
            return np.equal(scores.columns[LABEL], UNKNOWN)
        case "multi":
            known = set(named(scores, PROBABILITY))
            return np.array([not known.issuperset(json.loads(text)) for text in scores.texts[LABEL]], dtype=np.bool_)
        case "regression":
            return np.zeros(scores.rows, dtype=np.bool_)


def unknown_labels(scores: RowScores) -> set[str]:
    """Return the labels that only the rows have, and not the model."""
    match kind_of(scores):
        case "single":
            return {scores.texts[LABEL][row] for row in np.flatnonzero(scores.columns[LABEL] == UNKNOWN)}
        case "multi":
            return set().union(*map(json.loads, scores.texts[LABEL])) - set(named(scores, TRUE))
        case "regression":
            return set()


def named(scores: RowScores, kind: str) -> tuple[str, ...]:
    """Return the labels that have a column of this kind."""
    return tuple(name.removeprefix(kind) for name in scores.columns if name.startswith(kind))


def matrix(scores: RowScores, kind: str, names: Sequence[str]) -> Values:
    """Return the columns of this kind side by side, (rows, labels)."""
    return np.stack([scores.columns[f"{kind}{name}"] for name in names], axis=1)


def kind_of(scores: RowScores) -> Literal["single", "multi", "regression"]:
    """Return which kind of label the columns are of."""
    if SQUARED_ERROR in scores.columns:
        return "regression"
    return "single" if BRIER in scores.columns else "multi"


def measures_of(scores: RowScores) -> tuple[Measure, ...]:
    """Return what the columns can tell, the headline first."""
    match kind_of(scores):
        case "single":
            return _of_classes(len(named(scores, PROBABILITY)))
        case "multi":
            return LABEL_SETS
        case "regression":
            return NUMBERS


def class_metrics(count: int) -> tuple[str, ...]:
    """Return the names of the figures of so many classes that exclude each other."""
    return tuple(metric.name for measure in _of_classes(count) for metric in measure.metrics)


def _of_classes(count: int) -> tuple[Measure, ...]:
    return CLASSES if count == 2 else CLASSES[:-1]


def _metric(name: str, title: str, better: Better = "higher") -> Metric:
    return Metric(name=name, title=title, better=better)


def _class_statistics(scores: RowScores) -> Statistics:
    rows = class_rows(scores)
    return class_statistics(rows.true, rows.predicted, classes=len(rows.names))


def _calibration_statistics(scores: RowScores) -> Statistics:
    rows = class_rows(scores)
    return calibration_statistics(rows.confidence, rows.correct)


def _auroc_statistics(scores: RowScores) -> Statistics:
    rows = class_rows(scores)
    return auroc_statistics(rows.true, rows.probabilities[:, 1])


def _label_set_statistics(scores: RowScores) -> Statistics:
    rows = label_set_rows(scores)
    return label_set_statistics(rows.true, rows.predicted)


def _number_statistics(scores: RowScores) -> Statistics:
    return number_statistics(scores.columns[LABEL], scores.columns[PREDICTED])


CLASSES: tuple[Measure, ...] = (
    Mean(metric=_metric("accuracy", "accuracy"), column=CORRECT),
    Statistic(
        all_metrics=(
            _metric("macro_f1", "macro F1"),
            _metric("weighted_f1", "weighted F1"),
            _metric("matthews", "Matthews correlation"),
        ),
        statistics=_class_statistics,
        row_scores=lambda scores: (scores.columns[CORRECT],) * 3,
    ),
    Statistic(
        all_metrics=(_metric("calibration_error", "expected calibration error", "lower"),),
        statistics=_calibration_statistics,
        row_scores=lambda scores: (scores.columns[BRIER],),
    ),
    Mean(metric=_metric("brier", "Brier score", "lower"), column=BRIER),
    Statistic(
        all_metrics=(_metric("auroc", "AUROC"),),
        statistics=_auroc_statistics,
        row_scores=lambda scores: (class_rows(scores).of_truth,),
    ),
)
"""The last of two classes only."""
LABEL_SETS: tuple[Measure, ...] = (
    Mean(metric=_metric("subset_accuracy", "all labels of a row right"), column=CORRECT),
    Statistic(
        all_metrics=(_metric("micro_f1", "micro F1"), _metric("macro_f1", "macro F1")),
        statistics=_label_set_statistics,
        row_scores=lambda scores: (scores.columns[CORRECT],) * 2,
    ),
)
NUMBERS: tuple[Measure, ...] = (
    Mean(metric=_metric("rmse", "root mean squared error", "lower"), column=SQUARED_ERROR, function=np.sqrt),
    Mean(metric=_metric("mae", "mean absolute error", "lower"), column=ABSOLUTE_ERROR),
    Statistic(
        all_metrics=(
            _metric("r2", "R squared"),
            _metric("pearson", "Pearson correlation"),
            _metric("spearman", "Spearman correlation"),
        ),
        statistics=_number_statistics,
        row_scores=lambda scores: (-scores.columns[ABSOLUTE_ERROR],) * 3,
    ),
)
METRICS = tuple(
    dict.fromkeys(
        metric.name for measures in (CLASSES, LABEL_SETS, NUMBERS) for each in measures for metric in each.metrics
    )
)
"""The names of all of them."""
