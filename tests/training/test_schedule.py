"""The learning rate rises in a line, and then goes as its schedule says; torch and transformers have the same."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from gptcli.training.options import Schedule
from gptcli.training.schedule import DECAY_SHARE, lr_factor

SCHEDULES: tuple[Schedule, ...] = ("linear", "cosine", "constant", "wsd")


def factors(schedule: Schedule, warmup: float, steps: int) -> list[float]:
    """Return the factor of each step of a run that knows its length."""
    return [
        lr_factor(schedule, warmup, step=step, before=(step - 1) / steps, after=step / steps)
        for step in range(1, steps + 1)
    ]


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_without_a_warm_up_the_rate_falls_as_in_transformers(schedule: Schedule) -> None:
    make = get_linear_schedule_with_warmup if schedule == "linear" else get_cosine_schedule_with_warmup
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer, num_warmup_steps=0, num_training_steps=20)
    expected = []
    for _ in range(20):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    assert factors(schedule, 0.0, 20) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_warm_up_is_a_part_of_the_run_or_counts_steps(schedule: Schedule) -> None:
    rising = [0.25, 0.5, 0.75, 1.0]
    assert factors(schedule, 0.2, 20)[:4] == pytest.approx(rising)
    assert factors(schedule, 4.0, 2000)[:4] == pytest.approx(rising, rel=0.01)


def test_a_stable_rate_falls_in_the_last_fifth() -> None:
    found = factors("wsd", 0.1, 100)
    assert found[9:81] == pytest.approx([1.0] * 72)
    assert found[81:] == pytest.approx([(1 - step / 100) / DECAY_SHARE for step in range(81, 100)])
    assert factors("constant", 0.1, 100)[9:] == [1.0] * 91


@given(
    schedule=st.sampled_from(SCHEDULES),
    warmup=st.one_of(st.floats(0, 0.99), st.integers(1, 50)),
    steps=st.integers(1, 60),
)
def test_a_rate_rises_once_and_then_never_again(schedule: Schedule, warmup: float, steps: int) -> None:
    found = factors(schedule, warmup, steps)
    assert all(0 <= factor <= 1 for factor in found)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
