"""The CPU backend: prefill and decode on ONNX Runtime.

Rows are right-padded; GroupQueryAttention takes each row's own length and writes its new keys and values in place.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Logits
from gptcli.engine.onnx.body import PAIR, Body, BodyStep, rounded_up
from gptcli.engine.onnx.cache import new_cache
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.head import Head
from gptcli.engine.onnx.session import open_sessions


class OnnxBackend:
    """GPT-2 on the CPU; see gptcli.engine.backend.Backend for the contract."""

    def __init__(
        self, config: ModelConfig, weights: Weights, *, slots: int, threads: int, quantized: bool = False
    ) -> None:
        self.slots = slots
        self.n_positions = config.n_positions
        self.vocab_size = config.vocab_size
        together = PAIR if quantized else 1
        sessions = open_sessions(config, weights, quantized=quantized, threads=threads)
        self._body = Body(sessions=sessions.body, embedding=Embedding(weights), together=together)
        self._head = Head(sessions.head, config.vocab_size, together)
        self._cache = new_cache(config, slots + together - 1, config.n_positions)
        self._decode_steps: dict[int, BodyStep] = {}

    def prefill(self, slot: int, prompts: Sequence[Sequence[int]], top: int) -> Logits:
        """Read whole prompts into slots slot, slot + 1, ...; return the logits after each one's last token."""
        lengths = np.array([len(prompt) for prompt in prompts])
        hidden = self._read(slot, prompts, np.stack([np.arange(len(prompts)), lengths - 1], axis=1))
        return self._head.run(hidden, top)

    def decode(self, tokens: Sequence[int], lengths: Sequence[int], top: int) -> Logits:
        """Append one token to each of the slots 0, 1, ...; lengths are the tokens each slot held before."""
        rows = len(tokens)
        step = self._decode_steps.get(rows)
        if step is None:
            wanted = np.stack([np.arange(rows), np.zeros(rows, np.int64)], axis=1)
            step = self._decode_steps[rows] = self._body_step(0, rows, 1, wanted)
        step.tokens[:rows, 0] = tokens
        step.positions[:rows, 0] = step.last[:rows] = lengths
        step.total[0] = max(lengths) + 1
        return self._head.run(step.run(), top)

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy the first length positions of one slot's cache over another's."""
        for keys, values in self._cache:
            keys[target, :, :length] = keys[source, :, :length]
            values[target, :, :length] = values[source, :, :length]

    def _read(self, slot: int, prompts: Sequence[Sequence[int]], wanted: NDArray[np.int64]) -> Floats:
        """Run the body over right-padded prompts; return the hidden states at the wanted (row, column) pairs."""
        width = rounded_up(max(len(prompt) for prompt in prompts), PAIR)
        return self._body_step(slot, len(prompts), min(self.n_positions, width), wanted).read(prompts)

    def _body_step(self, slot: int, rows: int, width: int, wanted: NDArray[np.int64]) -> BodyStep:
        """Bind the body to a range of the cache's slots, and to one more where the kernel needs it."""
        if rows * width % self._body.together:
            rows = rounded_up(rows, self._body.together)
        cache = [(keys[slot : slot + rows], values[slot : slot + rows]) for keys, values in self._cache]
        return BodyStep(self._body, width, wanted, cache)
