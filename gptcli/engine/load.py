"""From a model's name to an engine that is ready: locate, check, place, open."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from gptcli.checkpoint.config import ModelConfig, read_config
from gptcli.checkpoint.head import refuse_classifier
from gptcli.checkpoint.locate import Located
from gptcli.checkpoint.tokenizer import Tokenizer, load_tokenizer
from gptcli.checkpoint.weights import Weights, open_weights
from gptcli.engine.backend import Backend
from gptcli.engine.engine import Engine
from gptcli.engine.neighbours import local_world
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement, choose_placement, thread_count
from gptcli.errors import ConfigError

CPU_SLOTS = 32
"""Sequences together on a CPU: from here on a step's time grows with the rows, so more would gain nothing."""
GPU_SLOTS = 128
MEMORY_SHARE = 0.5
"""Part of the free memory that full caches may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model that is ready to run."""

    name: str
    directory: Path
    dtype: str
    config: ModelConfig
    tokenizer: Tokenizer
    engine: Engine
    description: str
    """What was chosen and why, for --verbose."""


def load_model(located: Located, options: ModelOptions, *, least_slots: int) -> LoadedModel:
    """Open a located model; raise ModelError, DeviceError or ConfigError.

    The batch size is options.batch_size or chosen by free memory, and at least least_slots, the beams of a search.
    """
    config = read_config(located.directory)
    placement = choose_placement(options, config.head_dim)
    weights = open_weights(located.directory, config)
    refuse_classifier(located.name, weights)
    threads = thread_count(options)
    if options.batch_size is not None and options.batch_size < least_slots:
        raise ConfigError(f"--num-beams {least_slots} needs --batch-size {least_slots} or more")
    slots = options.batch_size or max(least_slots, _slots_by_memory(config, placement))
    with ThreadPoolExecutor(1) as pool:
        tokenizer = pool.submit(load_tokenizer, located.directory, config)
        backend = _open_backend(config, weights, placement, slots, threads)
    engine = Engine(backend, tokenizer.result().token_bytes, config.eos_token_ids)
    description = (
        f"{located.name} from {located.directory}; {placement.backend} backend on {placement.reason}; "
        f"{placement.dtype}, {threads} threads, up to {slots} {'sequence' if slots == 1 else 'sequences'} at once"
    )
    return LoadedModel(
        name=located.name,
        directory=located.directory,
        dtype=placement.dtype,
        config=config,
        tokenizer=tokenizer.result(),
        engine=engine,
        description=description,
    )


def _open_backend(config: ModelConfig, weights: Weights, placement: Placement, slots: int, threads: int) -> Backend:
    """Open the backend that was chosen; torch is imported only for its own."""
    if placement.backend == "torch":
        from gptcli.engine.torch_backend import open_torch_backend

        return open_torch_backend(config, weights, placement, slots=slots, threads=threads)
    from gptcli.engine.onnx.backend import OnnxBackend

    return OnnxBackend(config, weights, slots=slots, threads=threads, quantized=placement.dtype == "int8")


def _slots_by_memory(config: ModelConfig, placement: Placement) -> int:
    """Return how many sequences of full length fit into half of the free memory, up to a useful number."""
    item_bytes = 4 if placement.dtype in ("float32", "int8") else 2
    slot_bytes = 2 * config.n_layer * config.n_embd * config.n_positions * item_bytes
    if placement.device == "cpu":
        most, free = CPU_SLOTS, _own_host_memory()
    else:
        from gptcli.engine.torch_backend import free_memory

        most, free = GPU_SLOTS, free_memory(placement.device)
    return most if free is None else max(1, min(most, int(free * MEMORY_SHARE) // slot_bytes))


def _own_host_memory() -> int | None:
    """Return this process's part of the memory that is available, of several on this machine."""
    free = free_host_memory()
    return None if free is None else free // (local_world(os.environ) or 1)


def free_host_memory() -> int | None:
    """Return the bytes of memory that are available, or None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None
