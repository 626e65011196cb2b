"""The order in which a stream of tokens is learned: windows of one length, shuffled each epoch."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A stream cut into windows of length inputs, each token but the first the target of exactly one window."""

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    length: int
    seed: int

    def __len__(self) -> int:
        """Return how many windows there are; the last may be shorter."""
        return -(-(len(self.tokens) - 1) // self.length) if len(self.tokens) > 1 else 0

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return every window's index, shuffled by the seed and the epoch."""
        generator = np.random.Generator(np.random.PCG64([self.seed, epoch]))
        return generator.permutation(len(self)).astype(np.int64, copy=False)

    def window(self, index: int) -> NDArray[np.int32]:
        """Return a window's inputs and, one further, its targets: at most length + 1 tokens, at least 2."""
        start = index * self.length
        return self.tokens[start : start + self.length + 1].astype(np.int32)


def split_documents(window: NDArray[np.int32], eos_id: int) -> list[tuple[int, int]]:
    """Return where each document's inputs stand, as (start, end); the targets stand one further.

    The end-of-text token that ends a document is the last target of it and, as GPT-2's token of beginning, the first
    input of the next. So attention and positions begin anew at each, and no token of the stream goes unlearned.
    """
    inputs = len(window) - 1
    starts = np.flatnonzero(window[:inputs] == eos_id)
    edges = np.unique(np.concatenate([[0], starts, [inputs]])).tolist()
    return list(pairwise(edges))
