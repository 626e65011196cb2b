"""Sum up what a model says of a text's tokens, for each of the units that the text is parted into."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from gptcli.evaluation.windows import Window

Counts = NDArray[np.float64]

BLOCK_BYTES = 4096
"""Of a text that is alone: its blocks are what intervals are over. About as much as GPT-2's context holds, so that
one block says little of the next, and parted by bytes, so that any two models have the same ones."""

NO_UNIT = -1
"""Of tokens that are read and stand in no text: a beginning, a separator."""


class Tally:
    """The sums of each unit: a document's blocks, or the documents of a stream."""

    def __init__(self, units: NDArray[np.int64], token_bytes: NDArray[np.int64], count: int) -> None:
        """Take each token's unit, NO_UNIT or below count, and how many bytes it stands for."""
        self._units = units
        self._token_bytes = token_bytes
        inside = units != NO_UNIT
        self._all_tokens = np.bincount(units[inside], minlength=count).astype(np.float64)
        self._all_bytes = np.bincount(units[inside], token_bytes[inside], minlength=count)
        self._sums = {name: np.zeros(count) for name in ("nats", "tokens", "bytes", "counted_nats", "counted")}

    def add(self, window: Window, logprobs: NDArray[np.float32]) -> None:
        """Add the natural logarithms of the probabilities of a window's scored tokens."""
        units = self._units[window.scored : window.end]
        inside = units != NO_UNIT
        if not inside.any():
            return
        units = units[inside]
        nats = -logprobs[inside].astype(np.float64)
        weight = window.counted / (window.end - window.scored)
        first, last = int(units.min()), int(units.max()) + 1
        for name, values in (
            ("nats", nats),
            ("tokens", np.ones(len(units))),
            ("bytes", self._token_bytes[window.scored : window.end][inside]),
            ("counted_nats", nats * weight),
            ("counted", np.full(len(units), weight)),
        ):
            self._sums[name][first:last] += np.bincount(units - first, values, minlength=last - first)

    def columns(self, words: Counts, utf8_bytes: Counts, *, one_text: bool) -> Mapping[str, Counts]:
        """Return the sums of each unit.

        Words and bytes are those of the one text whose blocks the units are, or of the texts that the units are. They
        count as far as the text's tokens are scored: all of them where all are, else in proportion to the bytes that
        the tokens stand for. So they may be counted in another wording than the one that is read.
        """
        text_bytes = self._all_bytes.sum() if one_text else self._all_bytes
        share = self._sums["bytes"] / np.maximum(text_bytes, 1)
        unscored = self._all_tokens - self._sums["tokens"]
        return self._sums | {"unscored": unscored, "words": words * share, "bytes": utf8_bytes * share}
