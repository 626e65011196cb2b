"""An inspector without a model, which predicts what it is given."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.inspector import Trace

VOCAB = 7


@dataclass(slots=True, kw_only=True)
class FakeInspector:
    """Predicts a row for each position, in chunks of two; see gptcli.engine.inspector.Inspector."""

    rows: Floats  # (positions, vocab)
    asked: list[tuple[list[int], int]] = field(default_factory=list)
    """The tokens and the start of each call."""

    def logits(self, tokens: Tokens, start: int = 0) -> Iterator[Floats]:
        """Yield chunks that are overwritten when the next one is asked for."""
        self.asked.append((tokens.tolist(), start))
        memory = np.empty((2, VOCAB), np.float32)
        for begin in range(start, len(tokens), 2):
            part = self.rows[begin : min(begin + 2, len(tokens))]
            memory[: len(part)] = part
            yield memory[: len(part)]
            memory[:] = np.nan

    def trace(self, tokens: Tokens) -> Trace:
        """There is nothing inside."""
        raise NotImplementedError

    def predict(self, residual: Floats) -> Floats:
        """Take the residual stream itself for logits."""
        return residual


def trace_of(queries: Sequence[Floats], keys: Sequence[Floats], residual: Floats) -> Trace:
    """Return a trace of given queries and keys, each (n_head, tokens, head_dim), and residual stream."""
    n_head, _, head_dim = queries[0].shape
    config = ModelConfig(
        vocab_size=VOCAB,
        n_positions=99,
        n_embd=n_head * head_dim,
        n_layer=len(queries),
        n_head=n_head,
        n_inner=1,
        activation="gelu_new",
        layer_norm_epsilon=1e-5,
        scale_attn_weights=True,
        scale_attn_by_inverse_layer_idx=False,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_ids=(),
    )
    return Trace(config=config, residual=residual, hidden=residual[-1], queries=queries, keys=keys)
