"""The figures of completions: how likely the references are, and how well written texts match them."""

from collections.abc import Callable, Sequence

import numpy as np

from gptcli.evaluation import chrf
from gptcli.evaluation.measures import Mean, Measure, Metric, Ratio, Statistic
from gptcli.evaluation.perplexity import bits, perplexity
from gptcli.evaluation.resampled_labels import Statistics
from gptcli.evaluation.resampling import Rows, Values, drawn_sums
from gptcli.evaluation.scores import RowScores
from gptcli.tasks.evaluators.text_columns import numbered

Formula = Callable[[Values], Values]
"""From summed columns (sums, columns) to a score each."""

LIKELIHOOD: tuple[Ratio, ...] = (
    Ratio(
        metric=Metric(name="bits_per_byte", title="bits per byte of the references", better="lower"),
        numerator="nats",
        denominator="bytes",
        function=bits,
    ),
    Ratio(
        metric=Metric(name="nats_per_token", title="nats per token of the references", better="lower"),
        numerator="nats",
        denominator="tokens",
        function=np.positive,
    ),
    Ratio(
        metric=Metric(name="perplexity", title="perplexity of the references", better="lower"),
        numerator="nats",
        denominator="tokens",
        function=perplexity,
    ),
)
TOKEN_METRICS = frozenset({"nats_per_token", "perplexity"})
_MEANS = {
    "exact_match": "exact match",
    "normalized_match": "exact match, normalized as in SQuAD",
    "token_f1": "token F1",
}
_ROUGE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}


def _mean(name: str, title: str) -> Mean:
    return Mean(metric=Metric(name=name, title=title, better="higher"), column=name)


MATCHES: tuple[Mean, ...] = tuple(_mean(name, title) for name, title in _MEANS.items())


def overlaps() -> tuple[Measure, ...]:
    """Return BLEU, chrF and ROUGE; needs the extra "metrics"."""
    from gptcli.evaluation import bleu

    return (
        _summed("bleu", "BLEU", bleu.SUMS, bleu.bleu, bleu.sentence_bleu),
        _summed("chrf", "chrF", chrf.SUMS, chrf.chrf, chrf.chrf),
        *(_mean(name, title) for name, title in _ROUGE.items()),
    )


OVERLAPS = ("bleu", "chrf", *_ROUGE)
"""The names of those figures."""


def row_overlaps(scores: RowScores, number: int) -> dict[str, float]:
    """Return the BLEU and chrF of one row by itself; needs the extra "metrics"."""
    from gptcli.evaluation import bleu

    one = np.array([number])
    formulas: dict[str, tuple[int, Formula]] = {
        "bleu": (bleu.SUMS, bleu.sentence_bleu),
        "chrf": (chrf.SUMS, chrf.chrf),
    }
    return {name: float(formula(_sums(scores, name, count)[:, one])[0]) for name, (count, formula) in formulas.items()}


def _summed(name: str, title: str, count: int, corpus: Formula, sentence: Formula) -> Statistic:
    """Return a score of sums over rows; who wins a row is settled by the row's own score."""

    def statistics(scores: RowScores) -> Statistics:
        sums = _sums(scores, name, count)

        def figures(drawn: Rows) -> Values:
            return corpus(drawn_sums(sums, drawn))[None]

        return figures

    def row_scores(scores: RowScores) -> Sequence[Values]:
        return (sentence(_sums(scores, name, count)),)

    return Statistic(
        all_metrics=(Metric(name=name, title=title, better="higher"),), statistics=statistics, row_scores=row_scores
    )


def _sums(scores: RowScores, name: str, count: int) -> Values:
    return np.stack([scores.columns[column] for column in numbered(name, count)])
