"""The processes of a run, one or many: which of them this is, and what they must agree on. Stands on accelerate."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import (
    DistributedType,
    InitProcessGroupKwargs,
    broadcast_object_list,
    gather_object,
    parse_flag_from_env,
)
from numpy.typing import NDArray

from gptcli.engine.torch_backend import avoid_plans
from gptcli.engine.torch_memory import is_out_of_memory
from gptcli.errors import ConfigError, DeviceError, GptcliError, TrainingError
from gptcli.training.options import MixedPrecision, Tracker

T = TypeVar("T")

PATIENCE = timedelta(hours=24)
"""The others wait while the main process tokenizes a corpus; one that dies is noticed at once all the same."""
OUT_OF_MEMORY = "out of memory: lower --batch-size or --max-length, or give --gradient-checkpointing"


class Processes:
    """All processes of a run, seen from one of them."""

    def __init__(
        self, *, device: str, mixed_precision: MixedPrecision, report_to: Sequence[Tracker] = (), directory: str = "."
    ) -> None:
        """Join them; raises DeviceError for a device that cannot do it, ConfigError for an FSDP that we cannot do."""
        if device.startswith("cuda:"):
            torch.cuda.set_device(torch.device(device))
        # Of a run before in this process, which had options and a device of its own.
        AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
        try:
            self.accelerator = Accelerator(
                # Processes on a CPU are joined only where accelerate is told that it is one.
                cpu=device == "cpu" or not torch.accelerator.is_available(),
                mixed_precision=mixed_precision,
                log_with=list(report_to) or None,
                kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
                project_dir=directory,
            )
        except (RuntimeError, ValueError) as error:
            raise DeviceError(f"--mixed-precision {mixed_precision} on {device}: {error}") from error
        if mixed_precision == "fp16" and self.device.type == "cpu":  # accelerate would compute in float32
            raise DeviceError("--mixed-precision fp16 needs a GPU: on a CPU leave it out, or give bf16")
        if parse_flag_from_env("ACCELERATE_USE_FSDP"):
            _settle_fsdp(self.accelerator)
        avoid_plans()
        # accelerate's configuration may name another number, by which it would divide the loss: the loop has its own.
        self.accelerator.gradient_accumulation_steps = 1

    @property
    def world(self) -> int:
        """Return how many there are."""
        return int(self.accelerator.num_processes)

    @property
    def rank(self) -> int:
        """Return the number of this one, from 0."""
        return int(self.accelerator.process_index)

    @property
    def is_main(self) -> bool:
        """Return whether this is the one that writes."""
        return bool(self.accelerator.is_main_process)

    @property
    def device(self) -> torch.device:
        """Return where this one computes."""
        device: torch.device = self.accelerator.device
        return device

    def total(self, values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of numbers over all processes, in float64 where the device has it."""
        array = np.asarray(values, dtype=np.float64)
        if self.world == 1:
            return array
        dtype = torch.float32 if self.device.type == "mps" else torch.float64
        summed: torch.Tensor = self.accelerator.reduce(torch.from_numpy(array).to(self.device, dtype), "sum")
        return summed.cpu().double().numpy()

    def gathered(self, values: Sequence[T]) -> list[T]:
        """Return the values of all processes, one process after the other, in all of them."""
        return cast(list[T], gather_object(list(values)))

    def told_by_main(self, value: T) -> T:
        """Return the main process's value in all of them."""
        return cast(T, broadcast_object_list([value])[0]) if self.world > 1 else value

    def by_main(self, work: Callable[[], T]) -> T:
        """Return what work does in the main process, and raise in all of them what it raises of ours."""
        result: T | None = None
        problem: GptcliError | None = None
        if self.is_main:
            try:
                result = work()
            except GptcliError as error:
                problem = error
        result, problem = self.told_by_main((result, problem))
        if problem is not None:
            raise problem
        return cast(T, result)

    def unsynced(self, model: torch.nn.Module, *, last: bool) -> AbstractContextManager[Any]:
        """Return a context in which gradients are kept to this process unless the micro-batch is the last."""
        return nullcontext() if last else self.accelerator.no_sync(model)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Raise DeviceError where memory is out, TrainingError where another process has ended without a word."""
        try:
            yield
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise DeviceError(OUT_OF_MEMORY) from error
            if self.world == 1 or not _is_lost_connection(error):
                raise
            raise TrainingError("the connection to another process is lost: see why that one ended") from error


def _settle_fsdp(accelerator: Accelerator) -> None:
    """Refuse what accelerate would do without; have the tied head stay tied, and sums stay in float32."""
    if accelerator.distributed_type != DistributedType.FSDP:
        raise DeviceError(
            "FSDP needs GPUs: on a CPU accelerate gives each process the whole model; leave FSDP out of its config"
        )
    plugin = accelerator.state.fsdp_plugin
    if plugin.fsdp_version != 2:
        raise ConfigError(f"FSDP needs fsdp_version: 2 in accelerate's config, not {plugin.fsdp_version}")
    # It would make the model anew from an empty one, whose head is no longer the embedding and is never learned. There
    # is nothing to save: every process has read the weights already.
    plugin.cpu_ram_efficient_loading = False
    if plugin.mixed_precision_policy is not None:  # it sums gradients and rounds losses in 16 bits
        policy = replace(plugin.mixed_precision_policy, reduce_dtype=torch.float32, output_dtype=None)
        plugin.mixed_precision_policy = policy


def _is_lost_connection(error: RuntimeError) -> bool:
    """Return whether an error is one of torch's backends that a process has gone: gloo has no class for it."""
    return isinstance(error, torch.distributed.DistError) or "gloo/transport" in str(error)
