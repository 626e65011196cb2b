"""What the engine asks of a model: prefill and decode over a fixed number of cache slots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gptcli.errors import ModelError

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Tokens = NDArray[np.int32]

NO_TOKENS: Tokens = np.empty(0, np.int32)


def require_finite(predictions: Floats) -> None:
    """Raise ModelError where a model predicts something that is no number."""
    if not np.isfinite(predictions).all():
        raise ModelError("the model predicts no number: its weights are damaged, or too large for this --dtype")


@dataclass(frozen=True, slots=True, kw_only=True)
class Logits:
    """The model's prediction of the next token for each row of a step; valid until the backend's next call."""

    values: Floats  # (rows, vocab)
    top_values: Floats  # (rows, top), descending
    top_ids: Ids  # (rows, top)
    logsumexp: Floats  # (rows,)


class Backend(Protocol):
    """A model and its key-value cache.

    The cache has `slots` rows. Rows never see each other: what a slot returns depends on its own tokens only.
    """

    slots: int
    n_positions: int
    vocab_size: int

    def prefill(self, slot: int, prompts: Sequence[Sequence[int]], top: int) -> Logits:
        """Read whole prompts into slots slot, slot + 1, ...; return the logits after each one's last token."""
        ...

    def decode(self, tokens: Sequence[int], lengths: Sequence[int], top: int) -> Logits:
        """Append one token to each of the slots 0, 1, ...; lengths are the tokens each slot held before."""
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Copy the first length positions of one slot's cache over another's."""
        ...
