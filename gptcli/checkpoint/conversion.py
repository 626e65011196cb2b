"""Turn weights that torch has pickled into safetensors: once, and without running what is in the pickle."""

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from gptcli.checkpoint.cache import cached, identity
from gptcli.checkpoint.files import SAFETENSORS
from gptcli.errors import ModelError

if TYPE_CHECKING:
    import torch


def as_safetensors(files: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return the files, or where they are pickles the one file in the cache that holds the same tensors."""
    if files[0].suffix == ".safetensors":
        return files
    key = identity(files, scheme="safetensors-1")
    return (cached(key, SAFETENSORS, lambda path: _convert(files, path)),)


def _convert(files: tuple[Path, ...], destination: Path) -> None:
    """Write the tensors of all pickles into one safetensors file."""
    # Imported here because torch takes seconds, and a checkpoint is converted once in its life.
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    for file in files:
        tensors |= _load(file)
    try:
        save_file(_without_shared_storage(tensors), destination)
    except SafetensorError as error:
        raise OSError(f"{error}") from error


def _load(file: Path) -> dict[str, "torch.Tensor"]:
    """Read the tensors of one pickle; anything but tensors and plain containers in it is refused."""
    import torch

    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{file}: cannot be read ({error.strerror})") from error
    except (pickle.UnpicklingError, AttributeError) as error:
        raise ModelError(
            f"{file}: not opened, because it holds something other than weights or is damaged;"
            " look for a safetensors version, or download it again"
        ) from error
    except (RuntimeError, EOFError, KeyError, ValueError) as error:
        raise ModelError(f"{file}: truncated, or not a file of torch; download the model again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{file}: holds no table of tensors; download the model again")
    return {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}


def _without_shared_storage(tensors: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Copy what shares memory with an earlier tensor, as a tied head does: safetensors will not store it."""
    seen: set[int] = set()
    separate = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        whole = tensor.contiguous()
        separate[name] = whole.clone() if storage in seen else whole
        seen.add(storage)
    return separate
