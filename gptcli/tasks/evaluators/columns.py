"""Collect what is known of each row, compactly, while the rows come."""

from array import array

import numpy as np

from gptcli.evaluation.scores import RowScores


class Columns:
    """Rows of numbers under fixed names; eight bytes a number."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._index = array("q")
        self._values = array("d")

    def add(self, index: int, *values: float) -> None:
        """Add a row, of a value for each name."""
        self._index.append(index)
        self._values.extend(values)

    def scores(self) -> RowScores:
        """Return all rows."""
        values = np.array(self._values, np.float64).reshape(len(self._index), len(self._names))
        columns = {name: values[:, number].copy() for number, name in enumerate(self._names)}
        return RowScores(index=np.array(self._index, np.int64), columns=columns)
