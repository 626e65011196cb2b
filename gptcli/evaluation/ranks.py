"""Rank values, ties at the mean of their places."""

import numpy as np
from numpy.typing import NDArray


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value, from 1; equal values share the mean of the ranks that they take up."""
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    means: NDArray[np.float64] = last - (sizes - 1) / 2
    return means[group]
