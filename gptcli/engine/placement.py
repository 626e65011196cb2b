"""Choose the backend, the device and the number type, and say why; without importing torch where there is no GPU."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gptcli.engine.neighbours import local_world, number_in
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, DeviceError, ModelError

DRIVER_FILES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""What the drivers of NVIDIA and AMD cards, and of cards under WSL, leave in the file system."""

ONNX_HEAD_STEP = 8
"""GroupQueryAttention takes no other width of a head than its multiples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a model runs, and how."""

    backend: Literal["onnx", "torch"]
    device: str
    dtype: Literal["float32", "bfloat16", "float16", "int8"]
    reason: str


def choose_placement(options: ModelOptions, head_dim: int) -> Placement:
    """Choose by the options; raise DeviceError for a device that is absent, never fall back from one that was named."""
    device, reason = _device(options)
    onnx_fits = head_dim % ONNX_HEAD_STEP == 0
    if (options.backend == "onnx" or options.dtype == "int8") and not onnx_fits:
        raise ModelError(
            f"the onnx backend needs heads whose width is a multiple of {ONNX_HEAD_STEP}, this model's is {head_dim};"
            " use --backend torch"
        )
    if device == "cpu" and options.backend != "torch" and options.dtype in ("auto", "float32", "int8") and onnx_fits:
        dtype: Literal["float32", "int8"] = "int8" if options.dtype == "int8" else "float32"
        return Placement(backend="onnx", device="cpu", dtype=dtype, reason=reason)
    if not onnx_fits:
        reason += f"; torch, for heads of width {head_dim}"
    return _torch_placement(options, device, reason)


def imports_torch(options: ModelOptions) -> bool:
    """Return whether the options ask for torch, whose import takes seconds; heads of odd width need it anyway."""
    if options.backend == "onnx" or options.dtype == "int8":
        return False
    if options.backend == "torch" or options.dtype in ("float16", "bfloat16"):
        return True
    return options.device not in ("auto", "cpu") or (options.device == "auto" and _has_accelerator())


def require_device(options: ModelOptions) -> None:
    """Raise DeviceError when the device that was named is absent; to be asked before anything is downloaded."""
    if options.device in ("auto", "cpu"):
        return
    if not _has_accelerator():
        raise DeviceError(f"--device {options.device}: no such device on this machine; use --device cpu")
    from gptcli.engine.torch_backend import check_device

    check_device(options.device)


def thread_count(options: ModelOptions) -> int:
    """Return the CPU threads to use: as the options say, or OMP_NUM_THREADS, by which torch goes too, or one a core.

    Of several processes each takes its part of the cores; there launchers set OMP_NUM_THREADS by themselves, to 1.
    Raises ConfigError for more than processors: they stand in each other's way.
    """
    processors = os.cpu_count() or 1
    if options.threads is not None and options.threads > processors:
        raise ConfigError(f"--threads must be at most {processors}, the processors here, not {options.threads}")
    if options.threads is not None:
        return options.threads
    world, told = local_world(os.environ), number_in(os.environ, "OMP_NUM_THREADS")
    if told and world is None:
        return min(told, processors)
    return max(1, physical_cores() // (world or 1))


def physical_cores() -> int:
    """Return the number of cores that this process may use, hyper-threads counted once."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    cores = set()
    for cpu in allowed:
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.is_file() else cpu)
    return len(cores)


def _device(options: ModelOptions) -> tuple[str, str]:
    """Return the device and why it was chosen."""
    if options.device == "cpu":
        return "cpu", "the CPU, as asked"
    if options.device == "auto":
        if options.backend == "onnx" or options.dtype == "int8":
            return "cpu", "the CPU, where int8 and the onnx backend run"
        if not _has_accelerator():
            return "cpu", "the CPU: no GPU driver found"
        from gptcli.engine.torch_backend import default_device

        device = default_device()
        return device, f"{device}: chosen by accelerate"
    require_device(options)
    if options.device == "cuda" and local_world(os.environ) is not None:
        from gptcli.engine.torch_backend import own_gpu

        return own_gpu(), f"{options.device}, as asked, a GPU each process"
    return options.device, f"{options.device}, as asked"


def _has_accelerator() -> bool:
    """Return whether this machine may have a GPU: a driver's device file that is not hidden, or Apple's chip."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return not hidden and any(Path(name).exists() for name in DRIVER_FILES)


def _torch_placement(options: ModelOptions, device: str, reason: str) -> Placement:
    """Return the placement on torch, with the number type that the device is good at."""
    dtype = options.dtype
    if dtype == "auto":
        from gptcli.engine.torch_backend import has_bfloat16

        dtype = "bfloat16" if has_bfloat16(device) else "float32"
        reason += f"; {dtype}: " + ("compute capability 8.0 or later" if dtype == "bfloat16" else "exact everywhere")
    assert dtype != "int8"
    return Placement(backend="torch", device=device, dtype=dtype, reason=reason)
