"""Memory that runs out while a model trains is told in one line that names what to lower."""

from pathlib import Path

import pytest
import torch

from gptcli.errors import DeviceError
from gptcli.training.objectives import NextToken
from tests.tuning import tune, write_rows

SAYINGS = {
    "a GPU": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "a GPU that others fill": RuntimeError("CUDA error: out of memory"),
    "a CPU": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("full", SAYINGS)
def test_it_is_no_bug_and_names_what_to_lower(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str, dry_run: bool
) -> None:
    def loss(*_: object) -> torch.Tensor:
        raise SAYINGS[full]

    monkeypatch.setattr(NextToken, "loss", loss)
    data = write_rows(tmp_path / "data.jsonl", [{"text": f"row {n}"} for n in range(12)])
    with pytest.raises(DeviceError, match=r"^out of memory: lower --batch-size or --max-length, or give --gradient-ch"):
        tune(data, tmp_path / "out", tiny, max_steps=1, dry_run=dry_run)


def test_another_error_of_torch_is_not_taken_for_it(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss(*_: object) -> torch.Tensor:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(NextToken, "loss", loss)
    data = write_rows(tmp_path / "data.jsonl", [{"text": f"row {n}"} for n in range(12)])
    with pytest.raises(RuntimeError, match="shapes cannot"):
        tune(data, tmp_path / "out", tiny, max_steps=1)
