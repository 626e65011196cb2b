"""The processes of a run, one or many: which of them this is, and what they must agree on. Stands on accelerate."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar, cast

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.tracking import get_available_trackers
from accelerate.utils import InitProcessGroupKwargs, broadcast_object_list
from numpy.typing import NDArray

from gptcli.errors import DeviceError, GptcliError, MissingExtraError
from gptcli.training.options import MixedPrecision, Tracker

T = TypeVar("T")

PATIENCE = timedelta(hours=24)
"""The others wait while the main process tokenizes a corpus; one that dies is noticed at once all the same."""


class Processes:
    """All processes of a run, seen from one of them."""

    def __init__(
        self, *, device: str, mixed_precision: MixedPrecision, report_to: Sequence[Tracker] = (), directory: str = "."
    ) -> None:
        """Join them; raises DeviceError for a device that torch cannot use, MissingExtraError for an absent tracker."""
        for tracker in report_to:
            if tracker not in get_available_trackers():  # accelerate would leave it out in silence
                raise MissingExtraError(f"--report-to {tracker} needs {tracker}: pip install {tracker}")
        if device.startswith("cuda:"):
            torch.cuda.set_device(torch.device(device))
        AcceleratorState._reset_state()  # of a run before in this process, which had options of its own
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
