"""BLEU from sums over rows, by sacrebleu: what a row adds to them, and the score of any rows together.

Needs the extra "metrics"; import it where that is known to be there.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from gptcli.evaluation.resampling import Values

ORDERS = 4
SUMS = 2 + 2 * ORDERS
"""Numbers of a row: words of the text and of the reference nearest in length, n-grams that are right, and all."""


class SentenceBleu:
    """What rows add to the sums."""

    def __init__(self) -> None:
        # A sentence is scored by the orders that it is long enough for; what is summed is the same with and without.
        self._metric = BLEU(effective_order=True)

    def sums(self, text: str, references: Sequence[str]) -> Values:
        """Return what a row adds, (SUMS,)."""
        found = self._metric.sentence_score(text, list(references))
        return np.array([found.sys_len, found.ref_len, *found.counts, *found.totals], dtype=np.float64)


def bleu(sums: Values) -> Values:
    """Return the corpus BLEU, from 0 to 100, of each column of summed rows (SUMS, columns)."""
    return _scores(sums, effective_order=False)


def sentence_bleu(sums: Values) -> Values:
    """Return the BLEU of each row by itself, from sums (SUMS, rows)."""
    return _scores(sums, effective_order=True)


def signatures(references: int | None) -> dict[str, str]:
    """Return how BLEU and chrF are computed, in sacrebleu's words; references is None where rows have unlike many."""
    streams: Any = [["a"]] * references if references else [["a", "a"], [None, "a"]]
    texts = ["a"] * len(streams[0])  # a row with one text fewer has None in its place
    told = {}
    for name, metric in (("bleu", BLEU()), ("chrf", CHRF())):
        metric.corpus_score(texts, streams)
        told[name] = str(metric.get_signature())
    return told


def _scores(sums: Values, *, effective_order: bool) -> Values:
    scores = [
        BLEU.compute_bleu(
            correct=column[2 : 2 + ORDERS],
            total=column[2 + ORDERS :],
            sys_len=column[0],
            ref_len=column[1],
            smooth_method="exp",
            effective_order=effective_order,
        ).score
        for column in sums.round().astype(np.int64).T.tolist()
    ]
    return np.array(scores, dtype=np.float64)
