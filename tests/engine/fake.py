"""A backend without a model: its prediction is a function of all the tokens that a slot holds.

A slot that got another's cache, kept one token too many or missed one would go on differently, so comparing a
run's tokens with `expected` checks the whole traffic of the slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gptcli.engine.backend import Logits
from gptcli.engine.engine import Engine
from gptcli.engine.options import SamplingOptions
from gptcli.engine.request import Request
from gptcli.engine.sampling import Sampler

VOCAB = 11
GREEDY = Sampler(options=SamplingOptions(temperature=0), eos_token_ids=(), ban=None)
DRAWN = Sampler(options=SamplingOptions(top_k=0), eos_token_ids=(), ban=None)


@dataclass(slots=True, kw_only=True)
class FakeBackend:
    """A backend that remembers what it was asked for; see gptcli.engine.backend.Backend."""

    slots: int
    n_positions: int = 4096
    vocab_size: int = VOCAB
    uniform: bool = False
    """Predict every token with the same probability."""
    held: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """The tokens whose keys and values lie in each slot."""
    prefills: list[list[int]] = field(default_factory=list)
    """The lengths of the prompts of each prefill."""
    decodes: list[int] = field(default_factory=list)
    """The rows of each decode."""

    def prefill(self, slot: int, prompts: Sequence[Sequence[int]], top: int) -> Logits:
        """Read prompts into free slots."""
        assert slot + len(prompts) <= self.slots
        self.prefills.append([len(prompt) for prompt in prompts])
        self.held |= {slot + row: tuple(prompt) for row, prompt in enumerate(prompts)}
        return self._logits(range(slot, slot + len(prompts)), top)

    def decode(self, tokens: Sequence[int], lengths: Sequence[int], top: int) -> Logits:
        """Append a token to each of the first slots, which hold what the engine believes."""
        assert [len(self.held[slot]) for slot in range(len(tokens))] == list(lengths)
        self.decodes.append(len(tokens))
        self.held |= {slot: (*self.held[slot], token) for slot, token in enumerate(tokens)}
        return self._logits(range(len(tokens)), top)

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy the first tokens of a slot."""
        assert target < self.slots
        self.held[target] = self.held[source][:length]

    def _logits(self, slots: Sequence[int], top: int) -> Logits:
        values = np.zeros((len(slots), self.vocab_size), np.float32)
        if not self.uniform:
            for row, slot in enumerate(slots):
                values[row, next_token(self.held[slot])] = 9
        ids = np.argsort(-values, axis=1, kind="stable")[:, :top]
        logsumexp = np.log(np.exp(values).sum(axis=1))
        return Logits(values=values, top_values=np.take_along_axis(values, ids, 1), top_ids=ids, logsumexp=logsumexp)


def next_token(tokens: Sequence[int]) -> int:
    """Return the token that the fake predicts; it depends on every token before."""
    total = 1
    for token in tokens:
        total = (total * 31 + token + 1) % 1_000_003
    return total % VOCAB


def expected(prompt: Sequence[int], count: int) -> tuple[int, ...]:
    """Return the greedy continuation."""
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(next_token(tokens))
    return tuple(tokens[len(prompt) :])


def engine_of(backend: FakeBackend, eos_token_ids: Sequence[int] = ()) -> Engine:
    """Return an engine over a fake, whose token 3 is the text "3,"."""
    return Engine(backend, lambda token: b"%d," % token, eos_token_ids)


def request(
    key: int, prompt: Sequence[int] = (1, 2), *, limit: int = 3, samples: int = 1, sampler: Sampler = GREEDY
) -> Request:
    """Return a request; a test says what matters."""
    return Request(key=key, row=key, prompt=tuple(prompt), sampler=sampler, samples=samples, seed=5, token_limit=limit)
