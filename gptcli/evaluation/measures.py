"""Turn the columns of scored rows into figures with intervals, and two models' columns into differences."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.evaluation.resampled_labels import Statistics, difference
from gptcli.evaluation.resampling import (
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
    """The mean of a column, or an increasing function of it, as the root of squared errors is."""

    metric: Metric
    column: str
    function: Callable[[Values], Values] | None = None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the one metric."""
        return (self.metric,)

    def figures(self, scores: RowScores, bootstrap: Bootstrap) -> tuple[Figure, ...]:
        """Return the mean, or its function."""
        interval = mean_interval(scores.columns[self.column], bootstrap)
        return (self.metric.figure(_mapped(interval, self.function)),)

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return the mean of the rows' differences, or the difference of the functions."""
        columns = first.columns[self.column], second.columns[self.column]
        if self.function is None:
            return (self.metric.difference(compare(*columns, better=self.metric.better, bootstrap=bootstrap)),)
        statistics = difference(*(_of_ratio(column, np.ones(len(column)), self.function) for column in columns))
        (interval,) = statistic_intervals(statistics, rows=first.rows, bootstrap=bootstrap)
        return (self.metric.difference(with_wins(interval, *columns, better=self.metric.better)),)


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
        interval = ratio_interval(scores.columns[self.numerator], scores.columns[self.denominator], bootstrap)
        return (self.metric.figure(_mapped(interval, self.function)),)

    def differences(self, first: RowScores, second: RowScores, bootstrap: Bootstrap) -> tuple[Difference, ...]:
        """Return one model's figure less the other's; a row is won by its own ratio."""
        columns = [(scores.columns[self.numerator], scores.columns[self.denominator]) for scores in (first, second)]
        statistics = difference(*(_of_ratio(*pair, self.function) for pair in columns))
        (interval,) = statistic_intervals(statistics, rows=first.rows, bootstrap=bootstrap)
        ratios = (numerators / denominators for numerators, denominators in columns)
        return (self.metric.difference(with_wins(interval, *ratios, better=self.metric.better)),)


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


def _mapped(interval: Interval, function: Callable[[Values], Values] | None) -> Interval:
    return interval if function is None else interval.mapped(lambda value: function(np.array([value])).item())


def _of_ratio(numerators: Values, denominators: Values, function: Callable[[Values], Values]) -> Statistics:
    """Return a function of the ratio of two columns' sums."""
    columns = np.stack([numerators, denominators])

    def figures(drawn: Rows) -> Values:
        with np.errstate(invalid="ignore"):  # of no rows
            above, below = drawn_sums(columns, drawn)
            return function(above / below)[None]

    return figures
