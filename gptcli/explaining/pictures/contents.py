"""What pictures and the page show: arrays, and the texts of tokens as Tokenizer.token_text gives them.

Positions, layers and heads count from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gptcli.engine.backend import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A token that a model thinks may come next."""

    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AllHeads:
    """Where every head looks, at a glance."""

    tokens: int
    """Of the text, of which a cell may hold several."""
    layers: Sequence[Floats]
    """Of each layer (n_head, cells, cells), as gptcli.explaining.attention.all_heads gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadMap:
    """Where one head looks."""

    layer: int
    head: int
    tokens: Sequence[str]
    weights: Floats  # (tokens, tokens), rows sum to one


@dataclass(frozen=True, slots=True, kw_only=True)
class LensTable:
    """What each layer would predict after each token."""

    tokens: Sequence[str]
    layers: Sequence[Sequence[Sequence[Guess]]]
    """Of each layer, the embeddings first, and each position: the likeliest tokens, likeliest first, at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributedText:
    """How much each token speaks for a chosen next token."""

    tokens: Sequence[str]
    target: str
    scores: Floats  # (tokens,), nats of the target's log probability
    method: str
    """As it is called in a sentence: "integrated gradients"."""
    logprob: float
    """Of the target, a natural logarithm."""
    baseline_logprob: float
    """Of the target with all token embeddings at zero."""
    completeness_error: float | None = None
    """How far the scores' sum is from the difference of both, as a share; None where they do not share it out."""

    @property
    def largest(self) -> float:
        """Return the size of the strongest score, of which others are shares; never 0."""
        return max(float(np.abs(self.scores).max(initial=0.0)), 1e-12)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageToken:
    """A token of the text; what the model says of it is None where nothing stands before it."""

    text: str
    bits: float | None
    rank: int | None
    entropy_bits: float | None
    expected: Sequence[Guess] = ()
    """Likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAttention:
    """Where every head looks in the first tokens of a text."""

    layers: Sequence[Floats]
    """Of each layer (n_head, tokens, tokens)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """All that the page lets a person explore; what was not computed is None or empty, and is not shown."""

    model: str
    tokens: Sequence[PageToken]
    bits: float
    bits_per_byte: float | None
    attention: PageAttention | None = None
    lens: LensTable | None = None
    attributions: Sequence[AttributedText] = ()
    notes: Sequence[str] = ()
    """What else the reader is to know: a fallback taken, a part left out."""
