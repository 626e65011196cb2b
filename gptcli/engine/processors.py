"""Changes to the logits before a token is chosen, each a pure function with transformers' definition.

They apply in transformers' order: bias, repetition penalty, n-grams, bans, end of text. All work in place on one
row of logits (vocab,), in beam search on log-probabilities.
"""

from collections.abc import Sequence

import numpy as np

from gptcli.engine.backend import Floats

FLOAT32 = np.finfo(np.float32)


def add_bias(logits: Floats, bias: Sequence[tuple[int, float]]) -> None:
    """Add a value to each of some tokens' logits."""
    for token, value in bias:
        logits[token] += value


def penalize_repetition(logits: Floats, tokens: Sequence[int], penalty: float) -> None:
    """Divide positive logits of tokens seen before by the penalty and multiply negative ones (CTRL, 2019)."""
    seen = np.unique(np.asarray(tokens, np.int64))
    values = logits[seen]
    penalty = min(max(penalty, float(FLOAT32.tiny)), float(FLOAT32.max))  # beyond, float32 has zero and infinity
    with np.errstate(over="ignore"):  # a huge penalty forbids, or a tiny one forces
        penalized = np.where(values < 0, values * penalty, values / penalty)
    logits[seen] = np.minimum(penalized, FLOAT32.max)  # between several infinite ones nothing could be drawn


def forbid_repeated_ngrams(logits: Floats, tokens: Sequence[int], size: int) -> None:
    """Forbid every token that would complete an n-gram of this size for the second time."""
    if len(tokens) < size:
        return
    history = np.asarray(tokens, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(history, size)
    prefix = history[len(history) - size + 1 :]
    logits[windows[(windows[:, :-1] == prefix).all(axis=1), -1]] = -np.inf


def forbid(logits: Floats, tokens: Sequence[int]) -> None:
    """Forbid some tokens."""
    if tokens:
        logits[list(tokens)] = -np.inf
