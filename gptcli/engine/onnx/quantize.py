"""int8 weights: built once per checkpoint, kept in the user's cache directory, mapped from there.

Each column of a linear layer is cut into blocks of 128 inputs with one float32 scale each; activations are
quantized the same way as they come, a row at a time, so that a batch never changes a row (law 2). Embeddings,
norms and biases stay as they are. The cost in perplexity is measured by benchmarks/int8.py.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from gptcli.checkpoint.cache import cached, identity
from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.safetensors import TensorLocation, read_header
from gptcli.checkpoint.weights import LM_HEAD, WTE, Weights
from gptcli.engine.onnx.parts import unembedding

BLOCK_SIZE = 128
"""Inputs that share a scale: of 32, 128 and 256 the best speed at every batch size for a quarter more error."""
LARGEST_CODE = 127
CODE_OFFSET = 128  # codes are stored unsigned


def codes(weight: str) -> str:
    """Name the tensor of a weight's int8 codes: (out, blocks, BLOCK_SIZE), unsigned."""
    return f"{weight}.codes"


def scales(weight: str) -> str:
    """Name the tensor of a weight's block scales: (out, blocks)."""
    return f"{weight}.scales"


def quantized_locations(weights: Weights, config: ModelConfig) -> dict[str, TensorLocation]:
    """Return where the int8 tensors lie, after making them when the cache has none."""
    key = identity(weights.files, f"int8 in blocks of {BLOCK_SIZE}")

    def build(path: Path) -> None:
        tensors: dict[str, NDArray[np.uint8] | NDArray[np.float32]] = {}
        for name in _matrices(config, weights):
            tensors[codes(name)], tensors[scales(name)] = quantize(_output_major(weights, name))
        save_file(tensors, path)

    return read_header(cached(key, "int8.safetensors", build))


def quantize(weight: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return codes (out, blocks, BLOCK_SIZE) and scales (out, blocks) of an (out, in) weight, zero-padded."""
    n_out, n_in = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -n_in % BLOCK_SIZE))).reshape(n_out, -1, BLOCK_SIZE)
    scale = np.abs(padded).max(axis=-1) / LARGEST_CODE
    safe = np.where(scale == 0, 1, scale).astype(np.float32)
    rounded = np.rint(padded / safe[..., None]) + CODE_OFFSET
    return np.ascontiguousarray(rounded, np.uint8), np.ascontiguousarray(safe)  # save_file wants C order


def _matrices(config: ModelConfig, weights: Weights) -> Iterator[str]:
    """Yield the names of all weights that are quantized."""
    yield unembedding(weights.tensors)
    for layer in range(config.n_layer):
        yield from (f"h.{layer}.{name}.weight" for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"))


def _output_major(weights: Weights, name: str) -> NDArray[np.float32]:
    """Return a weight as (out, in); GPT-2 stores linear layers as (in, out) and embeddings as (out, in)."""
    weight = weights.array(name)
    return weight if name in (WTE, LM_HEAD) else weight.T
