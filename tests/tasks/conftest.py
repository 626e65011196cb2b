"""What the tests of tasks share."""

from typing import Any

import pytest

from gptcli.tasks import tuning
from gptcli.training.objectives import Objective
from gptcli.training.session import Ended


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Objective]:
    """Collect the models of runs as they are when they are saved."""
    found: list[Objective] = []
    leave = tuning.leave

    def collecting(ended: Ended, *arguments: Any, **named: Any) -> Any:
        found.append(ended.run.objective.eval())
        return leave(ended, *arguments, **named)

    monkeypatch.setattr(tuning, "leave", collecting)
    return found
