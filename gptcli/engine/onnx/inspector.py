"""What the model predicts and computes, on the CPU: one text in one pass, through a body whose layers can be traced."""

from collections.abc import Iterator, Mapping

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import HEAD_ROWS, Trace
from gptcli.engine.onnx.body import PAIR, Body, BodyStep, rounded_up
from gptcli.engine.onnx.cache import Cache
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.head import Head
from gptcli.engine.onnx.session import open_sessions


class OnnxInspector:
    """An inspector on the CPU; see gptcli.engine.inspector.Inspector for the contract."""

    def __init__(self, config: ModelConfig, weights: Weights, *, threads: int, quantized: bool) -> None:
        together = PAIR if quantized else 1
        sessions = open_sessions(config, weights, quantized=quantized, threads=threads, traced=True)
        self._config = config
        self._embedding = Embedding(weights)
        self._body = Body(sessions=sessions.body, embedding=self._embedding, together=together)
        self._head = Head(sessions.head, config.vocab_size, together)
        self._norm = tuple(np.array(weights.array(f"ln_f.{part}")) for part in ("weight", "bias"))

    def logits(self, tokens: Tokens, start: int = 0) -> Iterator[Floats]:
        """Yield (positions, vocab), in chunks: what is predicted after tokens[start], tokens[start + 1], ..."""
        shape = self._cache_shape(rounded_up(len(tokens), PAIR))
        shared = (np.empty(shape, np.float32), np.empty(shape, np.float32))  # one layer after the other writes there
        hidden = self._read(tokens, start, [shared] * self._config.n_layer, {})
        for begin in range(0, len(hidden), HEAD_ROWS):
            yield self._head.run(hidden[begin : begin + HEAD_ROWS], 1).values

    def trace(self, tokens: Tokens) -> Trace:
        """Read a text and keep what its layers computed: at 1,024 tokens, 120 MB of a GPT-2 of 124M."""
        config, length, width = self._config, len(tokens), rounded_up(len(tokens), PAIR)
        residual = np.empty((config.n_layer + 1, 1, width, config.n_embd), np.float32)
        queries = np.empty((config.n_layer, 1, width, config.n_embd), np.float32)
        keys = np.empty((config.n_layer, *self._cache_shape(width)), np.float32)
        values = np.empty(self._cache_shape(width), np.float32)
        self._embedding.write(tokens[None].astype(np.int64), np.arange(length)[None], residual[0, :, :length])
        traced = {f"queries.{layer}": queries[layer] for layer in range(config.n_layer)}
        traced |= {f"h.{layer}.ln_1.residual": residual[layer] for layer in range(1, config.n_layer)}
        traced["ln_f.residual"] = residual[-1, 0, : rounded_up(length, self._body.together)]
        hidden = self._read(tokens, 0, [(each, values) for each in keys], traced)
        heads = (config.n_layer, width, config.n_head, config.head_dim)
        return Trace(
            config=config,
            residual=residual[:, 0, :length],
            hidden=hidden,
            queries=list(queries.reshape(heads)[:, :length].swapaxes(1, 2)),
            keys=list(keys[:, 0, :, :length]),
        )

    def predict(self, residual: Floats) -> Floats:
        """Return the logits (rows, vocab) of rows of a residual stream (rows, n_embd): final layer norm and head."""
        weight, bias = self._norm
        centred = residual - residual.mean(axis=1, keepdims=True)
        variance = np.square(centred).mean(axis=1, keepdims=True)
        hidden = centred / np.sqrt(variance + np.float32(self._config.layer_norm_epsilon)) * weight + bias
        logits = np.empty((len(hidden), self._config.vocab_size), np.float32)
        for begin in range(0, len(hidden), HEAD_ROWS):
            rows = slice(begin, begin + HEAD_ROWS)
            logits[rows] = self._head.run(hidden[rows], 1).values
        return logits

    def _read(self, tokens: Tokens, start: int, cache: Cache, traced: Mapping[str, Floats]) -> Floats:
        """Run the body; return the final hidden states (positions, n_embd) from a position on."""
        columns = np.arange(start, len(tokens))
        wanted = np.stack([np.zeros_like(columns), columns], axis=1)
        return BodyStep(self._body, rounded_up(len(tokens), PAIR), wanted, cache, traced).read([tokens])

    def _cache_shape(self, width: int) -> tuple[int, ...]:
        """Return the shape of one layer's keys, or values, of one text."""
        return 1, self._config.n_head, width, self._config.head_dim
