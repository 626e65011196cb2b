"""What log-likelihoods ask of a model, and how one is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.head import refuse_classifier
from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.opening import Loaded, Opening, opening
from gptcli.engine.options import ModelOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Tokens of one context window, of which those from start on are scored: 1 <= start <= len(tokens).

    There are at most n_positions + 1: the last is predicted and never read.
    """

    tokens: Tokens
    start: int

    def __post_init__(self) -> None:
        if not 1 <= self.start <= len(self.tokens):
            raise ValueError(f"start must be between 1 and {len(self.tokens)}, not {self.start}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanScores:
    """What the model says about each scored token of a span, given all tokens before it: (len(tokens) - start,)."""

    logprobs: Floats
    """Natural logarithms."""
    greedy: NDArray[np.bool_]
    """Whether it is the likeliest token there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Spans that belong together: a document's windows, a question's candidates, a text with each label."""

    key: int
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemScores:
    """The scores of an item's spans, in their order."""

    key: int
    spans: tuple[SpanScores, ...]


class Scorer(Protocol):
    """A model that scores tokens. Spans never see each other, and padding is neither attended to nor scored."""

    most_tokens: int
    """Tokens of a pass: enough to use the arithmetic fully; one item may have more."""

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the scores of each item's spans, which all begin with prefix and fit into the context window.

        A pass has most_rows rows at most, None sets no limit. The prefix is kept from call to call where that saves
        reading it again.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedScorer(Loaded):
    """A scorer that is ready to run."""

    scorer: Scorer
    most_rows: int | None
    """Rows of a pass, where the user settled it."""


def load_scorer(located: Located, options: ModelOptions) -> LoadedScorer:
    """Open a located model; raise ModelError, for a classifier too, DeviceError or ConfigError."""
    checked = opening(located, options)
    refuse_classifier(located.name, checked.weights)
    tokenizer, scorer = checked.beside_tokenizer(_open)
    return LoadedScorer(
        name=located.name,
        directory=located.directory,
        dtype=checked.placement.dtype,
        config=checked.config,
        tokenizer=tokenizer,
        description=checked.description,
        scorer=scorer,
        most_rows=options.batch_size,
    )


def _open(model: Opening) -> Scorer:
    """Open the backend that was chosen; torch is imported only for its own."""
    if model.placement.backend == "torch":
        from gptcli.engine.torch_scorer import open_torch_scorer

        return open_torch_scorer(model)
    from gptcli.engine.onnx.scorer import OnnxScorer

    return OnnxScorer(model.config, model.weights, threads=model.threads, quantized=model.quantized)
