"""Distributions over the vocabulary: log probabilities, entropies, and the likeliest tokens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gptcli.engine.backend import Floats, Ids, require_finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributions:
    """What rows of logits say."""

    logprobs: Floats  # (rows, vocab), natural logarithms
    entropy: NDArray[np.float64]  # (rows,), nats


def distributions(logits: Floats) -> Distributions:
    """Return the distributions of logits (rows, vocab); raise ModelError where they are no numbers."""
    require_finite(logits)
    logprobs = logits - logits.max(axis=1, keepdims=True)
    exponentials = np.exp(logprobs)
    totals = exponentials.sum(axis=1, dtype=np.float64)
    # The sum of -p log p, with log p = logit - log total.
    entropy = np.log(totals) - np.einsum("rv,rv->r", exponentials, logprobs) / totals
    logprobs -= np.log(totals).astype(np.float32)[:, None]
    return Distributions(logprobs=logprobs, entropy=entropy)


def likeliest(values: Floats, count: int) -> Ids:
    """Return the ids of the `count` largest values of a row (vocab,), largest first, of equal ones the lowest id."""
    count = min(count, len(values))
    if not count:
        return np.empty(0, np.int64)
    least = np.partition(values, -count)[-count]
    ids = np.flatnonzero(values >= least)
    return ids[np.argsort(-values[ids], kind="stable")[:count]]
