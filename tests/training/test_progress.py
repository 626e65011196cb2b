"""A run ends by the first of its limits and says which; evaluations and checkpoints fall due by steps or by parts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.training.checkpoints import RunState
from gptcli.training.options import TrainingOptions
from gptcli.training.progress import Limits, is_due


@pytest.mark.parametrize(
    ("options", "done", "reason"),
    [
        ({"epochs": 3.0}, 0.5, "3 epochs"),
        ({"epochs": 1.5}, 1.0, "1.5 epochs"),
        ({"max_steps": 1000}, 0.5, "3 epochs"),
        ({"max_steps": 500}, 1.0, "--max-steps 500"),
        ({"epochs": None, "max_steps": 2000}, 0.25, "--max-steps 2,000"),
        ({"epochs": None, "max_tokens": 40_000}, 0.75, "--max-tokens 40,000"),
        ({"epochs": None, "max_time": 120.0}, 0.5, "--max-time 120 seconds"),
        ({"max_time": 60.0, "max_tokens": 40_000}, 1.0, "--max-time 60 seconds"),
    ],
)
def test_the_nearest_limit_says_how_far_a_run_is(options: dict[str, Any], done: float, reason: str) -> None:
    limits = Limits(TrainingOptions(**options))
    state = RunState(step=500, epochs=1.5, tokens=30_000, seconds=60.0, identity={})
    assert limits.progress(state) == done
    assert limits.reason(state) == reason


@given(parts=st.integers(2, 60), steps=st.integers(1, 200))
def test_each_part_of_a_run_is_due_once_and_its_end_always(parts: int, steps: int) -> None:
    due = [step for step in range(1, steps + 1) if is_due(1 / parts, (step - 1) / steps, step / steps, step)]
    assert len(due) == min(parts, steps)
    assert due[-1] == steps


def test_from_1_on_an_interval_counts_steps() -> None:
    due = [step for step in range(1, 11) if is_due(4.0, (step - 1) / 10, step / 10, step)]
    assert due == [4, 8, 10]
    assert [step for step in range(1, 4) if is_due(1.0, (step - 1) / 3, step / 3, step)] == [1, 2, 3]
