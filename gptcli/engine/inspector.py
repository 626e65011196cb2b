"""What explanations ask of a model, what it predicts everywhere and what its layers compute; and how one is opened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.head import refuse_classifier
from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Floats, Tokens, require_finite
from gptcli.engine.opening import Loaded, Opening, opening
from gptcli.engine.options import ModelOptions

HEAD_ROWS = 128
"""Positions predicted at once: 26 MB of logits with GPT-2's vocabulary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one reading of a text left behind; raises ModelError where the model computes something that is no number.

    Layers and heads count from 0, as transformers' output_attentions does.
    """

    config: ModelConfig
    residual: Floats  # (n_layer + 1, tokens, n_embd)
    """The residual stream: the embeddings, then what each block leaves, before the final layer norm."""
    hidden: Floats  # (tokens, n_embd)
    """The final states, after the last layer norm."""
    queries: Sequence[Floats]
    """Of each layer (n_head, tokens, head_dim)."""
    keys: Sequence[Floats]
    """Of each layer (n_head, tokens, head_dim)."""

    def __post_init__(self) -> None:
        require_finite(self.hidden)

    def attention(self, layer: int) -> Floats:
        """Return how much each token attends to each: (n_head, tokens, tokens), whose rows sum to one."""
        queries, keys = self.queries[layer], self.keys[layer]
        scale = np.float32(self.config.attention_scale(layer))
        weights: Floats = np.matmul(queries * scale, keys.transpose(0, 2, 1))
        weights[:, ~np.tri(queries.shape[1], dtype=np.bool_)] = -np.inf
        weights -= weights.max(axis=-1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=-1, keepdims=True)
        return weights


class Inspector(Protocol):
    """A model that shows what it predicts and why. Texts have 1 to n_positions tokens."""

    def logits(self, tokens: Tokens, start: int = 0) -> Iterator[Floats]:
        """Yield (positions, vocab), in chunks: what is predicted after tokens[start], tokens[start + 1], ...

        A chunk is valid until the next one is asked for, or anything else of the inspector.
        """
        ...

    def trace(self, tokens: Tokens) -> Trace:
        """Read a text and keep what its layers computed."""
        ...

    def predict(self, residual: Floats) -> Floats:
        """Return the logits (rows, vocab) of rows of a residual stream (rows, n_embd): final layer norm and head."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedInspector(Loaded):
    """An inspector that is ready to run."""

    inspector: Inspector


def load_inspector(located: Located, options: ModelOptions) -> LoadedInspector:
    """Open a located model; raise ModelError, for a classifier too, DeviceError or ConfigError."""
    checked = opening(located, options)
    refuse_classifier(located.name, checked.weights)
    tokenizer, inspector = checked.beside_tokenizer(_open)
    return LoadedInspector(
        name=located.name,
        directory=located.directory,
        dtype=checked.placement.dtype,
        config=checked.config,
        tokenizer=tokenizer,
        description=checked.description,
        inspector=inspector,
    )


def _open(model: Opening) -> Inspector:
    """Open the backend that was chosen; torch is imported only for its own."""
    if model.placement.backend == "torch":
        from gptcli.engine.torch_inspector import open_torch_inspector

        return open_torch_inspector(model)
    from gptcli.engine.onnx.inspector import OnnxInspector

    return OnnxInspector(model.config, model.weights, threads=model.threads, quantized=model.quantized)
