"""Run the body's graphs over memory that is bound once and written in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from gptcli.engine.backend import Floats
from gptcli.engine.onnx.cache import Cache
from gptcli.engine.onnx.embedding import Embedding
from gptcli.errors import DeviceError

PAIR = 2
"""Kernels round a lone row differently, the int8 one a last odd row and attention a last block of one row: there is
none, so that no row depends on its neighbours' lengths (law 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The parts of the body in their order, and what they begin with."""

    sessions: Sequence[ort.InferenceSession]
    embedding: Embedding
    together: int
    """Rows that a kernel takes at once, so that there must be a multiple of them: PAIR in int8, else 1."""


class BodyStep:
    """The body with all its inputs and outputs bound to memory that is written in place."""

    def __init__(
        self,
        body: Body,
        width: int,
        wanted: NDArray[np.int64],
        cache: Cache,
        more: Mapping[str, Floats] | None = None,
    ) -> None:
        """Bind rows of `width` new tokens each, as many as the cache has; more are inputs and outputs by their names.

        A biased body needs its bias; from a traced body comes what is bound.
        """
        rows, n_head, _, head_dim = cache[0][0].shape
        self.tokens = np.zeros((rows, width), np.int64)
        self.positions = np.zeros((rows, width), np.int64)
        self.last = np.zeros(rows, np.int32)
        self.total = np.zeros(1, np.int32)
        self._embedding = body.embedding
        self._wanted = len(wanted)
        wanted = np.concatenate([wanted, wanted[: -len(wanted) % body.together]])
        self._hidden = np.empty((len(wanted), n_head * head_dim), np.float32)
        # A part overwrites what it has read.
        stream = self._stream = np.empty((rows, width, n_head * head_dim), np.float32)
        inputs: dict[str, NDArray[Any]] = {
            "last": self.last,
            "total": self.total,
            "stream": stream,
            "wanted": np.ascontiguousarray(wanted, np.int64),
        }
        outputs: dict[str, NDArray[Any]] = {"next_stream": stream, "hidden": self._hidden}
        for layer, (keys, values) in enumerate(cache):
            for name, array in ((f"{layer}.k", keys), (f"{layer}.v", values)):
                inputs[f"past.{name}"] = outputs[f"present.{name}"] = array
        inputs |= more or {}
        outputs |= more or {}
        self._arrays = inputs | outputs  # the bindings hold addresses only
        self._bound = [(session, bind(session, inputs, outputs)) for session in body.sessions]

    def read(self, prompts: Sequence[Sequence[int] | NDArray[np.int32]]) -> Floats:
        """Run whole prompts, right-padded, from position 0; the result is valid until the next run."""
        for row, prompt in enumerate(prompts):
            self.tokens[row, : len(prompt)] = prompt
            self.positions[row, : len(prompt)] = np.arange(len(prompt))
            self.last[row] = len(prompt) - 1
        self.total[0] = self.tokens.shape[1]
        return self.run()

    def run(self) -> Floats:
        """Run the body; the result is valid until the next run."""
        self._embedding.write(self.tokens, self.positions, self._stream)
        for session, binding in self._bound:
            run(session, binding)
        return self._hidden[: self._wanted]


def rounded_up(count: int, multiple: int) -> int:
    """Return the next multiple."""
    return -(-count // multiple) * multiple


def run(session: ort.InferenceSession, binding: ort.IOBinding) -> None:
    """Run a session; raise DeviceError when memory runs out."""
    try:
        session.run_with_iobinding(binding)
    except RuntimeError as error:
        if "alloc" not in str(error):
            raise
        raise DeviceError("out of memory: lower --batch-size, or use a smaller model") from error


def bind(
    session: ort.InferenceSession, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]
) -> ort.IOBinding:
    """Let a session read its inputs and write its outputs where they lie.

    What belongs to other sessions is passed over, and so is an output that nobody wants.
    """
    binding = session.io_binding()
    for node in session.get_inputs():
        array = inputs[node.name]
        binding.bind_input(node.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    for node in session.get_outputs():
        if node.name not in outputs:
            continue
        array = outputs[node.name]
        binding.bind_output(node.name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
    return binding
