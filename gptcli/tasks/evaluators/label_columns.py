"""The labels of rows, true and given, as columns of numbers: what each kind of label is kept as.

Columns are the same for all rows of a model: a label that it does not have is a number like any other unknown one,
and its name is in the row's texts.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from gptcli.data.labels import LabelSet, names_of, number_of
from gptcli.errors import InputError
from gptcli.evaluation.probabilities import Values
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, DEFAULT_THRESHOLD
from gptcli.tasks.evaluators.columns import Columns

LABEL, PREDICTED, CORRECT, BRIER = "label", "predicted", "correct", "brier"
ABSOLUTE_ERROR, SQUARED_ERROR = "absolute_error", "squared_error"
PROBABILITY, TRUE, GIVEN = "probability ", "true ", "given "
"""Begin the name of a column that each label has."""
UNKNOWN = -1
"""The number of a label that the model does not have."""

True_ = TypeVar("True_", tuple[str, ...], float)
"""A row's true labels, or its number."""


class LabelColumns(ABC, Generic[True_]):
    """Collects the labels of one model's rows."""

    def __init__(self, labels: LabelSet, *names: str) -> None:
        self.labels = labels
        self._columns = Columns(*names)
        self._open: dict[int, True_] = {}

    def expect(self, index: int, raw: object) -> None:
        """Read what is true of a row from its cell; raises InputError for no label."""
        self._open[index] = self._true(raw)

    def take(self, index: int, probabilities: Values) -> set[str]:
        """Add a row that was expected, and return those of its labels that the model does not have.

        Of a regression the one probability is the number.
        """
        true = self._open.pop(index)
        self._add(index, true, probabilities)
        return self._unknown(true)

    def scores(self) -> RowScores:
        """Return all rows."""
        return self._columns.scores()

    @abstractmethod
    def _true(self, raw: object) -> True_: ...

    @abstractmethod
    def _unknown(self, true: True_) -> set[str]: ...

    @abstractmethod
    def _add(self, index: int, true: True_, probabilities: Values) -> None: ...


class NamedColumns(LabelColumns[tuple[str, ...]]):
    """Labels that have names."""

    def __init__(self, labels: LabelSet, *names: str) -> None:
        super().__init__(labels, *names)
        self._told: list[str] = []

    def scores(self) -> RowScores:
        """Return all rows, and the names of the true labels, some of which have no number."""
        return replace(super().scores(), texts={LABEL: tuple(self._told)})

    def _unknown(self, true: tuple[str, ...]) -> set[str]:
        return set(true) - set(self.labels.names)


class ClassColumns(NamedColumns):
    """Classes that exclude each other."""

    def __init__(self, labels: LabelSet) -> None:
        names = (f"{PROBABILITY}{name}" for name in labels.names)
        super().__init__(labels, LABEL, PREDICTED, CORRECT, BRIER, *names)

    def _true(self, raw: object) -> tuple[str, ...]:
        """Return the one label of a cell."""
        names = names_of(raw, None)
        if len(names) != 1:
            raise InputError("holds a list of labels, and the model gives each text one")
        return names

    def _add(self, index: int, true: tuple[str, ...], probabilities: Values) -> None:
        """Add a row with its likeliest class."""
        (name,) = true
        number = self.labels.names.index(name) if name in self.labels.names else UNKNOWN
        predicted = int(probabilities.argmax())
        missed = probabilities.copy()
        if number != UNKNOWN:
            missed[number] -= 1
        brier = float(np.square(missed).sum()) + (number == UNKNOWN)  # the class that it does not have was at 0
        self._columns.add(index, number, predicted, number == predicted, brier, *probabilities.tolist())
        self._told.append(name)


class LabelSetColumns(NamedColumns):
    """Any number of labels at once."""

    def __init__(self, labels: LabelSet, *, separator: str | None, threshold: float | None) -> None:
        names = [f"{kind}{name}" for kind in (TRUE, GIVEN, PROBABILITY) for name in labels.names]
        super().__init__(labels, CORRECT, *names)
        self._separator = DEFAULT_LABEL_SEPARATOR if separator is None else separator
        self._threshold = DEFAULT_THRESHOLD if threshold is None else threshold

    def _true(self, raw: object) -> tuple[str, ...]:
        """Return the labels of a cell."""
        return tuple(sorted(set(names_of(raw, self._separator))))

    def _add(self, index: int, true: tuple[str, ...], probabilities: Values) -> None:
        """Add a row with all labels that are likely enough."""
        has = np.array([name in true for name in self.labels.names])
        given = probabilities >= self._threshold
        correct = not self._unknown(true) and bool((has == given).all())
        self._columns.add(index, correct, *has.tolist(), *given.tolist(), *probabilities.tolist())
        self._told.append(json.dumps(true, ensure_ascii=False))


class NumberColumns(LabelColumns[float]):
    """A number."""

    def __init__(self, labels: LabelSet) -> None:
        super().__init__(labels, LABEL, PREDICTED, ABSOLUTE_ERROR, SQUARED_ERROR)

    def _true(self, raw: object) -> float:
        """Return the number of a cell."""
        return number_of(raw)

    def _unknown(self, true: float) -> set[str]:
        return set()

    def _add(self, index: int, true: float, probabilities: Values) -> None:
        """Add a row with its errors."""
        predicted = float(probabilities[0])
        error = abs(predicted - true)
        self._columns.add(index, true, predicted, error, error * error)


def label_columns(labels: LabelSet, *, separator: str | None, threshold: float | None) -> NamedColumns | NumberColumns:
    """Return what collects the rows of a model with such labels."""
    match labels.kind:
        case "single":
            return ClassColumns(labels)
        case "multi":
            return LabelSetColumns(labels, separator=separator, threshold=threshold)
        case "regression":
            return NumberColumns(labels)
