"""What a task of `evaluate` yields of one model: numbers for each row, and the figures that rows add up to.

Everything a figure needs is a column of numbers, so that rows can be resampled, joined from several processes, and
compared with another model's row by row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.resampling import Comparison, Interval

Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowScores:
    """The scored rows of a task in input order, each column (rows,); rows that could not be scored are not in it."""

    index: NDArray[np.int64]
    """The number of each row in the input, from 0."""
    columns: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What was written for each row, where the task has the model write."""

    @property
    def rows(self) -> int:
        """Return how many were scored."""
        return len(self.index)

    def taken(self, numbers: NDArray[np.int64]) -> "RowScores":
        """Return some of the rows, by their place here."""
        return RowScores(
            index=self.index[numbers],
            columns={name: values[numbers] for name, values in self.columns.items()},
            texts={name: tuple(values[number] for number in numbers) for name, values in self.texts.items()},
        )


def joined_scores(parts: Sequence[RowScores]) -> RowScores:
    """Return the rows of several processes in the order of the input; all have the same columns and texts."""
    index = np.concatenate([part.index for part in parts])
    whole = RowScores(
        index=index,
        columns={name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns},
        texts={name: tuple(text for part in parts for text in part.texts[name]) for name in parts[0].texts},
    )
    return whole.taken(np.argsort(index, kind="stable"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number about a model with its 95 % interval."""

    name: str
    """As in JSON and --fail-under: "bits_per_byte"."""
    title: str
    """For people: "bits per byte"."""
    interval: Interval
    better: Better | None
    """None where neither direction is better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure of one model less that of another on the same rows."""

    name: str
    title: str
    comparison: Comparison
