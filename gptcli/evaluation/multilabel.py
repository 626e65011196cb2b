"""Score rows that have any number of labels at once, from matrices of yes and no, (rows, labels)."""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike

from gptcli.evaluation.classification import ClassScore, class_scores


@dataclass(frozen=True, slots=True, kw_only=True)
class MultilabelReport:
    """All figures of one set of rows; nan without rows or without labels."""

    rows: int
    labels: tuple[ClassScore, ...]
    micro_f1: float
    """Of all cells together; 0 where no label is true or given."""
    macro_f1: float
    """The plain mean over all labels; one that no row has or was given counts as 0, scikit-learn's default."""
    subset_accuracy: float
    """The share of rows with every label right."""
    hamming_loss: float
    """The share of cells that are wrong."""


def multilabel_report(true: ArrayLike, predicted: ArrayLike) -> MultilabelReport:
    """Score predicted labels against the true ones."""
    truth, guesses = np.asarray(true, dtype=np.bool_), np.asarray(predicted, dtype=np.bool_)
    if truth.ndim != 2 or truth.shape != guesses.shape:
        raise ValueError(f"two matrices of one shape are wanted, not {truth.shape} and {guesses.shape}")
    hits, given, support = (np.count_nonzero(cells, axis=0) for cells in (truth & guesses, guesses, truth))
    scores = class_scores(hits, given, support)
    marked = int(given.sum() + support.sum())
    known = truth.size > 0
    return MultilabelReport(
        rows=len(truth),
        labels=scores,
        micro_f1=nan if not known else 2 * int(hits.sum()) / marked if marked else 0.0,
        macro_f1=sum(score.f1 for score in scores) / len(scores) if known else nan,
        subset_accuracy=float((truth == guesses).all(1).mean()) if known else nan,
        hamming_loss=float((truth != guesses).mean()) if known else nan,
    )
