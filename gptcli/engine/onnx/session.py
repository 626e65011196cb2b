"""ONNX Runtime sessions over a checkpoint's own bytes.

float32 weights are external data of the graph: ONNX Runtime maps the checkpoint's file, packs each matrix for
its kernels once and lets the mapping go. Half-precision weights are widened in memory and handed over instead.
The serialized graph is cached, so that a run need not import onnx.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from gptcli.checkpoint.cache import cached
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.safetensors import TensorLocation
from gptcli.checkpoint.weights import Weights
from gptcli.engine.onnx.parts import BodyPart, body_parts
from gptcli.engine.onnx.quantize import quantized_locations
from gptcli.errors import DeviceError, ModelError

SILENT = 4  # ONNX Runtime's own messages never reach stderr; its exceptions do
FAILURES = (
    ort_errors.Fail,
    ort_errors.RuntimeException,
    ort_errors.InvalidGraph,
    ort_errors.InvalidArgument,
    ort_errors.NotImplemented,
)
BUILDER = ("graph.py", "builder.py", "parts.py", "quantize.py", "../../checkpoint/config.py")
"""Whose code makes the graphs; the last scales attention."""
FOLDER_KEY = "session.model_external_initializers_file_folder_path"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The parts of the model, ready to run."""

    body: tuple[ort.InferenceSession, ...]
    head: ort.InferenceSession


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What tells the graphs of one model apart."""

    quantized: bool
    biased: bool = False
    traced: bool = False


def open_sessions(
    config: ModelConfig, weights: Weights, *, quantized: bool, threads: int, biased: bool = False, traced: bool = False
) -> Sessions:
    """Open all parts side by side; raise ModelError when ONNX Runtime refuses the model.

    A biased body takes a bias on the scores of attention, from a traced one comes what its layers compute.
    """
    parts = (None, *body_parts(config.n_layer))
    shape = _Shape(quantized=quantized, biased=biased, traced=traced)
    head, *body = _open_parts(parts, config, weights, shape, threads)
    return Sessions(body=tuple(body), head=head)


def open_body(
    config: ModelConfig, weights: Weights, *, quantized: bool, threads: int
) -> tuple[ort.InferenceSession, ...]:
    """Open the body alone, for those who put another head on it; raise ModelError as open_sessions does."""
    return _open_parts(body_parts(config.n_layer), config, weights, _Shape(quantized=quantized), threads)


def _open_parts(
    parts: Sequence[BodyPart | None], config: ModelConfig, weights: Weights, shape: _Shape, threads: int
) -> tuple[ort.InferenceSession, ...]:
    """Open parts of the body, and for None the head."""
    use_threads(threads)
    tensors = dict(weights.tensors)
    if shape.quantized:
        tensors |= quantized_locations(weights, config)
    graphs = [_graph(part, config, tensors, shape) for part in parts]
    used = {name for names, _ in graphs for name in names}
    in_memory = {
        name: weights.array(name) for name, place in weights.tensors.items() if name in used and place.dtype != "F32"
    }
    with ThreadPoolExecutor(threads) as pool:
        return tuple(pool.map(lambda graph: _open(graph[0], graph[1], in_memory), graphs))


def use_threads(threads: int) -> None:
    """Make all sessions of this process share one pool of threads.

    A pool for each session would leave the spinning threads of one in the way of the other: a step took 34 ms
    that takes 18 with one pool. The first call decides: ONNX Runtime cannot replace a pool that exists.
    """
    with suppress(ort_errors.Fail):
        ort.set_global_thread_pool_sizes(threads, 1)


def _graph(
    part: BodyPart | None, config: ModelConfig, tensors: Mapping[str, TensorLocation], shape: _Shape
) -> tuple[list[str], bytes]:
    """Return the names of the weights and the model of a part, or for None the head, from the cache if it is there."""
    places = {key: [str(value.file), value.offset, value.shape] for key, value in sorted(tensors.items())}
    if part is None:  # one head for all kinds of body
        shape = _Shape(quantized=shape.quantized)
    facts = json.dumps([ort.__version__, repr(shape), repr(config), repr(part), places]).encode()
    # A changed builder must not find its old graphs.
    sources = b"".join((Path(__file__).parent / name).read_bytes() for name in BUILDER)

    def serialized() -> bytes:
        from gptcli.engine.onnx.graph import body_graph, head_graph

        if part is None:
            graph = head_graph(config, tensors, quantized=shape.quantized)
        else:
            graph = body_graph(
                config, tensors, part, quantized=shape.quantized, biased=shape.biased, traced=shape.traced
            )
        return json.dumps(graph.weights).encode() + b"\n" + graph.model

    def build(path: Path) -> None:
        path.write_bytes(serialized())

    name = "head" if part is None else f"body-{part.begin}-{part.end}"
    try:
        stored = cached(hashlib.sha256(facts + sources).hexdigest(), f"{name}.onnx", build).read_bytes()
    except ModelError:  # a home that cannot be written costs 0.1 s a run and changes nothing
        stored = serialized()
    names, _, model = stored.partition(b"\n")
    return json.loads(names), model


def _open(names: list[str], model: bytes, in_memory: Mapping[str, NDArray[np.float32]]) -> ort.InferenceSession:
    """Open one graph; its weights lie in the files that it names, but for those in memory."""
    options = ort.SessionOptions()
    options.use_per_session_threads = False
    options.log_severity_level = SILENT
    options.enable_mem_pattern = False  # shapes change from step to step
    options.add_session_config_entry(FOLDER_KEY, Path.cwd().anchor)
    given = [name for name in names if name in in_memory]
    if given:
        options.add_external_initializers(given, [ort.OrtValue.ortvalue_from_numpy(in_memory[name]) for name in given])
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except (MemoryError, RuntimeError, *FAILURES) as error:
        if "alloc" in str(error):
            raise DeviceError("not enough memory for the model: use a smaller one, or --dtype int8") from error
        raise ModelError(f"ONNX Runtime cannot open this model: {error}") from error
