"""The classification head on the CPU: the body's graphs, then a product at each row's last token.

Nothing is decoded, so that no cache is kept: all layers write their keys and values to the same memory, one after
the other, as much of it as the pass has tokens.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from gptcli.checkpoint.adapter import SCORE
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.onnx.body import PAIR, Body, BodyStep, rounded_up
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.session import open_body

PASS_TOKENS = 32
"""What a pass costs beside its rows' own tokens, in tokens: fewer of padding are cheaper than a pass more."""


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
        logits = np.empty((len(rows), len(self._score)), np.float32)
        for numbers in _alike([rounded_up(len(row), PAIR) for row in rows]):
            logits[numbers] = self._classify([rows[number] for number in numbers])
        return logits

    def _classify(self, rows: Sequence[Tokens]) -> Floats:
        """Return the logits of rows that are padded to the longest."""
        config = self._config
        width = rounded_up(max(map(len, rows)), PAIR)
        wanted = np.array([(row, len(tokens) - 1) for row, tokens in enumerate(rows)])
        shape = (len(rows), config.n_head, width, config.head_dim)
        shared = (np.empty(shape, np.float32), np.empty(shape, np.float32))
        cache = [shared] * config.n_layer
        step = BodyStep(self._body, width, wanted, cache)
        # A product of all rows at once would round a row differently in another batch (law 2).
        return np.stack([self._score @ hidden for hidden in step.read(rows)])


def _alike(widths: Sequence[int]) -> Iterator[list[int]]:
    """Part rows by their widths where that saves more padding than a pass costs; yield their numbers."""
    numbers = sorted(range(len(widths)), key=lambda number: -widths[number])
    begin = 0
    for place in range(1, len(numbers)):
        padding = widths[numbers[begin]] - widths[numbers[place]]
        if padding * (len(numbers) - place) > PASS_TOKENS:
            yield numbers[begin:place]
            begin = place
    yield numbers[begin:]
