"""A minute of 64 clients that leave, send nonsense or read slowly: nothing is lost, and nothing stays behind."""

import asyncio
import re
import signal
import time
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.command import started
from tests.serving.generated import written
from tests.serving.load import KINDS, Outcome, besiege, orders

CLIENTS = 64
WARM_UP_SECONDS, SECONDS = 8.0, 60.0
MOST_GROWTH = 24 * 1024**2
"""Bytes of resident memory that a minute may add, some 10 kB for each of its requests: less than one holds."""
QUIET_SECONDS = 20
"""How long what nobody waits for any more may take to be gone."""
GAUGES = ("gptcli_running_sequences", "gptcli_waiting_sequences", "gptcli_inspections")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_64_clients_for_a_minute_lose_nothing_leak_nothing_and_get_what_generate_writes() -> None:
    with started("serve -m builtin --port 0 --device cpu --max-concurrent 32 --queue 80") as process:
        (found,) = re.findall(rb"at (http://[^:]+:(\d+)/)", process.stderr.readline())
        url, port = found[0].decode(), int(found[1])
        server = psutil.Process(process.popen.pid)
        asyncio.run(besiege(port, CLIENTS, WARM_UP_SECONDS, seed=0))
        wait_until(lambda: is_idle(url))
        files, memory = server.num_fds(), server.memory_info().rss
        outcome = asyncio.run(besiege(port, CLIENTS, SECONDS, seed=1))
        wait_until(lambda: is_idle(url) and server.num_fds() <= files)
        grown = server.memory_info().rss - memory
        process.popen.send_signal(signal.SIGTERM)
        ended = process.end()
    assert (ended.code, ended.out) == (143, b"")
    assert not [line for line in ended.err.splitlines() if "error" in line or "bug" in line or "warning" in line]
    assert outcome.faults == []
    assert {name.partition(":")[0] for name in outcome.counts} == {*KINDS, "full"}
    assert grown < MOST_GROWTH, f"{grown / 1e6:.1f} MB more after {sum(outcome.counts.values())} requests"
    expect_what_generate_writes(outcome)


def expect_what_generate_writes(outcome: Outcome) -> None:
    """Hold every answer that was given whole to the task."""
    assert len(outcome.answers) == len(orders())
    for order in orders():
        expected = tuple(written(order.prompts, order.seed, order.samples, order.options))
        assert outcome.answers[order.number] == {expected}, order


def is_idle(url: str) -> bool:
    """Return whether the server has nothing to do for anybody."""
    lines = httpx.get(f"{url}metrics", headers={"Connection": "close"}, timeout=60).text.splitlines()
    figures = {name: value for name, _, value in (line.partition("{") for line in lines) if name in GAUGES}
    return len(figures) == len(GAUGES) and all(value.endswith("} 0.0") for value in figures.values())


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which must not take long."""
    deadline = time.monotonic() + QUIET_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
