"""Log-likelihoods on the CPU: each item's spans as a tree that is read behind one key-value cache.

With a past, attention takes several new tokens for one row only, but a bias on its scores. So a pass has one row:
a chunk of a long span, or the short branches of an item side by side, which the bias hides from each other. Nothing
is padded, and what spans share is read once. Two items never share a pass: it would save a tenth of the time for
texts of 32 tokens, and move the last bit of what is read (law 2), which int8 enlarges.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import NO_TOKENS, Floats, Tokens
from gptcli.engine.onnx.answering import Answering
from gptcli.engine.onnx.body import PAIR, Body, BodyStep, rounded_up
from gptcli.engine.onnx.cache import new_cache
from gptcli.engine.onnx.embedding import Embedding
from gptcli.engine.onnx.head import Head
from gptcli.engine.onnx.reading import Pass, Piece, TokenQuestion, questions, tree_passes
from gptcli.engine.onnx.session import open_sessions
from gptcli.engine.onnx.tree import Node, grow, scores
from gptcli.engine.scorer import Span, SpanScores

PASS_TOKENS = 256
"""Attention costs new times all tokens, in vain for those that come later: smaller chunks waste less of it, larger
ones are better for the matrix products."""


class OnnxScorer:
    """Scores tokens on the CPU; see gptcli.engine.scorer.Scorer for the contract. A pass has one row."""

    def __init__(self, config: ModelConfig, weights: Weights, *, threads: int, quantized: bool) -> None:
        self.most_tokens = PASS_TOKENS
        together = PAIR if quantized else 1
        sessions = open_sessions(config, weights, quantized=quantized, threads=threads, biased=True)
        self._body = Body(sessions=sessions.body, embedding=Embedding(weights), together=together)
        self._head = Head(sessions.head, config.vocab_size, together)
        self._cache = new_cache(config, 1, config.n_positions + PASS_TOKENS + PAIR)
        self._prefix = NO_TOKENS
        self._prefix_hidden: Floats = np.empty((0, config.n_embd), np.float32)

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the scores of each item's spans, which all begin with prefix and fit into the context window."""
        self._keep(prefix)
        tree = grow(items, prefix, self.most_tokens)
        answering = Answering(self._head)
        if len(prefix):
            asked = questions([Piece(node=tree.prefix, begin=0, end=len(prefix), row=0)])
            rows = _rows(asked)
            answering.ask(asked, rows, self._prefix_hidden[rows])
        for nodes in tree.roots:
            for part in tree_passes(nodes, len(prefix), self.most_tokens):
                asked = questions(part.pieces)
                rows = _rows(asked)
                answering.ask(asked, rows, self._read(part, rows))
        answering.finish()
        return [
            [scores(span, path) for span, path in zip(spans, paths, strict=True)]
            for spans, paths in zip(items, tree.paths, strict=True)
        ]

    def _keep(self, prefix: Tokens) -> None:
        """Have a prefix in the cache, and the hidden states at all its tokens."""
        if np.array_equal(prefix, self._prefix):
            return
        self._prefix = NO_TOKENS  # until all of it is there
        node = Node(tokens=prefix, depth=0, start=0)
        pieces = [
            Piece(node=node, begin=begin, end=min(begin + self.most_tokens, len(prefix)), row=0)
            for begin in range(0, len(prefix), self.most_tokens)
        ]
        hidden = [self._read(Pass(past=piece.begin, pieces=(piece,)), np.arange(len(piece.tokens))) for piece in pieces]
        self._prefix_hidden = np.concatenate([self._prefix_hidden[:0], *hidden])
        self._prefix = prefix.copy()

    def _read(self, part: Pass, rows: NDArray[np.int64]) -> Floats:
        """Run the body over a pass; return the hidden states of some of its rows."""
        width = rounded_up(part.rows, PAIR)
        wanted = np.stack([np.zeros_like(rows), rows], axis=1) if len(rows) else np.zeros((1, 2), np.int64)
        step = BodyStep(self._body, width, wanted, self._cache, {"bias": part.bias(width)})
        for piece in part.pieces:
            step.tokens[0, piece.rows] = piece.tokens
            step.positions[0, piece.rows] = piece.positions
        step.total[0] = part.past + width
        step.last[0] = step.total[0] - 1
        return step.run()[: len(rows)]


def _rows(asked: Sequence[TokenQuestion]) -> NDArray[np.int64]:
    """Return the rows that are asked anything, in their order."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *(question.rows for question in asked)]))
