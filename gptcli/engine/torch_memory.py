"""How torch says that memory is out, and how we do."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gptcli.errors import DeviceError


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether this is one of torch's ways of saying that memory is out, some of which are only texts."""
    texts = ("can't allocate memory", "CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in texts)


@contextmanager
def memory_explained() -> Iterator[None]:
    """Turn torch's ways of saying that memory is out into DeviceError."""
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError("out of memory: lower --batch-size, or use a smaller model") from error
