"""What a process does whose launcher is gone."""

import os
import signal

import pytest

from gptcli.cli import orphans
from gptcli.cli.signals import StopRequest

NOBODY = -1
"""The number of no process."""


@pytest.mark.parametrize("asked", [0, 1])
def test_a_run_is_asked_to_stop_once(asked: int) -> None:
    """A launcher that got SIGTERM, and SIGKILL while they saved, had them end at once: that counted as a second one."""
    stop = StopRequest()
    for _ in range(asked):
        stop.ask(signal.SIGTERM)
    with stop.listening():
        orphans._end_after(NOBODY)
    assert stop.times == 1


def test_what_does_not_listen_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(orphans, "PARTING_SECONDS", 0)
    monkeypatch.setattr(os, "_exit", ended.append)
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        orphans._end_after(NOBODY)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == [143]
