"""How fast a run would be is seen from some batches, by one clock for all processes."""

from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from gptcli.training import speed
from gptcli.training.batches import Batch, Example, Sequence
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes

T = TypeVar("T")


class Rows:
    """Rows of three tokens each."""

    items = 40

    def sequences(self, chosen: np.ndarray) -> list[Sequence]:
        tokens = np.arange(3, dtype=np.int32)
        return [(Example(tokens, tokens, None, ""),) for _ in chosen]

    def items_per_sequence(self) -> float:
        return 1.0


class Counting(torch.nn.Module):
    """Counts the batches that it learns from."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.batches = 0

    def forward(self, batch: Batch) -> torch.Tensor:
        self.batches += 1
        return self.weight * batch.tokens


class Another(Processes):
    """A process that is not the main one, whose clock says something else."""

    def __init__(self, *, main_has_enough: bool) -> None:
        super().__init__(device="cpu", mixed_precision="no")
        self._main_has_enough: Any = main_has_enough

    def told_by_main(self, value: T) -> T:
        return self._main_has_enough


@pytest.mark.parametrize(("main_has_enough", "batches"), [(True, 2), (False, 1 + speed.MOST_BATCHES)])
def test_all_processes_end_by_the_main_ones_clock(
    monkeypatch: pytest.MonkeyPatch, main_has_enough: bool, batches: int
) -> None:
    """Each ended by its own: one that went on alone waited for the gradients of the others for ever."""
    monkeypatch.setattr(speed, "ENOUGH_SECONDS", 100.0 if main_has_enough else 0.0)
    objective: Any = Counting()
    processes = Another(main_has_enough=main_has_enough)
    found = speed.seconds_per_token(objective, Rows(), TrainingOptions(batch_size=2), processes, num_labels=None)
    assert found > 0
    assert objective.batches == batches
    assert objective.weight.grad is None
