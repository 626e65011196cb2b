"""From logits to the next token: processors, then temperature, top-k, top-p and min-p, then one draw.

Definitions and order are transformers'. Rows that change nothing before top-k are drawn together from the
candidates that the backend has already found; all others look at their whole row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptcli.engine.backend import Floats, Ids, Logits
from gptcli.engine.ban import BanTable
from gptcli.engine.noise import gumbel
from gptcli.engine.options import SamplingOptions
from gptcli.engine.processors import add_bias, forbid, forbid_repeated_ngrams, penalize_repetition


class Context(Protocol):
    """What a choice depends on, besides the logits."""

    @property
    def tokens(self) -> Sequence[int]:
        """Return the prompt and what was added to it."""
        ...

    @property
    def new_tokens(self) -> int:
        """Return how many tokens were added."""
        ...

    @property
    def written(self) -> bytes | bytearray:
        """Return the bytes of the continuation."""
        ...

    @property
    def noise_key(self) -> int:
        """Return the key of this choice's random numbers."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampler:
    """The choices that one set of options makes."""

    options: SamplingOptions
    eos_token_ids: tuple[int, ...]
    ban: BanTable | None

    @property
    def top(self) -> int:
        """Return how many of the likeliest tokens the backend should find."""
        candidates = 1 if self.options.greedy or not self.options.top_k else self.options.top_k
        return max(candidates, self.options.logprobs or 0)

    def changes_logits(self, context: Context) -> bool:
        """Return whether any processor applies to this choice."""
        options = self.options
        return bool(
            options.logit_bias
            or options.repetition_penalty != 1
            or options.no_repeat_ngram_size
            or self.ban
            or context.new_tokens < options.min_new_tokens
        )

    def process(self, logits: Floats, context: Context) -> Floats:
        """Return a row of logits (vocab,) after all processors that apply."""
        options, tokens = self.options, context.tokens
        logits = logits.copy()
        add_bias(logits, options.logit_bias)
        if options.repetition_penalty != 1:
            penalize_repetition(logits, tokens, options.repetition_penalty)
        if options.no_repeat_ngram_size:
            forbid_repeated_ngrams(logits, tokens, options.no_repeat_ngram_size)
        if self.ban:
            forbid(logits, self.ban.forbidden(context.written))
        if context.new_tokens < options.min_new_tokens:
            forbid(logits, self.eos_token_ids)
        return logits

    def choose(self, logits: Logits, rows: Sequence[int], contexts: Sequence[Context]) -> list[int]:
        """Return the next token of each of these rows."""
        together = [n for n, context in enumerate(contexts) if self._from_candidates(context)]
        chosen = [0] * len(rows)
        if together:
            picked = [rows[n] for n in together]
            values, ids = self._candidates(logits, picked)
            for n, token in zip(together, self._draw(values, ids, [contexts[n] for n in together]), strict=True):
                chosen[n] = int(token)
        for n, context in enumerate(contexts):
            if not self._from_candidates(context):
                values, ids = self._whole_row(logits.values[rows[n]], context)
                chosen[n] = int(self._draw(values, ids, [context])[0])
        return chosen

    def support(self, logits: Logits, row: int, context: Context) -> tuple[Ids, NDArray[np.float64]]:
        """Return the tokens (k,) that this choice of a row can fall on, and with which probability on each."""
        if self._from_candidates(context):
            values, ids = self._candidates(logits, [row])
        else:
            values, ids = self._whole_row(logits.values[row], context)
        if self.options.greedy:
            best = np.argmax(values, axis=1)
            return ids[0, best], np.ones(1)
        kept = self._kept(values)[0]
        possible = kept > -np.inf
        probabilities = np.exp(kept[possible])
        return ids[0, possible], probabilities / probabilities.sum()

    def _from_candidates(self, context: Context) -> bool:
        """Return whether the backend's candidates are all that this choice can fall on."""
        return bool(self.options.greedy or self.options.top_k) and not self.changes_logits(context)

    def _candidates(self, logits: Logits, rows: Sequence[int]) -> tuple[Floats, Ids]:
        """Return the values and ids (rows, k) of the backend's candidates that top-k keeps."""
        count = None if self.options.greedy else self.options.top_k
        return logits.top_values[rows, :count], logits.top_ids[rows, :count]

    def _whole_row(self, logits: Floats, context: Context) -> tuple[Floats, Ids]:
        """Return the values and ids, (1, k), that top-k keeps of a whole row; ties at its edge are kept."""
        processed = self.process(logits, context)
        ids = np.arange(len(processed))
        if 0 < self.options.top_k < len(processed) and not self.options.greedy:
            threshold = np.partition(processed, -self.options.top_k)[-self.options.top_k]
            ids = np.flatnonzero(processed >= threshold)
        return processed[ids][None], ids[None]

    def _draw(self, values: Floats, ids: Ids, contexts: Sequence[Context]) -> Ids:
        """Return one of the ids (rows, k) for each row, given their values."""
        if self.options.greedy:
            best = np.argmax(values, axis=1)
        else:
            keys = np.array([context.noise_key for context in contexts], np.uint64)
            best = np.argmax(self._kept(values) + gumbel(keys, ids), axis=1)
        chosen: Ids = ids[np.arange(len(ids)), best]
        return chosen

    def _kept(self, values: Floats) -> NDArray[np.float64]:
        """Return values (rows, k) over the temperature, their largest at 0, those that are not kept at -inf."""
        below = values.astype(np.float64) - values.max(axis=1, keepdims=True)
        with np.errstate(over="ignore"):  # a temperature near 0 leaves -inf for all but the likeliest
            below /= self.options.temperature
        return keep(below, self.options.top_p, self.options.min_p)


def keep(values: NDArray[np.float64], top_p: float, min_p: float) -> NDArray[np.float64]:
    """Return logits (rows, k) with those outside the nucleus or below min-p set to -inf.

    Nucleus: Holtzman et al. 2019; the likeliest tokens whose probabilities reach top_p, with the one that
    crosses it. Min-p: Nguyen et al. 2024; at least min_p times the likeliest one's probability.
    """
    if top_p < 1:
        ascending = np.sort(values, axis=1)
        outside = np.cumsum(_softmax(ascending), axis=1) <= 1 - top_p
        outside[:, -1] = False
        least = np.take_along_axis(ascending, outside.sum(axis=1, keepdims=True), axis=1)
        values = np.where(values < least, -np.inf, values)
    if min_p > 0:
        least = values.max(axis=1, keepdims=True) + np.log(min_p)
        values = np.where(values < least, -np.inf, values)
    return values


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the softmax over the last axis."""
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    softmax: NDArray[np.float64] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return softmax
