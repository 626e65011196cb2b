"""Keep a checkpoint's matrices in one byte a number for the package, and unpack it once, into the cache.

A packed matrix is two tensors: NAME, the codes as I8 (rows, columns), and NAME.scale as F32 (rows,). A weight is its
code times its row's scale. Tensors without a scale are in any type that a checkpoint may have.
The largest weight of a row has the code `levels`: fewer levels make larger steps, and codes that a wheel's deflate
makes smaller.
"""

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from gptcli.checkpoint.cache import cached_directory, identity
from gptcli.checkpoint.files import CONFIG, GENERATION_CONFIG, SAFETENSORS, TOKENIZER_FILES
from gptcli.checkpoint.safetensors import TensorLocation, read_header, write_float32
from gptcli.checkpoint.weights import STORED_DTYPES, read_tensor
from gptcli.errors import ModelError

PACKED = "packed.safetensors"
MOST_LEVELS = 127
_CODES = "I8"
_SCALE = ".scale"


def unpacked(directory: Path) -> Path:
    """Return a checkpoint of float32 that a packed one makes, built where the cache has none; raises ModelError.

    Its path ends in the same two names as the packed one's: by them the base of an adapter is known again.
    """
    names = (CONFIG, GENERATION_CONFIG, *TOKENIZER_FILES, PACKED)
    files = [directory / name for name in names if (directory / name).is_file()]
    place = Path(*directory.parts[-2:])

    def fill(temporary: Path) -> None:
        target = temporary / place
        target.mkdir(parents=True)
        for path in files:
            if path.name != PACKED:
                shutil.copyfile(path, target / path.name)
        unpack(directory / PACKED, target / SAFETENSORS)

    return cached_directory(directory, identity(files, scheme="unpacked-1"), fill) / place


def pack(source: Path, target: Path, levels: int) -> None:
    """Write the tensors of a safetensors file in the packed form, levels from 1 to MOST_LEVELS; raises ModelError."""
    tensors: dict[str, NDArray[np.int8] | NDArray[np.float32]] = {}
    for name, place in read_header(source).items():
        value = read_tensor(place)
        if not np.isfinite(value).all():
            raise ModelError(f"{source}: {name} has numbers that are not finite")
        if value.ndim == 2:
            tensors[name], tensors[name + _SCALE] = quantize(value, levels)
        else:
            tensors[name] = np.ascontiguousarray(value)
    save_file(tensors, target)


def quantize(weight: NDArray[np.float32], levels: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the codes (rows, columns) and the scales (rows,) of a matrix (rows, columns)."""
    scales = np.abs(weight).max(axis=1) / np.float32(levels)
    steps = np.where(scales == 0, np.float32(1), scales)[:, None]
    return np.rint(weight / steps).clip(-levels, levels).astype(np.int8), scales


def unpack(source: Path, target: Path) -> None:
    """Write the tensors of a packed file in float32; raises ModelError for a damaged file, and OSError."""
    try:
        places = read_header(source)
        shapes = {name: place.shape for name, place in places.items() if not name.endswith(_SCALE)}
        for name in shapes:
            _check(places, name)
    except ModelError as error:
        raise ModelError(f"{error} (it is a part of gptcli: install that again)") from error

    def read(name: str) -> NDArray[np.float32]:
        place = places[name]
        if place.dtype != _CODES:
            return read_tensor(place)
        codes = np.memmap(place.file, np.int8, "r", place.offset, place.shape)
        weight: NDArray[np.float32] = np.multiply(codes, read_tensor(places[name + _SCALE])[:, None], dtype=np.float32)
        return weight

    write_float32(target, shapes, read)


def _check(places: dict[str, TensorLocation], name: str) -> None:
    """Raise ModelError for codes without their scales, and for a tensor of another type."""
    place, scale = places[name], places.get(name + _SCALE)
    if place.dtype == _CODES:
        if len(place.shape) != 2 or scale is None or scale.shape != place.shape[:1] or scale.dtype != "F32":
            raise ModelError(f"{place.file}: {name} has no scale for each of its rows")
    elif place.dtype not in STORED_DTYPES:
        raise ModelError(f"{place.file}: {name} is stored as {place.dtype}")
