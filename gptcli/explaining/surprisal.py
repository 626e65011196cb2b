"""How surprised a model is by each token of a text, and what it expected instead."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import Inspector
from gptcli.explaining.distribution import distributions, likeliest


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSurprisal:
    """What the model says about a token, given all tokens before it."""

    token: int
    logprob: float
    """A natural logarithm."""
    rank: int
    """1 is the likeliest."""
    entropy: float
    """Nats, of the whole distribution."""
    top: tuple[tuple[int, float], ...]
    """The likeliest tokens with their log probabilities, likeliest first."""


def surprisals(inspector: Inspector, tokens: Tokens, start: int, top: int) -> Iterator[TokenSurprisal]:
    """Yield what the model says about each of tokens[start:], with `top` alternatives; 1 <= start <= len(tokens).

    The last token is predicted and never read, so that there may be n_positions + 1 of them. Raises ModelError for a
    model that predicts no number.
    """
    if not 1 <= start <= len(tokens):
        raise ValueError(f"start must be between 1 and {len(tokens)}, not {start}")
    if start == len(tokens):
        return
    for logits in inspector.logits(tokens[:-1], start - 1):
        yield from _surprisals(tokens[start : start + len(logits)], logits, top)
        start += len(logits)


def _surprisals(tokens: Tokens, logits: Floats, top: int) -> Iterator[TokenSurprisal]:
    """Yield what rows of logits (positions, vocab) say about the tokens that follow them."""
    found = distributions(logits)
    logprobs = found.logprobs[np.arange(len(tokens)), tokens]
    ranks = 1 + (found.logprobs > logprobs[:, None]).sum(axis=1)
    for row, token in enumerate(tokens.tolist()):
        best = likeliest(found.logprobs[row], top)
        yield TokenSurprisal(
            token=token,
            logprob=float(logprobs[row]),
            rank=int(ranks[row]),
            entropy=float(found.entropy[row]),
            top=tuple(zip(best.tolist(), found.logprobs[row, best].tolist(), strict=True)),
        )
