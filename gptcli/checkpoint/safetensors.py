"""Find tensors inside safetensors files.

The header is parsed here, not by the safetensors library, because the engine needs each tensor's byte offset:
it maps the file and hands the weights to the runtime without a copy. The format is 8 bytes of little-endian
length, a JSON header of that length, then the data; offsets in the header count from the start of the data.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.files import JsonObject
from gptcli.errors import ModelError

LONGEST_HEADER_BYTES = 100_000_000
"""The format's own limit; a larger length means that the file is something else."""

ITEM_BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorLocation:
    """Where one tensor's bytes lie."""

    file: Path
    """Resolved, so that a symbolic link of the Hugging Face cache is followed once."""
    offset: int
    """Bytes from the start of the file."""
    nbytes: int
    shape: tuple[int, ...]
    dtype: str
    """As the header says it: F32, F16, BF16, F64, ..."""


def read_header(path: Path) -> dict[str, TensorLocation]:
    """Locate every tensor of a file; raises ModelError when it is truncated or no safetensors file."""
    try:
        with path.open("rb") as file:
            header, data_start = _header(file, path)
            size = file.seek(0, 2)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    resolved = path.resolve()
    locations = {}
    for name, entry in header.items():
        if name != "__metadata__":
            locations[name] = _location(name, entry, resolved, data_start)
    end = max((place.offset + place.nbytes for place in locations.values()), default=data_start)
    if size < end:
        raise ModelError(f"{path}: truncated, {size:,} bytes of {end:,}; download the model again")
    return locations


def write_float32(
    path: Path, shapes: Mapping[str, tuple[int, ...]], read: Callable[[str], NDArray[np.float32]]
) -> None:
    """Write tensors one after the other, so that only one of them is in memory; raises OSError."""
    header: JsonObject = {"__metadata__": {"format": "pt"}}  # transformers refuses a file that does not say so
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the data is aligned, so that it can be mapped
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in shapes:
            file.write(np.ascontiguousarray(read(name), dtype="<f4").data)


def _header(file: BinaryIO, path: Path) -> tuple[JsonObject, int]:
    """Read the JSON header and the offset at which the data starts."""
    prefix = file.read(8)
    if prefix == b"version ":
        raise ModelError(f"{path}: is a Git LFS pointer, not the weights; run git lfs pull in its repository")
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > LONGEST_HEADER_BYTES:
        raise ModelError(f"{path}: not a safetensors file; download the model again")
    text = file.read(length)
    if len(text) < length:
        raise ModelError(f"{path}: truncated inside its header; download the model again")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: the header is not JSON; download the model again") from error
    if not isinstance(header, dict):
        raise ModelError(f"{path}: the header holds no JSON object; download the model again")
    return header, 8 + length


def _location(name: str, entry: object, file: Path, data_start: int) -> TensorLocation:
    """Check one entry of the header."""
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(begin), int(end)]}:
            whole = 0 <= begin <= end and all(isinstance(length, int) and length >= 0 for length in shape)
            # A type that the table lacks (float8, ...) is judged by whoever needs the tensor.
            if whole and (dtype not in ITEM_BYTES or ITEM_BYTES[dtype] * prod(shape) == end - begin):
                place = data_start + begin
                return TensorLocation(file=file, offset=place, nbytes=end - begin, shape=tuple(shape), dtype=dtype)
    raise ModelError(f"{file}: the header's entry for {name} makes no sense; download the model again")
