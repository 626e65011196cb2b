"""The next token's candidates, and which of them the sampling options keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.engine.backend import Floats, Logits
from gptcli.engine.sampling import Sampler
from gptcli.explaining.distribution import distributions, likeliest


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A token that may come next."""

    token: int
    probability: float
    """As the model predicts it."""
    kept_probability: float
    """After the options; 0 where they drop it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What may come next."""

    candidates: tuple[Candidate, ...]
    """The likeliest tokens as the model predicts them, likeliest first."""
    kept: int
    """How many tokens of the whole vocabulary the options keep."""
    entropy: float
    """Nats, of what the model predicts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _FirstChoice:
    """The choice of the first token behind a text."""

    tokens: Sequence[int]
    new_tokens: int = 0
    written: bytes = b""
    noise_key: int = 0


def candidates(logits: Floats, sampler: Sampler, history: Sequence[int], count: int) -> Candidates:
    """Return the `count` likeliest tokens after a text, of whose last token these are the logits (vocab,).

    What is kept, and with which probability, is what generate draws from: the sampler itself says so. Raises
    ModelError for a model that predicts no number.
    """
    found = distributions(logits[None])
    best = likeliest(logits, sampler.top)
    row = Logits(
        values=logits[None], top_values=logits[None, best], top_ids=best[None], logsumexp=np.zeros(1, np.float32)
    )
    ids, probabilities = sampler.support(row, 0, _FirstChoice(tokens=history))
    kept = dict(zip(ids.tolist(), probabilities.tolist(), strict=True))
    shown = likeliest(logits, count)
    return Candidates(
        candidates=tuple(
            Candidate(token=token, probability=probability, kept_probability=kept.get(token, 0.0))
            for token, probability in zip(shown.tolist(), np.exp(found.logprobs[0, shown]).tolist(), strict=True)
        ),
        kept=len(ids),
        entropy=float(found.entropy[0]),
    )
