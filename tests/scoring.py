"""Spans through a scorer, and through transformers one by one, for comparison."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Tokens
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.scorer import Item, ItemScores, LoadedScorer, Span, SpanScores, load_scorer
from tests.decoding import reference

NOTHING = SpanScores(logprobs=np.empty(0, np.float32), greedy=np.empty(0, np.bool_))


@cache
def loaded(directory: Path, backend: str, dtype: str = "float32", most_tokens: int | None = None) -> LoadedScorer:
    """Return a scorer, opened once for all tests; most_tokens changes how much a pass reads."""
    options = ModelOptions(device="cpu", backend=backend, dtype=dtype)  # type: ignore[arg-type]
    model = load_scorer(Located(name=directory.name, directory=directory), options)
    if most_tokens is not None:
        model.scorer.most_tokens = most_tokens
    return model


def span(tokens: Sequence[int], start: int = 1) -> Span:
    return Span(tokens=np.array(tokens, np.int32), start=start)


def items_of(*items: Sequence[Span]) -> list[Item]:
    """Return items with keys 0, 1, ..."""
    return [Item(key=key, spans=tuple(spans)) for key, spans in enumerate(items)]


def scored(
    model: LoadedScorer, items: Sequence[Item], prefix: Sequence[int] = (), most_rows: int | None = None
) -> list[list[SpanScores]]:
    """Return the scores of each item's spans, in the order in which they come out."""
    results = scores_in_order(model.scorer, items, prefix=np.array(prefix, np.int32), most_rows=most_rows)
    return [list(result.spans) for result in results if isinstance(result, ItemScores)]


def assert_close(ours: Sequence[Sequence[SpanScores]], theirs: Sequence[Sequence[SpanScores]], atol: float) -> None:
    """Compare log probabilities; what is the likeliest token is for the tests to compare where there are no ties."""
    for our_item, their_item in zip(ours, theirs, strict=True):
        for our_span, their_span in zip(our_item, their_item, strict=True):
            np.testing.assert_allclose(our_span.logprobs, their_span.logprobs, atol=atol, rtol=0)


def reference_scores(directory: Path, spans: Sequence[Span]) -> list[SpanScores]:
    """Return what transformers' model says about each span read alone, whose last token it need not read."""
    return [
        _reference_scores(directory, span.tokens, span.start) if span.start < len(span.tokens) else NOTHING
        for span in spans
    ]


def _reference_scores(directory: Path, tokens: Tokens, start: int) -> SpanScores:
    import torch

    with torch.no_grad():
        logits: Any = reference(directory)(torch.from_numpy(tokens[:-1].astype(np.int64))[None]).logits[0]
    before, targets = logits[start - 1 :], tokens[start:]
    logprobs: NDArray[np.float32] = torch.log_softmax(before, dim=-1).numpy()[np.arange(len(targets)), targets]
    return SpanScores(logprobs=logprobs, greedy=before.argmax(-1).numpy() == targets)
