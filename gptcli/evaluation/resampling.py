"""Say how sure a figure is: 95 % bootstrap intervals over rows (or documents), and two models on the same rows.

Rows are drawn as often as there are, with replacement; the same rows for every figure of one seed and number of rows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import isfinite, log, nan
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gptcli.evaluation.bootstrap import Bootstrap

TAILS = (0.025, 0.975)
CHUNK_ELEMENTS = 1 << 18
"""Rows drawn at once, as long as there are no more of them: 2 MiB for each column, which stay in a cache."""
ROUNDING = 1e-12
"""Ends that are no further apart than this share of them are the same."""

Values = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and its 95 % interval; nan where it has none.

    It has none of fewer than two rows, of a figure that is not finite, and where its ends would be the same, since
    resampling rows that are alike cannot tell how sure a figure is.
    """

    value: float
    low: float
    high: float
    rows: int
    method: Literal["bca", "percentile", "normal"]
    """normal: 1.96 standard errors to each side, where somebody else tells no more than that error."""

    def mapped(self, increasing: Callable[[float], float]) -> "Interval":
        """Return the interval of an increasing function of the figure, as exp is of a mean."""
        return replace(self, value=increasing(self.value), low=increasing(self.low), high=increasing(self.high))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two models on the same rows."""

    difference: Interval
    """The first's figure less the second's."""
    wins: int
    """Rows where the first is better."""
    ties: int
    losses: int
    sign_test: float
    """How likely wins and losses at least as uneven are if each is as likely, two-sided; ties do not count."""


def mean_interval(values: ArrayLike, bootstrap: Bootstrap) -> Interval:
    """Return the mean over rows."""
    columns = np.asarray(values, dtype=np.float64)
    return ratio_interval(columns, np.ones(len(columns)), bootstrap)


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike, bootstrap: Bootstrap) -> Interval:
    """Return the ratio of two sums over rows, as nats a token are.

    The interval is bias-corrected and accelerated (BCa, Efron 1987), the acceleration from leaving out each row.
    Resamples whose denominators sum to 0 do not count.
    """
    columns = np.stack([np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)])
    rows = columns.shape[1]
    if rows and not columns[1].min() >= 0:
        raise ValueError("a denominator is negative or nan")
    with np.errstate(over="ignore", invalid="ignore"):  # figures that are not finite have no interval
        sums = columns.sum(1)
        value = float(sums[0] / sums[1]) if sums[1] > 0 else nan
        if rows < 2 or not isfinite(value):
            return Interval(value=value, low=nan, high=nan, rows=rows, method="bca")
        resampled = _ratios(_resampled_sums(columns, bootstrap))
        low, high = _bca(value, resampled, without_each=_ratios(sums[:, None] - columns))
    return Interval(value=value, low=low, high=high, rows=rows, method="bca")


def statistic_intervals(
    statistics: Callable[[Rows], Values], *, rows: int, bootstrap: Bootstrap
) -> tuple[Interval, ...]:
    """Return figures that are no ratio of sums, such as F1, each with its percentile interval.

    statistics is given the numbers of the rows drawn, (resamples, rows), and returns (figures, resamples). Resamples
    where a figure is nan do not count for it. For a mean or a ratio of sums the two above are faster and closer.
    """
    values = statistics(np.arange(rows)[None])[:, 0].tolist()
    if rows < 2:
        return tuple(Interval(value=value, low=nan, high=nan, rows=rows, method="percentile") for value in values)
    resampled = np.concatenate([statistics(drawn) for drawn in _drawn(rows, bootstrap)], axis=1)
    intervals = []
    for value, figures in zip(values, resampled, strict=True):
        low, high = _quantiles(figures[~np.isnan(figures)], TAILS) if isfinite(value) else (nan, nan)
        intervals.append(Interval(value=value, low=low, high=high, rows=rows, method="percentile"))
    return tuple(intervals)


def drawn_sums(columns: Values, drawn: Rows) -> Values:
    """Return the sum of each column (columns, rows) over the rows drawn (resamples, rows), (columns, resamples)."""
    rows = columns.shape[1]
    times = drawn_counts(np.arange(rows), drawn, size=rows)
    sums: Values = columns @ times.T.astype(np.float64)
    return sums


def drawn_counts(codes: Rows, drawn: Rows, *, size: int) -> Rows:
    """Count how often each code of 0 to size - 1 is among the rows drawn (resamples, rows): (resamples, size)."""
    places = codes[drawn] + np.arange(len(drawn))[:, None] * size
    return np.bincount(places.ravel(), minlength=len(drawn) * size).reshape(len(drawn), size)


def compare(
    first: ArrayLike,
    second: ArrayLike,
    *,
    better: Literal["higher", "lower"],
    bootstrap: Bootstrap,
    denominators: ArrayLike | None = None,
) -> Comparison:
    """Compare two models' scores of the same rows by their mean, or by their sum over that of the denominators.

    Of nats over bytes the difference is one of nats a byte; mapped by exp it is the ratio of the perplexities.
    """
    scores, others = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if scores.shape != others.shape:
        raise ValueError(f"{len(scores)} rows of the first, {len(others)} of the second")
    with np.errstate(invalid="ignore"):
        differences = scores - others
    weights = np.ones(len(scores)) if denominators is None else denominators
    return with_wins(ratio_interval(differences, weights, bootstrap), scores, others, better=better)


def with_wins(difference: Interval, first: Values, second: Values, *, better: Literal["higher", "lower"]) -> Comparison:
    """Return a difference beside the rows where each model has the better score."""
    above, below = int(np.count_nonzero(first > second)), int(np.count_nonzero(first < second))
    wins, losses = (above, below) if better == "higher" else (below, above)
    return Comparison(
        difference=difference,
        wins=wins,
        ties=len(first) - wins - losses,
        losses=losses,
        sign_test=sign_test(wins, losses),
    )


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p-value of an even chance; 1 without wins and losses."""
    rows, fewer = wins + losses, min(wins, losses)
    counts = np.arange(1, fewer + 1)
    # Logarithms of the binomial coefficients 0 to fewer: they themselves are past any float.
    ways = np.concatenate(([0.0], np.cumsum(np.log((rows - counts + 1) / counts))))
    return min(1.0, 2 * float(np.exp(ways - rows * log(2)).sum()))


