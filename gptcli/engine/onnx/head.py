"""Run the head's graph: hidden states in, logits, the likeliest tokens and the log-sum-exp out."""

from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from gptcli.engine.backend import Floats, Logits
from gptcli.engine.onnx.body import bind, rounded_up, run


class Head:
    """The head, with output memory that is kept from call to call."""

    def __init__(self, session: ort.InferenceSession, vocab_size: int, together: int) -> None:
        """Run `together` rows at least; see Body."""
        self._session = session
        self._vocab_size = vocab_size
        self._together = together
        self._values = np.empty((0, vocab_size), np.float32)

    def run(self, hidden: Floats, top: int) -> Logits:
        """Return the logits of (rows, width) hidden states."""
        wanted = len(hidden)
        rows = rounded_up(wanted, self._together)
        if wanted < rows:
            hidden = np.concatenate([hidden, hidden[: rows - wanted]])
        if len(self._values) < rows:
            self._values = np.empty((rows, self._vocab_size), np.float32)
        inputs: dict[str, NDArray[Any]] = {"hidden": hidden, "top": np.array([top], np.int64)}
        outputs: dict[str, NDArray[Any]] = {
            "logits": self._values[:rows],
            "top_values": np.empty((rows, top), np.float32),
            "top_ids": np.empty((rows, top), np.int64),
            "logsumexp": np.empty((rows, 1), np.float32),
        }
        run(self._session, bind(self._session, inputs, outputs))
        return Logits(
            values=outputs["logits"][:wanted],
            top_values=outputs["top_values"][:wanted],
            top_ids=outputs["top_ids"][:wanted],
            logsumexp=outputs["logsumexp"][:wanted, 0],
        )
