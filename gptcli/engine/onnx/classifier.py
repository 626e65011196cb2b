"""The classification head on the CPU: the body's graphs, then a product at each row's last token.

Nothing is decoded, so that no cache is kept: all layers write their keys and values to the same memory, one after
the other, as much of it as the pass has tokens.
"""

from collections.abc import Sequence

import numpy as np

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.onnx.body import PAIR, Body, BodyStep, rounded_up
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.session import open_body


class OnnxClassifier:
    """A classifier on the CPU; see gptcli.engine.classifier.Classifier for the contract."""

    most_tokens = 1024

    def __init__(self, config: ModelConfig, weights: Weights, *, threads: int, quantized: bool) -> None:
        self._config = config
        self._score = np.array(weights.array(SCORE))  # (labels, n_embd)
        self._body = Body(
            sessions=open_body(config, weights, quantized=quantized, threads=threads),
            embedding=Embedding(weights),
            together=PAIR if quantized else 1,
        )

    def classify(self, rows: Sequence[Tokens]) -> Floats:
        """Return the logits (rows, labels) at each row's last token."""
        config = self._config
        width = rounded_up(max(map(len, rows)), PAIR)
        wanted = np.array([(row, len(tokens) - 1) for row, tokens in enumerate(rows)])
        shape = (len(rows), config.n_head, width, config.head_dim)
        shared = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        cache = [shared] * config.n_layer
        step = BodyStep(self._body, width, wanted, cache)
        # A product of all rows at once would round a row differently in another batch (law 2).
        return np.stack([self._score @ hidden for hidden in step.read(rows)])