def _resampled_sums(columns: Values, bootstrap: Bootstrap) -> Values:
    """Return the sum of each column (columns, rows) in each resample, (columns, resamples)."""
    sums = [np.stack([column[drawn].sum(1) for column in columns]) for drawn in _drawn(columns.shape[1], bootstrap)]
    return np.concatenate(sums, axis=1)


def _drawn(rows: int, bootstrap: Bootstrap) -> Iterator[Rows]:
    """Yield the numbers of the rows of all resamples, (resamples, rows), as many at once as a cache holds."""
    generator = np.random.default_rng(bootstrap.seed)
    at_once = max(1, CHUNK_ELEMENTS // rows)
    for begin in range(0, bootstrap.resamples, at_once):
        yield generator.integers(0, rows, (min(at_once, bootstrap.resamples - begin), rows))


def _ratios(sums: Values) -> Values:
    """Divide the first row by the second where that is not 0."""
    numerators, denominators = sums[:, sums[1] > 0]
    ratios: Values = numerators / denominators
    return ratios


def _bca(value: float, resampled: Values, *, without_each: Values) -> tuple[float, float]:
    """Return the interval's ends: quantiles of the resamples, moved for bias and for skewness."""
    normal = NormalDist()
    below = np.count_nonzero(resampled < value) + np.count_nonzero(resampled == value) / 2
    least = 0.5 / len(resampled)  # were all on one side, the bias would have no end
    bias = normal.inv_cdf(min(max(below / len(resampled), least), 1 - least))
    acceleration = _acceleration(without_each)
    levels = []
    for tail in TAILS:
        moved = bias + normal.inv_cdf(tail)
        # Past the pole of the formula, where acceleration * moved is 1, it would turn round.
        levels.append(normal.cdf(bias + moved / max(1 - acceleration * moved, 1e-9)))
    return _quantiles(resampled, (levels[0], levels[1]))


def _acceleration(without_each: Values) -> float:
    """Return a sixth of the skewness of a row's pull, from the figures without each row."""
    pulls = without_each.mean() - without_each
    largest = np.abs(pulls).max()
    if not largest > 0:
        return 0.0
    pulls /= largest
    return float((pulls**3).sum() / (6 * np.square(pulls).sum() ** 1.5))


def _quantiles(values: Values, levels: tuple[float, float]) -> tuple[float, float]:
    """Return two quantiles; nan of no values, and where both are the same."""
    if not len(values):
        return nan, nan
    low, high = np.quantile(values, levels).tolist()
    return (nan, nan) if high - low <= ROUNDING * abs(high) else (low, high)
