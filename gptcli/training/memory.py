"""How much memory there is, and how much training has taken."""

import re
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from gptcli.checkpoint.config import ModelConfig
from gptcli.engine.load import own_host_memory
from gptcli.training.footprint import estimate_memory
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes

LARGEST_BATCH = 64
"""Sequences that --batch-size auto tries at most: from here on a step only gets longer."""
MEMORY_SHARE = 0.8
"""Part of the free memory that --batch-size auto fills; the estimate is 0.9 to 1.1 of the truth."""


def peak_memory(device: torch.device) -> int:
    """Return the most bytes that this process has held, on its GPU where it has one."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "linux":
        # getrusage's figure is passed on by a parent that was larger before it became this program.
        found = re.search(r"^VmHWM:\s*(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS


def with_batch_size(
    options: TrainingOptions,
    config: ModelConfig,
    processes: Processes,
    *,
    labels: int | None,
    longest: Callable[[], int],
) -> TrainingOptions:
    """Return the options with --batch-size auto settled, the same in all processes.

    longest returns the tokens of the longest sequence; the main process alone calls it, and only for auto.
    """
    if options.batch_size != "auto":
        return options
    length = processes.by_main(longest)
    size = largest_batch(config, options, processes, labels=labels, longest=length)
    return replace(options, batch_size=min(processes.gathered([size])))


def largest_batch(
    config: ModelConfig, options: TrainingOptions, processes: Processes, *, labels: int | None, longest: int
) -> int:
    """Return the largest power of two of sequences, up to LARGEST_BATCH, that is estimated to fit in this process."""
    device = processes.device
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else own_host_memory()
    size = LARGEST_BATCH
    while size > 1 and free is not None:
        needed = estimate_memory(
            config, options, labels=labels, tokens=size * longest, longest=longest, processes=processes.world
        )
        if needed.total <= free * MEMORY_SHARE:
            break
        size //= 2
    return size
