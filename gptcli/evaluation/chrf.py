"""chrF (Popović 2015) from sums over rows: what a row adds to them, and the score of any rows together.

As sacrebleu 2 computes it by default: character n-grams of 1 to 6 characters, no white space, beta 2, the orders that
both texts have. sacrebleu's own scores do not tell what a row adds; that both are equal is tested.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from gptcli.evaluation.resampling import Values

ORDERS = 6
BETA = 2
SUMS = 3 * ORDERS
"""Numbers of a row: for each order the n-grams of the text, those of the reference, and those of both."""


def chrf_sums(text: str, references: Sequence[str]) -> Values:
    """Return what a row adds, (SUMS,), against the reference with the best score."""
    written = _ngrams(text)
    candidates = [_sums(written, _ngrams(reference)) for reference in references]
    return max(candidates, key=lambda sums: float(chrf(sums[:, None])[0]))


def chrf(sums: Values) -> Values:
    """Return the score, from 0 to 100, of each column of summed rows (SUMS, columns)."""
    written, wanted, shared = sums.reshape(ORDERS, 3, -1).transpose(1, 0, 2)
    counts = (written > 0) & (wanted > 0)
    orders = np.maximum(counts.sum(0), 1)
    precision, recall = (
        np.divide(shared, wholes, out=np.zeros_like(shared), where=counts).sum(0) / orders
        for wholes in (written, wanted)
    )
    weighted = BETA**2 * precision + recall
    score: Values = np.zeros_like(weighted)
    np.divide((1 + BETA**2) * precision * recall, weighted, out=score, where=weighted > 0)
    return score * 100


def _ngrams(text: str) -> list[Counter[str]]:
    """Count the n-grams of each order."""
    line = "".join(text.split())
    return [
        Counter(line[begin : begin + size] for begin in range(len(line) - size + 1)) for size in range(1, ORDERS + 1)
    ]


def _sums(written: Sequence[Counter[str]], wanted: Sequence[Counter[str]]) -> Values:
    sums = [
        (ours.total() if theirs else 0, theirs.total(), (ours & theirs).total())
        for ours, theirs in zip(written, wanted, strict=True)
    ]
    return np.array(sums, dtype=np.float64).ravel()
