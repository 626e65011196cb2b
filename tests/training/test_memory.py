"""--batch-size auto fills the memory that this process may take, and no more."""

from pathlib import Path

import pytest
import torch

from gptcli.checkpoint.config import read_config
from gptcli.engine import load
from gptcli.training.footprint import estimate_memory
from gptcli.training.memory import LARGEST_BATCH, MEMORY_SHARE, largest_batch
from gptcli.training.options import TrainingOptions

LONGEST = 40


@pytest.mark.parametrize(("processes", "size"), [(1, 8), (2, 4), (16, 1)])
def test_the_processes_of_a_machine_divide_its_memory(
    builtin: Path, monkeypatch: pytest.MonkeyPatch, processes: int, size: int
) -> None:
    """Each of them took what was free for its own."""
    config, options = read_config(builtin), TrainingOptions()

    def needed(sequences: int) -> int:
        return estimate_memory(config, options, labels=None, tokens=sequences * LONGEST, longest=LONGEST).total

    room = needed(4) * 2 / MEMORY_SHARE if processes > 1 else needed(8) / MEMORY_SHARE
    monkeypatch.setattr(load, "_free_host_memory", lambda: int(room) + 2)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    device = torch.device("cpu")
    assert largest_batch(config, options, labels=None, longest=LONGEST, device=device) == size


def test_where_the_system_does_not_say_what_is_free_the_batch_is_the_largest(
    builtin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "_free_host_memory", lambda: None)
    config, device = read_config(builtin), torch.device("cpu")
    found = largest_batch(config, TrainingOptions(), labels=None, longest=LONGEST, device=device)
    assert found == LARGEST_BATCH
