"""Token and position embeddings, looked up outside the graphs.

The token embedding is the largest weight, and a run looks up few of its rows. They are read with pread: through a
memory map, a kernel with large pages maps up to megabytes around each row (130 MB in a run of 225 tokens).
"""

import os
import weakref

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.weights import WTE, Weights
from gptcli.engine.backend import Floats, Ids
from gptcli.errors import ModelError


class Embedding:
    """wte[token] + wpe[position]."""

    def __init__(self, weights: Weights) -> None:
        self._place = weights.tensors[WTE]
        self._positions = np.array(weights.array("wpe.weight"))  # (n_positions, width)
        self._in_memory = None if self._place.dtype == "F32" else weights.array(WTE)
        self._file: int | None = None
        if self._in_memory is None:
            self._file = os.open(self._place.file, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)

    def write(self, tokens: Ids, positions: Ids, stream: Floats) -> None:
        """Write the embeddings of tokens (rows, new tokens) at positions into stream (rows, new tokens, width)."""
        if self._in_memory is not None:
            stream[:] = self._in_memory[tokens]
        else:
            self._read(tokens.ravel(), stream.reshape(tokens.size, -1))
        stream += self._positions[positions]

    def _read(self, tokens: NDArray[np.int64], rows: Floats) -> None:
        """Read rows of the token embedding from the file."""
        assert self._file is not None
        row_bytes = rows.shape[1] * rows.itemsize
        for row, token in zip(rows, tokens.tolist(), strict=True):
            stored = os.pread(self._file, row_bytes, self._place.offset + token * row_bytes)
            if len(stored) != row_bytes:
                raise ModelError(f"{self._place.file}: changed while it was read; download the model again")
            row[:] = np.frombuffer(stored, "<f4")
