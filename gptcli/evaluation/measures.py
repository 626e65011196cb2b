"""Turn the columns of scored rows into figures with intervals, and two models' columns into differences."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.evaluation.resampled_labels import Statistics, difference
from gptcli.evaluation.resampling import (
    Bootstrap,
    Comparison,
    Interval,
    Rows,
    Values,
    compare,
    drawn_sums,
    mean_interval,
    ratio_interval,
    statistic_intervals,
    with_wins,
)
from gptcli.evaluation.scores import Better, Difference, Figure, RowScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a figure is called, and which way it is better."""

    name: str
    title: str
    better: Better

    def figure(self, interval: Interval) -> Figure:
        """Return the figure that an interval is of."""
        return Figure(name=self.name, title=self.title, interval=interval, better=self.better)

    def difference(self, comparison: Comparison) -> Difference:
        """Return the difference that a comparison is of."""
        return Difference(name=self.name, title=self.title, comparison=comparison)


class Measure(ABC):
    """One figure of scored rows, or several that are counted together."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """Return the metrics, in the order of the figures."""

    @abstractmethod
    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return a figure for each metric."""

    @abstractmethod
    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return what sets two models apart on the same rows, for each metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean(Measure):
    """The mean of a column."""

    metric: Metric
    column: str

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the one metric."""
        return (self.metric,)

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the mean."""
        return (self.metric.figure(mean_interval(scores.columns[self.column], bootstrap)),)

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the mean of the rows' differences."""
        columns = (scores.columns[self.column] for scores in (first, second))
        return (self.metric.difference(compare(*columns, better=self.metric.better, bootstrap=bootstrap)),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio(Measure):
    """An increasing function of a column's sum over that of another, as a perplexity is."""

    metric: Metric
    numerator: str
    denominator: str
    """A sum may have other units for each model: of several references, each may find another one likeliest."""
    function: Callable[[Values], Values]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the one metric."""
        return (self.metric,)

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the function of the ratio."""
        columns = (scores.columns[name] for name in (self.numerator, self.denominator))
        interval = ratio_interval(*columns, bootstrap)
        return (self.metric.figure(interval.mapped(lambda value: float(self.function(np.float64(value))))),)

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return one model's figure less the other's; a row is won by its own ratio."""
        statistics = difference(self._statistics(first), self._statistics(second))
        (interval,) = statistic_intervals(statistics, rows=first.rows, bootstrap=bootstrap)
        ratios = (scores.columns[self.numerator] / scores.columns[self.denominator] for scores in (first, second))
        return (self.metric.difference(with_wins(interval, *ratios, better=self.metric.better)),)

    def _statistics(self, scores: RowScores) -> Statistics:
        columns = np.stack([scores.columns[self.numerator], scores.columns[self.denominator]])

        def figures(drawn: Rows) -> Values:
            with np.errstate(invalid="ignore"):  # of no rows
                numerators, denominators = drawn_sums(columns, drawn)
                return self.function(numerators / denominators)[None]

        return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic(Measure):
    """Figures that are no mean and no ratio."""

    all_metrics: tuple[Metric, ...]
    statistics: Callable[[RowScores], Statistics]
    row_scores: Callable[[RowScores], Sequence[Values]]
    """What tells for each metric which of two models a row speaks for, each (rows,)."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the metrics."""
        return self.all_metrics

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the statistics."""
        intervals = statistic_intervals(self.statistics(scores), rows=scores.rows, bootstrap=bootstrap)
        return tuple(metric.figure(interval) for metric, interval in zip(self.metrics, intervals, strict=True))

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return one model's statistics less the other's."""
        statistics = difference(self.statistics(first), self.statistics(second))
        intervals = statistic_intervals(statistics, rows=first.rows, bootstrap=bootstrap)
        rows = zip(self.row_scores(first), self.row_scores(second), strict=True)
        return tuple(
            metric.difference(with_wins(interval, *scores, better=metric.better))
            for metric, interval, scores in zip(self.metrics, intervals, rows, strict=True)
        )
