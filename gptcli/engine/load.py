"""Open a model in an engine that is ready to write."""

import os
from dataclasses import dataclass
from functools import partial

from gptcli.checkpoint.config import ModelConfig
from gptcli.checkpoint.head import refuse_classifier
from gptcli.checkpoint.locate import Located
from gptcli.engine.backend import Backend
from gptcli.engine.engine import Engine
from gptcli.engine.neighbours import local_world
from gptcli.engine.opening import Loaded, Opening, opening
from gptcli.engine.options import ModelOptions
from gptcli.engine.placement import Placement
from gptcli.errors import ConfigError

CPU_SLOTS = 32
"""Sequences together on a CPU: from here on a step's time grows with the rows, so more would gain nothing."""
GPU_SLOTS = 128
MEMORY_SHARE = 0.5
"""Part of the free memory that full caches may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel(Loaded):
    """A model that is ready to write."""

    engine: Engine


def load_model(located: Located, options: ModelOptions, *, least_slots: int) -> LoadedModel:
    """Open a located model; raise ModelError, DeviceError or ConfigError.

    The batch size is options.batch_size or chosen by free memory, and at least least_slots, the beams of a search.
    """
    checked = opening(located, options)
    refuse_classifier(located.name, checked.weights)
    if options.batch_size is not None and options.batch_size < least_slots:
        raise ConfigError(f"--num-beams {least_slots} needs --batch-size {least_slots} or more")
    slots = options.batch_size or max(least_slots, _slots_by_memory(checked.config, checked.placement))
    tokenizer, backend = checked.beside_tokenizer(partial(_open_backend, slots))
    return LoadedModel(
        name=located.name,
        directory=located.directory,
        dtype=checked.placement.dtype,
        config=checked.config,
        tokenizer=tokenizer,
        description=f"{checked.description}, up to {slots} {'sequence' if slots == 1 else 'sequences'} at once",
        engine=Engine(backend, tokenizer.token_bytes, checked.config.eos_token_ids),
    )


def _open_backend(slots: int, model: Opening) -> Backend:
    """Open the backend that was chosen; torch is imported only for its own."""
    if model.placement.backend == "torch":
        from gptcli.engine.torch_backend import open_torch_backend

        return open_torch_backend(model, slots=slots)
    from gptcli.engine.onnx.backend import OnnxBackend

    return OnnxBackend(model.config, model.weights, slots=slots, threads=model.threads, quantized=model.quantized)


def _slots_by_memory(config: ModelConfig, placement: Placement) -> int:
    """Return how many sequences of full length fit into half of the free memory, up to a useful number."""
    item_bytes = 4 if placement.dtype in ("float32", "int8") else 2
    slot_bytes = 2 * config.n_layer * config.n_embd * config.n_positions * item_bytes
    if placement.device == "cpu":
        most, free = CPU_SLOTS, own_host_memory()
    else:
        from gptcli.engine.torch_backend import free_memory

        most, free = GPU_SLOTS, free_memory(placement.device)
    return most if free is None else max(1, min(most, int(free * MEMORY_SHARE) // slot_bytes))


def own_host_memory() -> int | None:
    """Return this process's part of the memory that is available, of several on this machine."""
    free = _free_host_memory()
    return None if free is None else free // (local_world(os.environ) or 1)


def _free_host_memory() -> int | None:
    """Return the bytes of memory that are available, or None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None
