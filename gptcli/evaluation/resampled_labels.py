"""The figures of labels that are no mean over rows, for many resamples of the rows at once.

Each function returns statistics as statistic_intervals takes them: row numbers (resamples, rows) in, figures
(figures, resamples) out. Of all rows once they are those of classification_report and multilabel_report.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.classification import CALIBRATION_BINS, calibration_bin
from gptcli.evaluation.resampling import Rows, Values, drawn_counts, drawn_sums

Statistics = Callable[[Rows], Values]


def class_statistics(true: Rows, predicted: Rows, *, classes: int) -> Statistics:
    """Return macro F1, weighted F1 and Matthews' correlation of classes (rows,)."""
    hits = np.where(true == predicted, true, classes)  # a class more, for the rows that are wrong

    def figures(drawn: Rows) -> Values:
        found = drawn_counts(hits, drawn, size=classes + 1)[:, :classes].astype(np.float64)
        support, given = (drawn_counts(codes, drawn, size=classes).astype(np.float64) for codes in (true, predicted))
        f1 = _ratios(2 * found, given + support)
        rows = drawn.shape[1]
        occurs = np.count_nonzero(given + support, axis=1)
        return np.stack([_ratios(f1.sum(1), occurs), (f1 * support).sum(1) / rows, _matthews(found, given, support)])

    return _unless_empty(figures, 3)


def calibration_statistics(confidence: Values, correct: NDArray[np.bool_]) -> Statistics:
    """Return the expected calibration error: |right answers less confidence|, summed over the bins, a row."""
    gaps = np.zeros((CALIBRATION_BINS, len(confidence)))
    gaps[calibration_bin(confidence), np.arange(len(confidence))] = correct - confidence

    def figures(drawn: Rows) -> Values:
        error: Values = np.abs(drawn_sums(gaps, drawn)).sum(0, keepdims=True) / drawn.shape[1]
        return error

    return _unless_empty(figures, 1)


def auroc_statistics(true: Rows, scores: Values) -> Statistics:
    """Return the AUROC of class 1, whose probability the scores are, over class 0; rows of others do not count.

    nan where the rows drawn are all of one class.
    """
    places = np.unique(scores, return_inverse=True)[1]
    size = int(places.max(initial=-1)) + 1
    negatives, positives = (np.where(true == number, places, size) for number in (0, 1))

    def figures(drawn: Rows) -> Values:
        below, above = (
            drawn_counts(codes, drawn, size=size + 1)[:, :size].astype(np.float64) for codes in (negatives, positives)
        )
        ahead = (above * (below.cumsum(1) - below / 2)).sum(1)  # a tie is half
        return _ratios(ahead, above.sum(1) * below.sum(1), without=np.nan)[None]

    return _unless_empty(figures, 1)


def label_set_statistics(true: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Statistics:
    """Return micro F1 and macro F1 of rows with any number of labels, (rows, labels)."""
    labels = true.shape[1]
    cells = np.concatenate([true & predicted, true, predicted], axis=1).T.astype(np.float64)

    def figures(drawn: Rows) -> Values:
        found, support, given = drawn_sums(cells, drawn).reshape(3, labels, len(drawn))
        micro = _ratios(2 * found.sum(0), (given + support).sum(0))
        return np.stack([micro, _ratios(2 * found, given + support).mean(0)])

    return _unless_empty(figures, 2)


def joined(*parts: Statistics) -> Statistics:
    """Return the figures of several, one behind the other, over the same rows."""
    return lambda drawn: np.concatenate([figures(drawn) for figures in parts])


def difference(first: Statistics, second: Statistics) -> Statistics:
    """Return the figures of one less those of another over the same rows."""

    def figures(drawn: Rows) -> Values:
        return first(drawn) - second(drawn)

    return figures


def _unless_empty(figures: Statistics, count: int) -> Statistics:
    """Return the same statistics, nan of no rows."""
    return lambda drawn: figures(drawn) if drawn.shape[1] else np.full((count, len(drawn)), np.nan)


def _matthews(hits: Values, given: Values, support: Values) -> Values:
    """Return R_K from counts (resamples, classes); 0 where either side has one class alone."""
    rows = support.sum(1)
    shared = hits.sum(1) * rows - (given * support).sum(1)
    spread = (rows**2 - np.square(given).sum(1)) * (rows**2 - np.square(support).sum(1))
    return _ratios(shared, np.sqrt(spread))


def _ratios(parts: Values, wholes: Values | NDArray[np.int64], without: float = 0.0) -> Values:
    """Divide where there is something to divide by."""
    shares = np.full(parts.shape, without)
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares
