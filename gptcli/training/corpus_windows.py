"""A stream of tokens in windows of one length, each of which is a sequence to learn or to judge by."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gptcli.training.batches import Example, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """A stream cut into windows of length inputs, each token but the first the target of exactly one window."""

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    length: int

    def __len__(self) -> int:
        """Return how many windows there are; the last may be shorter."""
        return -(-(len(self.tokens) - 1) // self.length) if len(self.tokens) > 1 else 0

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


class WindowSource:
    """The windows of a stream as sequences of documents, each of which is read by itself."""

    def __init__(self, windows: Windows, eos_id: int) -> None:
        self._windows = windows
        self._eos_id = eos_id

    @property
    def items(self) -> int:
        """Return the number of windows."""
        return len(self._windows)

    def sequences(self, chosen: NDArray[np.int64]) -> list[Sequence]:
        """Return the sequences of some windows."""
        return [self._sequence(int(index)) for index in chosen]

    def items_per_sequence(self) -> float:
        """Return that a sequence takes one window."""
        return 1.0

    def _sequence(self, index: int) -> Sequence:
        window = self._windows.window(index)
        origin = f"window {index} of the corpus"
        return tuple(
            Example(window[begin:end], window[begin + 1 : end + 1], None, origin)
            for begin, end in split_documents(window, self._eos_id)
        )
