"""Open a checkpoint's weights: checked against the config, and mapped into memory rather than read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.conversion import as_safetensors
from gptcli.checkpoint.files import PICKLE, SAFETENSORS, weight_files
from gptcli.checkpoint.safetensors import TensorLocation, read_header
from gptcli.errors import ModelError

WTE = "wte.weight"
LM_HEAD = "lm_head.weight"

STORED_DTYPES: Mapping[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""Each type that can be read, as numpy reads its bytes; bfloat16, which it lacks, is half of a float32."""

# Causal masks, which older files carry; the engine makes its own.
_BUFFER = re.compile(r"h\.\d+\.attn\.(bias|masked_bias)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Every tensor of a checkpoint under its name without "transformer.", checked and not yet read."""

    tensors: Mapping[str, TensorLocation]

    @property
    def tied(self) -> bool:
        """Return whether the token embedding is also the output head."""
        return LM_HEAD not in self.tensors

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the distinct files that hold the tensors."""
        return tuple(sorted({location.file for location in self.tensors.values()}))

    def array(self, name: str) -> NDArray[np.float32]:
        """Return a tensor: a read-only view of the mapped file, or a copy where it is not in float32."""
        return read_tensor(self.tensors[name])


def open_weights(directory: Path, config: ModelConfig) -> Weights:
    """Locate and check every tensor; raises ModelError for one that is missing, misshapen or cut off."""
    files = weight_files(directory)
    if not files:
        raise ModelError(f"{directory}: has no weights ({SAFETENSORS} or {PICKLE}); give the directory of a checkpoint")
    for path in files:
        if not path.is_file():
            raise ModelError(f"{path}: missing, though the index names it; download the model again")
    tensors: dict[str, TensorLocation] = {}
    for path in as_safetensors(files):
        tensors |= {name.removeprefix("transformer."): place for name, place in read_header(path).items()}
    tensors = {name: place for name, place in tensors.items() if not _BUFFER.fullmatch(name)}
    if config.tie_word_embeddings and WTE not in tensors and LM_HEAD in tensors:
        tensors[WTE] = tensors.pop(LM_HEAD)
    _check(tensors, _expected_shapes(config, tensors), directory)
    if config.tie_word_embeddings and LM_HEAD in tensors and _same_values(tensors[WTE], tensors[LM_HEAD]):
        del tensors[LM_HEAD]
    return Weights(tensors={name: place for name, place in tensors.items() if place.dtype in STORED_DTYPES})


def _expected_shapes(config: ModelConfig, found: Mapping[str, TensorLocation]) -> dict[str, tuple[int, ...]]:
    """List the tensors that must be there; the projections are transformers' Conv1D, (inputs, outputs)."""
    width, inner = config.n_embd, config.n_inner
    layer: dict[str, tuple[int, ...]] = {
        "ln_1.weight": (width,),
        "ln_1.bias": (width,),
        "attn.c_attn.weight": (width, 3 * width),
        "attn.c_attn.bias": (3 * width,),
        "attn.c_proj.weight": (width, width),
        "attn.c_proj.bias": (width,),
        "ln_2.weight": (width,),
        "ln_2.bias": (width,),
        "mlp.c_fc.weight": (width, inner),
        "mlp.c_fc.bias": (inner,),
        "mlp.c_proj.weight": (inner, width),
        "mlp.c_proj.bias": (width,),
    }
    shapes: dict[str, tuple[int, ...]] = {
        WTE: (config.vocab_size, width),
        "wpe.weight": (config.n_positions, width),
    }
    for index in range(config.n_layer):
        shapes |= {f"h.{index}.{name}": shape for name, shape in layer.items()}
    shapes |= {"ln_f.weight": (width,), "ln_f.bias": (width,)}
    # A classifier has a score in place of the language model's head.
    needs_head = not config.tie_word_embeddings and "score.weight" not in found
    if needs_head or LM_HEAD in found:
        shapes[LM_HEAD] = (config.vocab_size, width)
    return shapes


def _check(tensors: Mapping[str, TensorLocation], shapes: Mapping[str, tuple[int, ...]], directory: Path) -> None:
    """Raise ModelError for the first tensor that is missing, misshapen or of a type that cannot be read."""
    missing = [name for name in shapes if name not in tensors]
    if missing:
        raise ModelError(
            f"{directory}: the weights lack {missing[0]} ({len(missing)} of {len(shapes)} tensors missing);"
            " they belong to another config.json, or must be downloaded again"
        )
    for name, shape in shapes.items():
        place = tensors[name]
        if place.shape != shape:
            raise ModelError(f"{place.file}: {name} has shape {place.shape}, config.json asks for {shape}")
        if place.dtype not in STORED_DTYPES:
            known = ", ".join(STORED_DTYPES)
            raise ModelError(f"{place.file}: {name} is stored as {place.dtype}; supported: {known}")


def _same_values(one: TensorLocation, other: TensorLocation) -> bool:
    """Tell whether two tensors are equal: transformers ties them only then, whatever the config says."""
    return np.array_equal(read_tensor(one), read_tensor(other))


def read_tensor(location: TensorLocation) -> NDArray[np.float32]:
    """Map one tensor and widen it where it must be; its type is one of STORED_DTYPES."""
    mapped = np.memmap(location.file, STORED_DTYPES[location.dtype], "r", location.offset, location.shape)
    stored = np.asarray(mapped)
    if location.dtype == "BF16":
        return (stored.astype(np.uint32) << 16).view(np.float32)
    aligned = location.offset % stored.itemsize == 0
    return stored.astype(np.float32, copy=not aligned)
