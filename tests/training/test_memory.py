"""--batch-size auto fills the memory that this process may take, and no more."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import torch

from gptcli.checkpoint.config import read_config
from gptcli.engine import load
from gptcli.training.footprint import estimate_memory
from gptcli.training.memory import LARGEST_BATCH, MEMORY_SHARE, largest_batch
from gptcli.training.options import TrainingOptions
from gptcli.training.processes import Processes

LONGEST = 40


def some(processes: int) -> Processes:
    """Return so many processes on a CPU, as they are seen when a batch is chosen."""
    return cast(Processes, SimpleNamespace(device=torch.device("cpu"), world=processes))


@pytest.mark.parametrize(("processes", "size"), [(1, 8), (2, 4), (16, 1)])
def test_the_processes_of_a_machine_divide_its_memory(
    builtin: Path, monkeypatch: pytest.MonkeyPatch, processes: int, size: int
) -> None:
    """Each of them took what was free for its own."""
    config, options = read_config(builtin), TrainingOptions()

    tokens = (8 if processes == 1 else 4) * LONGEST
    needed = estimate_memory(config, options, labels=None, tokens=tokens, longest=LONGEST, processes=processes).total
    room = needed * min(processes, 2) / MEMORY_SHARE
    monkeypatch.setattr(load, "_free_host_memory", lambda: int(room) + 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert largest_batch(config, options, some(processes), labels=None, longest=LONGEST) == size


def test_where_the_system_does_not_say_what_is_free_the_batch_is_the_largest(
    builtin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_free_host_memory", lambda: None)
    found = largest_batch(read_config(builtin), TrainingOptions(), some(1), labels=None, longest=LONGEST)
    assert found == LARGEST_BATCH
