"""ROUGE of a text and its references, by rouge-score. Needs the extra "metrics"; import it where that is there."""

from collections.abc import Sequence
from importlib.metadata import version

from rouge_score.rouge_scorer import RougeScorer

KINDS = ("rouge1", "rouge2", "rougeL")


class Rouge:
    """rouge-score's ROUGE-1, ROUGE-2 and ROUGE-L."""

    def __init__(self) -> None:
        self._scorer = RougeScorer(list(KINDS))

    def scores(self, text: str, references: Sequence[str]) -> dict[str, float]:
        """Return the F measure of each kind, from 0 to 1; of several references each kind takes its best."""
        found = self._scorer.score_multi(list(references), text)
        return {kind: float(found[kind].fmeasure) for kind in KINDS}


def signature() -> str:
    """Return how it is computed, in the manner of sacrebleu's signatures."""
    return f"measure:f|stemmer:no|refs:best|rougeL:sentence|version:{version('rouge-score')}"
