"""Log-likelihoods on torch: transformers' own GPT2LMHeadModel over padded rows, each span a row of its own."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GPT2LMHeadModel

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.weights import Weights
from gptcli.engine.backend import Floats, Tokens
from gptcli.engine.batching import passes
from gptcli.engine.placement import Placement
from gptcli.engine.scorer import Span, SpanScores
from gptcli.engine.torch_backend import as_array, load, memory_explained

CPU_TOKENS = 4096
GPU_TOKENS = 16384
HEAD_ROWS = 1024
"""Positions predicted at once: 206 MB of logits in float32 with GPT-2's vocabulary."""


@memory_explained()
def open_torch_scorer(config: ModelConfig, weights: Weights, placement: Placement, *, threads: int) -> "TorchScorer":
    """Load a checkpoint's weights onto the device, and return what runs them."""
    if placement.device == "cpu":
        torch.set_num_threads(threads)
    return TorchScorer(load(GPT2LMHeadModel, config, weights, placement))


class TorchScorer:
    """Scores tokens on torch; see gptcli.engine.scorer.Scorer for the contract. It reads a prefix with each span."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self._model = model
        self.most_tokens = CPU_TOKENS if model.device.type == "cpu" else GPU_TOKENS

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the scores of each item's spans, in passes of spans of like lengths."""
        spans = [span for item in items for span in item]
        found = [SpanScores(logprobs=np.empty(0, np.float32), greedy=np.empty(0, np.bool_))] * len(spans)
        scored = [number for number, span in enumerate(spans) if span.start < len(span.tokens)]
        for rows in passes([len(spans[number].tokens) - 1 for number in scored], self.most_tokens, most_rows):
            numbers = [scored[row] for row in rows]
            for number, scores in zip(numbers, self._scores([spans[number] for number in numbers]), strict=True):
                found[number] = scores
        results = iter(found)
        return [[next(results) for _ in item] for item in items]

    @memory_explained()
    @torch.inference_mode()
    def _scores(self, spans: Sequence[Span]) -> list[SpanScores]:
        """Score spans in one pass; the last token of each is only asked for."""
        device = self._model.device
        tokens = np.zeros((len(spans), max(len(span.tokens) for span in spans) - 1), np.int64)
        for row, span in enumerate(spans):
            tokens[row, : len(span.tokens) - 1] = span.tokens[:-1]
        # Padding stands behind every real token, so that the causal mask alone hides it.
        states = self._model.transformer(torch.from_numpy(tokens).to(device), use_cache=False).last_hidden_state
        counts = [len(span.tokens) - span.start for span in spans]
        rows = np.repeat(np.arange(len(spans)), counts)
        columns = np.concatenate([np.arange(span.start, len(span.tokens)) - 1 for span in spans])
        targets = np.concatenate([span.tokens[span.start :] for span in spans]).astype(np.int64)
        hidden = states[torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)]
        logprobs, greedy = self._predict(hidden, torch.from_numpy(targets).to(device))
        edges = np.cumsum(counts)[:-1]
        parts = zip(np.split(logprobs, edges), np.split(greedy, edges), strict=True)
        return [SpanScores(logprobs=logprob, greedy=likeliest) for logprob, likeliest in parts]

    def _predict(self, hidden: torch.Tensor, targets: torch.Tensor) -> tuple[Floats, NDArray[np.bool_]]:
        """Return how likely hidden states (positions, width) hold their targets to be, and whether the likeliest."""
        logprobs, greedy = [], []
        for states, target in zip(torch.split(hidden, HEAD_ROWS), torch.split(targets, HEAD_ROWS), strict=True):
            logits = self._model.lm_head(states).float()
            logprobs.append(logits.gather(1, target[:, None])[:, 0] - logits.logsumexp(-1))
            greedy.append(logits.argmax(-1) == target)
        return as_array(torch.cat(logprobs)), torch.cat(greedy).cpu().numpy()
