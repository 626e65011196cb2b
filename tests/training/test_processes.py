"""Processes: what they refuse before they are joined."""

import pytest

from gptcli.errors import MissingExtraError
from gptcli.training import processes


def test_a_tracker_that_is_not_installed_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "get_available_trackers", list)

    with pytest.raises(MissingExtraError, match="--report-to wandb needs wandb: pip install wandb"):
        processes.Processes(device="cpu", mixed_precision="no", report_to=("wandb",))
