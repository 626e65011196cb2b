"""The key-value cache: one memory map a layer, as large as it can ever get.

The system commits only the pages that are written: a run that needs 64 positions pays for 64.
"""

import math
import mmap
from collections.abc import Sequence

import numpy as np

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.backend import Floats
from gptcli.errors import DeviceError

Cache = Sequence[tuple[Floats, Floats]]
"""Keys and values of each layer, (rows, heads, positions, head_dim)."""


def new_cache(config: ModelConfig, rows: int, positions: int) -> Cache:
    """Return an empty cache; raise DeviceError where there is no room for it."""
    shape = (rows, config.n_head, positions, config.head_dim)
    return [(_lazy_zeros(shape), _lazy_zeros(shape)) for _ in range(config.n_layer)]


def _lazy_zeros(shape: tuple[int, ...]) -> Floats:
    """Return zeros whose memory is committed as it is written, in pages of 4 KB (numpy would ask for 2 MB)."""
    try:
        memory = mmap.mmap(-1, math.prod(shape) * np.dtype(np.float32).itemsize, access=mmap.ACCESS_COPY)
    except (OSError, OverflowError) as error:
        raise DeviceError(f"no memory for {shape[0]:,} sequences at once: lower --batch-size") from error
    return np.frombuffer(memory, np.float32).reshape(shape)
