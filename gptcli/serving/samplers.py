"""One sampler for all requests with the same options: the engine has those that share one choose together."""

from functools import lru_cache

from gptcli.engine.options import SamplingOptions
from gptcli.engine.sampling import Sampler

MOST_KEPT = 256
"""Sets of options that are remembered; one that is forgotten costs a little time."""


class Samplers:
    """The samplers of one model."""

    def __init__(self, eos_token_ids: tuple[int, ...]) -> None:
        self._eos_token_ids = eos_token_ids
        self._made = lru_cache(MOST_KEPT)(self._make)

    def of(self, options: SamplingOptions) -> Sampler:
        """Return the sampler of some options."""
        return self._made(options)

    def _make(self, options: SamplingOptions) -> Sampler:
        return Sampler(options=options, eos_token_ids=self._eos_token_ids, ban=None)
