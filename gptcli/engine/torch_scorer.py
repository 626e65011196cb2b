"""Log-likelihoods on torch: transformers' own GPT2LMHeadModel over padded rows, each span a row of its own.

What all spans begin with is read once, and each row attends to its keys and values.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GPT2LMHeadModel
from transformers.cache_utils import Cache

from gptcli.engine.backend import NO_TOKENS, Floats, Tokens
from gptcli.engine.batching import passes
from gptcli.engine.opening import Opening
from gptcli.engine.scorer import Span, SpanScores
from gptcli.engine.torch_backend import as_array, open_model
from gptcli.engine.torch_memory import memory_explained

CPU_TOKENS = 4096
GPU_TOKENS = 16384
PREFIX_PASSES = 4
"""Times the tokens of a pass that its rows may attend to in a prefix, which stands in memory once a row."""
HEAD_ROWS = 1024
"""Positions predicted at once: 206 MB of logits in float32 with GPT-2's vocabulary."""


def open_torch_scorer(model: Opening) -> "TorchScorer":
    """Return a scorer on torch."""
    return TorchScorer(open_model(GPT2LMHeadModel, model))


class TorchScorer:
    """Scores tokens on torch; see gptcli.engine.scorer.Scorer for the contract."""

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self._model = model
        self.most_tokens = CPU_TOKENS if model.device.type == "cpu" else GPU_TOKENS
        self._prefix = _Prefix(model, NO_TOKENS)

    def score(self, items: Sequence[Sequence[Span]], prefix: Tokens, most_rows: int | None) -> list[list[SpanScores]]:
        """Return the scores of each item's spans, in passes of spans of like lengths."""
        self._keep(prefix)
        known = len(prefix)
        if known:
            fit = max(1, PREFIX_PASSES * self.most_tokens // known)
            most_rows = fit if most_rows is None else min(fit, most_rows)
        spans = [span for item in items for span in item]
        found = [SpanScores(logprobs=np.empty(0, np.float32), greedy=np.empty(0, np.bool_))] * len(spans)
        scored = [number for number, span in enumerate(spans) if span.start < len(span.tokens)]
        lengths = [max(1, len(spans[number].tokens) - 1 - known) for number in scored]
        for rows in passes(lengths, self.most_tokens, most_rows):
            numbers = [scored[row] for row in rows]
            for number, scores in zip(numbers, self._scores([spans[number] for number in numbers]), strict=True):
                found[number] = scores
        results = iter(found)
        return [[next(results) for _ in item] for item in items]

    @memory_explained()
    def _keep(self, prefix: Tokens) -> None:
        """Have a prefix in memory."""
        if not np.array_equal(prefix, self._prefix.tokens):
            self._prefix = _Prefix(self._model, NO_TOKENS)  # so that there are never two
            self._prefix = _Prefix(self._model, prefix)

    @memory_explained()
    @torch.inference_mode()
    def _scores(self, spans: Sequence[Span]) -> list[SpanScores]:
        """Score spans in one pass; the last token of each is only asked for."""
        device, known = self._model.device, len(self._prefix.tokens)
        width = max(0, max(len(span.tokens) for span in spans) - 1 - known)
        tokens = np.zeros((len(spans), width), np.int64)
        for row, span in enumerate(spans):
            tokens[row, : max(0, len(span.tokens) - 1 - known)] = span.tokens[known:-1]
        states = self._prefix.states(torch.from_numpy(tokens).to(device))
        counts = [len(span.tokens) - span.start for span in spans]
        rows = np.repeat(np.arange(len(spans)), counts)
        columns = np.concatenate([np.arange(span.start, len(span.tokens)) - 1 for span in spans])
        places = np.where(columns < known, columns, columns + rows * width)  # rows stand behind the prefix
        targets = np.concatenate([span.tokens[span.start :] for span in spans]).astype(np.int64)
        hidden = states[torch.from_numpy(places).to(device)]
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


class _Prefix:
    """Tokens that have been read once, to which what follows attends."""

    @torch.inference_mode()
    def __init__(self, model: GPT2LMHeadModel, tokens: Tokens) -> None:
        self.tokens = tokens
        self._model = model
        self._cache = _PrefixCache()
        self._states = torch.empty(0, model.config.n_embd, dtype=model.dtype, device=model.device)
        if len(tokens):
            row = torch.from_numpy(tokens.astype(np.int64)).to(model.device)[None]
            self._states = model.transformer(row, cache=self._cache, use_cache=True).last_hidden_state[0]
            self._cache.is_read = True

    def states(self, tokens: torch.Tensor) -> torch.Tensor:
        """Read rows (rows, width) that go on from here; return the hidden states of all, those of the prefix first."""
        (rows, width), known = tokens.shape, len(self.tokens)
        # Padding stands behind every real token, so that the causal mask alone hides it.
        if not width:
            return self._states
        if not known:
            states = self._model.transformer(tokens, use_cache=False).last_hidden_state
        else:
            causal = torch.ones(width, known + width, dtype=torch.bool, device=tokens.device).tril(known)
            states = self._model.transformer(
                tokens,
                position_ids=torch.arange(known, known + width, device=tokens.device)[None],
                attention_mask=causal.expand(rows, 1, -1, -1),
                cache=self._cache,
                use_cache=True,
            ).last_hidden_state
        return torch.cat([self._states, states.flatten(0, 1)])


class _PrefixCache(Cache):
    """The keys and values of a prefix (1, heads, tokens, head_dim), a pair a layer, which no later pass changes."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.is_read = False
        self._read: list[tuple[torch.Tensor, torch.Tensor]] = []

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_: object, **_named: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's keys and values until the prefix is read; from then on return them before each row's own."""
        if not self.is_read:
            self._read.append((key_states, value_states))
            return key_states, value_states
        keys, values = (past.expand(len(key_states), -1, -1, -1) for past in self._read[layer_idx])
        return torch.cat([keys, key_states], dim=2), torch.cat([values, value_states], dim=2)
