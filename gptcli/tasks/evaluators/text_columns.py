"""What is known of a text that was written for a row: how well it matches the references, as numbers of that row."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

from gptcli.evaluation import chrf
from gptcli.evaluation.matching import exact_match, normalized_match, token_f1

MISSING = 'BLEU, chrF and ROUGE need sacrebleu and rouge-score: pip install "gptcli[metrics]"'


class TextColumns(Protocol):
    """Numbers of a written text, under names that are the same for all rows."""

    names: tuple[str, ...]

    def values(self, text: str, references: Sequence[str]) -> Iterator[float]:
        """Yield a number for each name; of several references the best counts."""
        ...


class Matches:
    """Exact match and token F1."""

    names: tuple[str, ...] = ("exact_match", "normalized_match", "token_f1")

    def values(self, text: str, references: Sequence[str]) -> Iterator[float]:
        """Yield the best of each."""
        for compare in (exact_match, normalized_match, token_f1):
            yield float(max(compare(text, reference) for reference in references))


class Overlaps:
    """What BLEU, chrF and ROUGE are made of; needs the extra "metrics"."""

    def __init__(self) -> None:
        from gptcli.evaluation import bleu, rouge

        self._bleu, self._rouge = bleu.SentenceBleu(), rouge.Rouge()
        self.names = (*numbered("bleu", bleu.SUMS), *numbered("chrf", chrf.SUMS), *rouge.KINDS)

    def values(self, text: str, references: Sequence[str]) -> Iterator[float]:
        """Yield what the row adds to the sums of BLEU and chrF, and its ROUGE."""
        yield from self._bleu.sums(text, references).tolist()
        yield from chrf.chrf_sums(text, references).tolist()
        yield from self._rouge.scores(text, references).values()


def numbered(name: str, count: int) -> tuple[str, ...]:
    """Return the names of numbers that are summed over rows."""
    return tuple(f"{name}_sum_{number}" for number in range(count))


def overlaps_available() -> bool:
    """Tell whether the extra "metrics" is installed."""
    return all(find_spec(name) is not None for name in ("sacrebleu", "rouge_score"))
