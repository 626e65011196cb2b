"""The CPU backend: prefill, decode and score on ONNX Runtime.

The key-value cache is one memory map a layer, as large as it can ever get, of which the system commits only the
pages that are written: a run that needs 64 positions pays for 64. Rows are right-padded; GroupQueryAttention
takes each row's own length and writes its new keys and values in place.
"""

import math
import mmap
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Logits
from gptcli.engine.onnx.body import PAIR, BodyStep, bind, rounded_up, run
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.session import open_sessions
from gptcli.errors import DeviceError

SCORE_CHUNK = 128
"""Positions scored at once: 26 MB of logits with GPT-2's vocabulary."""
SCORE_TOKENS = 4096
"""Padded tokens in one pass of the body while scoring."""


class OnnxBackend:
    """GPT-2 on the CPU; see gptcli.engine.backend.Backend for the contract."""

    def __init__(
        self, config: ModelConfig, weights: Weights, *, slots: int, threads: int, quantized: bool = False
    ) -> None:
        self.slots = slots
        self.n_positions = config.n_positions
        self.vocab_size = config.vocab_size
        self._embedding = Embedding(weights)
        self._sessions = open_sessions(config, weights, quantized=quantized, threads=threads)
        self._together = PAIR if quantized else 1
        shape = (slots + self._together - 1, config.n_head, config.n_positions, config.head_dim)
        self._cache = [(_lazy_zeros(shape), _lazy_zeros(shape)) for _ in range(config.n_layer)]
        self._decode_steps: dict[int, BodyStep] = {}
        self._head = _Head(self._sessions.head, config.vocab_size, self._together)

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

    def score(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Return log p(token | the tokens before it), natural log, for every token of each sequence but its first."""
        scores: list[Floats] = []
        width = max(map(len, sequences), default=1)
        rows = max(1, min(self.slots, SCORE_TOKENS // width))
        for start in range(0, len(sequences), rows):
            scores += self._score_batch(sequences[start : start + rows])
        return scores

    def _score_batch(self, sequences: Sequence[Sequence[int]]) -> list[Floats]:
        """Score sequences that fit into one pass of the body."""
        wanted = [(row, column) for row, tokens in enumerate(sequences) for column in range(len(tokens) - 1)]
        if not wanted:
            return [np.empty(0, np.float32) for _ in sequences]
        targets = np.concatenate([np.asarray(tokens[1:], np.int64) for tokens in sequences])
        hidden = self._read(0, sequences, np.array(wanted))
        scores = np.empty(len(targets), np.float32)
        for start in range(0, len(targets), SCORE_CHUNK):
            part = slice(start, start + SCORE_CHUNK)
            logits = self._head.run(hidden[part], 1)
            chosen = logits.values[np.arange(len(targets[part])), targets[part]]
            scores[part] = chosen - logits.logsumexp
        return np.split(scores, np.cumsum([len(tokens) - 1 for tokens in sequences])[:-1])

    def _read(self, slot: int, prompts: Sequence[Sequence[int]], wanted: NDArray[np.int64]) -> Floats:
        """Run the body over right-padded prompts; return the hidden states at the wanted (row, column) pairs."""
        width = rounded_up(max(len(prompt) for prompt in prompts), PAIR)
        return self._body_step(slot, len(prompts), min(self.n_positions, width), wanted).read(prompts)

    def _body_step(self, slot: int, rows: int, width: int, wanted: NDArray[np.int64]) -> BodyStep:
        """Bind the body to a range of the cache's slots, and to one more where the kernel needs it."""
        if rows * width % self._together:
            rows = rounded_up(rows, self._together)
        cache = [(keys[slot : slot + rows], values[slot : slot + rows]) for keys, values in self._cache]
        return BodyStep(self._sessions.body, self._embedding, width, wanted, cache, self._together)


class _Head:
    """The head, with output memory that is kept from call to call."""

    def __init__(self, session: ort.InferenceSession, vocab_size: int, together: int) -> None:
        self._session = session
        self._vocab_size = vocab_size
        self._together = together
        self._values = np.empty((0, vocab_size), np.float32)

    def run(self, hidden: Floats, top: int) -> Logits:
        """Return the logits of (rows, width) hidden states."""
        wanted = len(hidden)
        rows = rounded_up(wanted, self._together)
        if wanted < rows:
            hidden = np.concatenate([hidden, hidden[: rows - wanted]])
        if len(self._values) < rows:
            self._values = np.empty((rows, self._vocab_size), np.float32)
        inputs: dict[str, NDArray[Any]] = {"hidden": hidden, "top": np.array([top], np.int64)}
        outputs: dict[str, NDArray[Any]] = {
            "logits": self._values[:rows],
            "top_values": np.empty((rows, top), np.float32),
            "top_ids": np.empty((rows, top), np.int64),
            "logsumexp": np.empty((rows, 1), np.float32),
        }
        run(self._session, bind(self._session, inputs, outputs))
        return Logits(
            values=outputs["logits"][:wanted],
            top_values=outputs["top_values"][:wanted],
            top_ids=outputs["top_ids"][:wanted],
            logsumexp=outputs["logsumexp"][:wanted, 0],
        )


def _lazy_zeros(shape: tuple[int, ...]) -> Floats:
    """Return zeros whose memory is committed as it is written, in pages of 4 KB (numpy would ask for 2 MB)."""
    try:
        memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize, access=mmap.ACCESS_COPY)
    except (OSError, OverflowError) as error:
        raise DeviceError(f"no memory for {shape[0]:,} sequences at once: lower --batch-size") from error
    return np.frombuffer(memory, np.float32).reshape(shape)
