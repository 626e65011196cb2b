"""Score predicted numbers against the true ones; what no row can tell is nan."""

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gptcli.evaluation.ranks import average_ranks

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionReport:
    """All figures of one set of rows; nan without rows."""

    rows: int
    mse: float
    rmse: float
    mae: float
    pearson: float
    """nan where either side is constant, as spearman."""
    spearman: float
    r2: float
    """The part of the true values' variance that is explained; nan where they have none."""


def regression_report(true: ArrayLike, predicted: ArrayLike) -> RegressionReport:
    """Score predicted values (rows,) against the true ones."""
    truth, guesses = np.asarray(true, dtype=np.float64), np.asarray(predicted, dtype=np.float64)
    if truth.ndim != 1 or truth.shape != guesses.shape:
        raise ValueError(f"two rows of values of one length are wanted, not {truth.shape} and {guesses.shape}")
    # A model may predict inf or nan: the figures then say so, and numpy need not.
    with np.errstate(over="ignore", invalid="ignore"):
        errors = guesses - truth
        mse = float(np.square(errors).mean()) if len(errors) else nan
        return RegressionReport(
            rows=len(truth),
            mse=mse,
            rmse=sqrt(mse),
            mae=float(np.abs(errors).mean()) if len(errors) else nan,
            pearson=pearson(truth, guesses),
            spearman=spearman(truth, guesses),
            r2=_r2(truth, mse),
        )


def pearson(first: Values, second: Values) -> float:
    """Return the linear correlation; nan where either side is constant or not finite."""
    if not (_varies(first) and _varies(second)):
        return nan
    one, other = _unit(first), _unit(second)
    return float(np.clip(one @ other, -1, 1))


def spearman(first: Values, second: Values) -> float:
    """Return Pearson's correlation of the ranks, ties at the mean of their places."""
    if not (_varies(first) and _varies(second)):
        return nan
    return pearson(average_ranks(first), average_ranks(second))


def _varies(values: Values) -> bool:
    return len(values) > 0 and bool(np.isfinite(values).all()) and bool(values.min() < values.max())


def _unit(values: Values) -> Values:
    """Centre values that vary and scale them to length 1."""
    # Divided by the largest first, so that no square runs over or under.
    scaled = values / np.abs(values).max()
    centred = scaled - scaled.mean()
    centred /= np.abs(centred).max()
    unit: Values = centred / np.linalg.norm(centred)
    return unit


def _r2(true: Values, mse: float) -> float:
    if not _varies(true):
        return nan
    variance = float(np.square(true - true.mean()).mean())
    return 1 - mse / variance if variance else nan
