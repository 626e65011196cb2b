"""Score the classes that a model gave to rows: counts, averages, and how far its probabilities can be believed.

Classes are numbers from 0. Figures are those of scikit-learn with zero_division=0; what no row can tell is nan.
"""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gptcli.evaluation.ranks import average_ranks

CALIBRATION_BINS = 15
"""As in Guo et al. 2017, whose figures everyone compares with."""

Counts = NDArray[np.int64]
Probabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassScore:
    """How one class fared; a share of nothing is 0."""

    precision: float
    recall: float
    f1: float
    support: int
    """Rows that are truly of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """The rows whose confidence is above one edge and not above the next; nan where there are none."""

    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationReport:
    """All figures of one set of rows; nan without rows."""

    rows: int
    confusion: tuple[tuple[int, ...], ...]
    """True classes down, predicted ones across."""
    classes: tuple[ClassScore, ...]
    accuracy: float
    macro_f1: float
    """The plain mean over the classes that some row has or was given, scikit-learn's default."""
    weighted_f1: float
    """The mean over the classes, weighted by support."""
    matthews: float
    calibration_error: float | None
    """None without probabilities, as the two below."""
    brier: float | None
    auroc: float | None
    """None also where there are not two classes."""


def classification_report(
    true: ArrayLike, predicted: ArrayLike, *, classes: int, probabilities: ArrayLike | None = None
) -> ClassificationReport:
    """Score predicted classes (rows,) against the true ones; probabilities are (rows, classes)."""
    truth, guesses = np.asarray(true, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    confusion = confusion_matrix(truth, guesses, classes=classes)
    hits, given, support = confusion.diagonal(), confusion.sum(0), confusion.sum(1)
    scores = class_scores(hits, given, support)
    f1 = np.array([score.f1 for score in scores])
    rows, occurs = len(truth), (given + support) > 0
    believed = None if probabilities is None else np.asarray(probabilities, dtype=np.float64).reshape(rows, classes)
    return ClassificationReport(
        rows=rows,
        confusion=tuple(tuple(map(int, row)) for row in confusion),
        classes=scores,
        accuracy=int(hits.sum()) / rows if rows else nan,
        macro_f1=float(f1[occurs].mean()) if rows else nan,
        weighted_f1=float(f1 @ support) / rows if rows else nan,
        matthews=matthews(confusion),
        calibration_error=None if believed is None else _calibration_error(truth, guesses, believed),
        brier=None if believed is None else brier_score(truth, believed),
        auroc=None if believed is None or classes != 2 else auroc(truth == 1, believed[:, 1]),
    )


def confusion_matrix(true: Counts, predicted: Counts, *, classes: int) -> Counts:
    """Count the rows of each true class (down) that were given each class (across)."""
    for numbers in (true, predicted):
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < classes):
            raise ValueError(f"classes are numbers from 0 to {classes - 1}")
    if len(true) != len(predicted):
        raise ValueError(f"{len(true)} true classes, {len(predicted)} predicted ones")
    cells = np.bincount(true * classes + predicted, minlength=classes * classes)
    return cells.astype(np.int64).reshape(classes, classes)


def class_scores(hits: Counts, given: Counts, support: Counts) -> tuple[ClassScore, ...]:
    """Score each class by the rows that are of it, were given it, and both."""
    columns = (_shares(hits, given), _shares(hits, support), _shares(2 * hits, given + support), support)
    return tuple(
        ClassScore(precision=float(precision), recall=float(recall), f1=float(f1), support=int(rows))
        for precision, recall, f1, rows in zip(*columns, strict=True)
    )


def matthews(confusion: Counts) -> float:
    """Return Matthews' correlation for any number of classes (Gorodkin 2004, R_K).

    0 where either side has one class alone, nan without rows.
    """
    # Whole numbers of any size: four factors of a million rows each are past int64.
    given, support = [int(n) for n in confusion.sum(0)], [int(n) for n in confusion.sum(1)]
    rows, hits = sum(support), int(confusion.trace())
    if not rows:
        return nan
    shared = hits * rows - sum(g * s for g, s in zip(given, support, strict=True))
    spread = (rows**2 - sum(g * g for g in given)) * (rows**2 - sum(s * s for s in support))
    return shared / sqrt(spread) if spread else 0.0


def calibration_bins(confidence: Probabilities, correct: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Sort rows by the probability of the class they were given into CALIBRATION_BINS equal bins, 0 in the first."""
    numbers = calibration_bin(confidence)
    rows, believed, hits = (
        np.bincount(numbers, weights=weights, minlength=CALIBRATION_BINS) for weights in (None, confidence, correct)
    )
    return tuple(
        CalibrationBin(rows=int(n), confidence=b / n if n else nan, accuracy=h / n if n else nan)
        for n, b, h in zip(rows.tolist(), believed.tolist(), hits.tolist(), strict=True)
    )


def calibration_bin(confidence: Probabilities) -> Counts:
    """Return the number of the bin of each confidence: above the edge before, not above its own."""
    edges = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    return np.searchsorted(edges, confidence)


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Return the mean over rows of |accuracy - confidence| of the row's bin (Guo et al. 2017, equation 3)."""
    rows = sum(each.rows for each in bins)
    gaps = sum(each.rows * abs(each.accuracy - each.confidence) for each in bins if each.rows)
    return gaps / rows if rows else nan


def brier_score(true: Counts, probabilities: Probabilities) -> float:
    """Return the mean over rows of the squared errors summed over all classes (Brier 1950), from 0 to 2.

    For two classes it is twice the score that looks at the second class alone.
    """
    if not len(true):
        return nan
    errors = probabilities.copy()
    errors[np.arange(len(true)), true] -= 1
    return float(np.square(errors).sum(1).mean())


def auroc(positive: NDArray[np.bool_], scores: Probabilities) -> float:
    """Return the chance that a positive row has a higher score than a negative one, ties counted as half.

    By ranks (Mann and Whitney 1947); nan where all rows are of one class.
    """
    positives = int(np.count_nonzero(positive))
    negatives = len(positive) - positives
    if not positives or not negatives or np.isnan(scores).any():
        return nan
    above = float(average_ranks(scores)[positive].sum()) - positives * (positives + 1) / 2
    return above / (positives * negatives)


def _calibration_error(true: Counts, predicted: Counts, probabilities: Probabilities) -> float:
    confidence = probabilities[np.arange(len(predicted)), predicted]
    return expected_calibration_error(calibration_bins(confidence, predicted == true))


def _shares(parts: Counts, wholes: Counts) -> NDArray[np.float64]:
    shares = np.zeros(len(parts))
    np.divide(parts, wholes, out=shares, where=wholes > 0)
    return shares
