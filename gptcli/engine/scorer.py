"""What log-likelihoods ask of a model, and how one is opened."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.head import refuse_classifier
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement, choose_placement, thread_count


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
class LoadedScorer:
    """A scorer that is ready to run."""

    name: str
    directory: Path
    dtype: str
    config: ModelConfig
    tokenizer: Tokenizer
    scorer: Scorer
    most_rows: int | None
    """Rows of a pass, where the user settled it."""
    description: str
    """What was chosen and why, for --verbose."""


def load_scorer(located: Located, options: ModelOptions) -> LoadedScorer:
    """Open a located model; raise ModelError, for a classifier too, DeviceError or ConfigError."""
    config = read_config(located.directory)
    placement = choose_placement(options, config.head_dim)
    weights = open_weights(located.directory, config)
    refuse_classifier(located.name, weights)
    threads = thread_count(options)
    with ThreadPoolExecutor(1) as pool:
        tokenizer = pool.submit(load_tokenizer, located.directory, config)
        scorer = _open(config, weights, placement, threads)
    return LoadedScorer(
        name=located.name,
        directory=located.directory,
        dtype=placement.dtype,
        config=config,
        tokenizer=tokenizer.result(),
        scorer=scorer,
        most_rows=options.batch_size,
        description=f"{located.name} from {located.directory}; {placement.backend} backend on {placement.reason}; "
        f"{placement.dtype}, {threads} threads",
    )


def _open(config: ModelConfig, weights: Weights, placement: Placement, threads: int) -> Scorer:
    """Open the backend that was chosen; torch is imported only for its own."""
    if placement.backend == "torch":
        from gptcli.engine.torch_scorer import open_torch_scorer

        return open_torch_scorer(config, weights, placement, threads=threads)
    from gptcli.engine.onnx.scorer import OnnxScorer

    return OnnxScorer(config, weights, threads=threads, quantized=placement.dtype == "int8")
