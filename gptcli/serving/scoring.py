"""Log-likelihoods for one request, in the thread that owns the model's inspector."""

from collections.abc import Sequence

import numpy as np

from gptcli.engine.backend import Tokens
from gptcli.engine.inspector import Inspector, LoadedInspector
from gptcli.engine.scorer import LoadedScorer, Span, SpanScores
from gptcli.explaining.surprisal import surprisals

MOST_TOKENS = 2048
"""Of a pass; this scorer reads a span after another, so it only says how often results come."""


class _InspectorScorer:
    """A Scorer over an inspector: a server need not hold the same weights once more for the few that ask for scores.

    Spans of one item do not share the reading of what they have in common, as the engine's own scorer does.
    """

    def __init__(self, inspector: Inspector) -> None:
        self.most_tokens = MOST_TOKENS
        self._inspector = inspector

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the scores of each item's spans; see gptcli.engine.scorer.Scorer."""
        return [[self._scores(span) for span in spans] for spans in items]

    def _scores(self, span: Span) -> SpanScores:
        found = list(surprisals(self._inspector, span.tokens, span.start, 0))
        return SpanScores(
            logprobs=np.array([token.logprob for token in found], np.float32),
            greedy=np.array([token.rank == 1 for token in found], np.bool_),
        )


def scorer_of(loaded: LoadedInspector) -> LoadedScorer:
    """Return an inspector as what scores tokens."""
    return LoadedScorer(
        name=loaded.name,
        directory=loaded.directory,
        dtype=loaded.dtype,
        config=loaded.config,
        tokenizer=loaded.tokenizer,
        scorer=_InspectorScorer(loaded.inspector),
        most_rows=None,
        description=loaded.description,
    )
