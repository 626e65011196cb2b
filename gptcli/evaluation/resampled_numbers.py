"""The figures of predicted numbers that are no mean over rows, for many resamples of the rows at once.

As in resampled_labels: row numbers (resamples, rows) in, figures (figures, resamples) out.
"""

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.resampled_labels import Statistics
from gptcli.evaluation.resampling import Rows, Values, drawn_counts, drawn_sums

_NO_VARIANCE = 1e-13
"""Of the squares' sum; what is left of a constant after rounding is below it."""


def number_statistics(true: Values, predicted: Values) -> Statistics:
    """Return R squared, Pearson's and Spearman's correlation, as regression_report has them of all rows.

    nan where the rows drawn have one value alone.
    """
    columns = _centred(true), _centred(predicted)
    first, second = columns
    squares = np.square(predicted - true)
    sums = np.stack([first, second, first * first, second * second, first * second, squares])
    ranked = [_Ranks(true), _Ranks(predicted)]

    def figures(drawn: Rows) -> Values:
        rows = drawn.shape[1]
        x, y, xx, yy, xy, missed = drawn_sums(sums, drawn)
        spread, other = _spread(x, xx, rows), _spread(y, yy, rows)
        with np.errstate(invalid="ignore", divide="ignore"):
            r2 = 1 - missed / spread
            linear = (xy - x * y / rows) / np.sqrt(spread * other)
        return np.stack([r2, np.clip(linear, -1, 1), _correlation(*(ranks.of(drawn) for ranks in ranked))])

    return lambda drawn: figures(drawn) if drawn.shape[1] else np.full((3, len(drawn)), np.nan)


class _Ranks:
    """The ranks that rows have among those drawn, ties at the mean of their places."""

    def __init__(self, values: Values) -> None:
        distinct, self._places = np.unique(values, return_inverse=True)
        self._size = len(distinct)

    def of(self, drawn: Rows) -> Values:
        """Return the rank of each row drawn, (resamples, rows)."""
        counts = drawn_counts(self._places, drawn, size=self._size)
        ranks: NDArray[np.float64] = counts.cumsum(1) - (counts - 1) / 2
        return np.take_along_axis(ranks, self._places[drawn], axis=1)


def _centred(values: Values) -> Values:
    """Return values less their mean, so that the sums of their squares lose nothing."""
    return values - values.mean() if len(values) else values


def _spread(total: Values, squares: Values, rows: int) -> Values:
    """Return the sum of the squared distances from the mean; nan where there is none."""
    spread = squares - total * total / rows
    return np.where(spread > _NO_VARIANCE * squares, spread, np.nan)


def _correlation(first: Values, second: Values) -> Values:
    """Return the correlation of two rows of ranks (resamples, rows)."""
    middle = (first.shape[1] + 1) / 2
    one, other = first - middle, second - middle
    with np.errstate(invalid="ignore", divide="ignore"):
        shared: Values = (one * other).sum(1) / np.sqrt(np.square(one).sum(1) * np.square(other).sum(1))
    return np.clip(shared, -1, 1)
