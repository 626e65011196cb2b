"""Log-likelihoods for one request, in the thread that owns the model's inspector."""

from collections.abc import Sequence

import numpy as np

from gptcli.engine.backend import Tokens
from gptcli.engine.inspector import Inspector, LoadedInspector
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.scorer import Item, ItemScores, LoadedScorer, Scorer, Span, SpanScores
from gptcli.explaining.surprisal import surprisals
from gptcli.serving.errors import about
from gptcli.serving.looking import window_of
from gptcli.serving.schemas.base import listed
from gptcli.serving.schemas.scores import Score, ScoreAnswer, ScoreBody
from gptcli.tasks.evaluators.continuations import Continuations
from gptcli.tasks.events import Place

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


def scores(loaded: LoadedInspector, body: ScoreBody, model: str) -> ScoreAnswer:
    """Return the log-likelihood of each text, or of each continuation behind each text.

    The first token of a text alone is predicted from the beginning-of-text token, as evaluate has it. Where a text ends
    in white space that counts to the continuation, as in lm-evaluation-harness. Raises ApiError for what does not fit
    into one context.
    """
    texts = listed(body.text)
    continuations = None if body.continuation is None else listed(body.continuation)
    param = "text" if continuations is None else "continuation"
    pairs = Continuations(loaded.tokenizer, loaded.config)
    scorer = scorer_of(loaded).scorer
    found = []
    for index, text in enumerate(texts):
        context, endings = ("", [text]) if continuations is None else (text, continuations)
        for ending in endings:  # of a longer one the beginning would not be read
            window_of(loaded, context + ending, param)
        with about(param):
            spans = pairs.spans(Place(row=index, origin=f"text {index}"), context, endings)
        for number, score in enumerate(_span_scores(scorer, spans)):
            found.append(
                Score(
                    index=index,
                    continuation=None if continuations is None else number,
                    logprob=float(score.logprobs.sum(dtype=np.float64)),
                    tokens=len(score.logprobs),
                    is_greedy=bool(score.greedy.all()),
                )
            )
    return ScoreAnswer(model=model, data=found)


def _span_scores(scorer: Scorer, spans: tuple[Span, ...]) -> Sequence[SpanScores]:
    """Return the scores of some spans."""
    (item,) = scores_in_order(scorer, [Item(key=0, spans=spans)])
    return item.spans if isinstance(item, ItemScores) else ()
