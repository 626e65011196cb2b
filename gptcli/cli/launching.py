"""Start the same command line in several processes on this machine, and end as they end.

The first one has this process's standard output and error. What the others say is kept, and shown where it is the
reason of the end: an error that all of them see is said once, by the first.
"""

import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from gptcli.cli.orphans import LAUNCHER, PARTING_SECONDS
from gptcli.errors import ExitCode, GptcliError
from gptcli.tasks.sharing import MEETING_PLACE

AGREEMENT_SECONDS = 5.0
"""How long the others may take to fail alike once one has failed."""
POLL_SECONDS = 0.05
MOST_SIGNALS = 3
"""The first lets them end well, the second at once; whoever sends a third sees them killed."""
LAST_LINES = 20
LOST = 76
"""What a process ends with in silence that has lost another: its end says why, and is told here."""
_INPUT = "input"
_MEETING = "meeting"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process of the run."""

    rank: int
    process: subprocess.Popen[bytes]
    said: Path
    """What it wrote to standard error; of the first, which writes to ours, nothing."""


class Signals:
    """Sends each SIGINT, SIGTERM and SIGHUP on to all processes that still run, and remembers that there was one."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.count = 0
        self._children = children

    @contextmanager
    def passed_on(self) -> Iterator[None]:
        """Do so for a while; a signal that is ignored, as nohup does, stays so."""
        wanted = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self._pass_on) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        for child in self._children:
            child.process.send_signal(number if self.count < MOST_SIGNALS else signal.SIGKILL)


def launch(
    arguments: Sequence[str],
    count: int,
    environment: Mapping[str, str],
    stdin: BinaryIO | None,
    *,
    killed: type[GptcliError],
) -> tuple[int, list[str]]:
    """Run gptcli with these arguments in so many processes; return the exit code and what is left to be said.

    Each reads a copy of stdin, where there is one. Raises killed when one was.
    """
    with tempfile.TemporaryDirectory(prefix="gptcli-") as directory, ExitStack() as stack:
        place = Path(directory)
        if stdin is not None:
            with open(place / _INPUT, "wb") as file:
                shutil.copyfileobj(stdin, file)
        children: list[Child] = []
        stack.callback(_end, children)
        signals = Signals(children)
        with signals.passed_on():
            environment = {
                **environment,
                "MASTER_PORT": str(_free_port()),
                MEETING_PLACE: str(place / _MEETING),
                LAUNCHER: str(os.getpid()),
            }
            for rank in range(count):
                children.append(_start(arguments, _environment(environment, rank, count), rank, place))
            failed = _first_to_fail(children)
            if failed is None:
                return ExitCode.OK, []
            failed = _let_agree(children, failed)
        code = failed.process.returncode
        if code < 0 and signals.count:  # before it could answer the signal
            return 128 - code, []
        if code < 0:
            raise killed(
                f"process {failed.rank} of {count} was killed by {signal.Signals(-code).name}: "
                "if memory ran out, lower --batch-size"
            )
        return code, _unsaid(children, failed)


def _environment(base: Mapping[str, str], rank: int, count: int) -> dict[str, str]:
    """Return what torch.distributed reads, as torchrun sets it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "OMP_NUM_THREADS": str(max(1, cores // count)),
        **base,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
    }


def _start(arguments: Sequence[str], environment: Mapping[str, str], rank: int, place: Path) -> Child:
    said = place / f"said-by-{rank}"
    source = place / _INPUT
    # Each opens the input anew: a shared handle would have one place in the file for all.
    with open(source if source.exists() else os.devnull, "rb") as stdin, open(said, "wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "gptcli", *arguments],
            env=environment,
            stdin=stdin,
            stdout=subprocess.DEVNULL if rank else None,
            stderr=stderr if rank else None,
            # Out of reach of the terminal's Ctrl-C, which would come twice: from it and from us.
            start_new_session=True,
        )
    return Child(rank=rank, process=process, said=said)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def _first_to_fail(children: Sequence[Child]) -> Child | None:
    """Wait until one fails, and return it, or until all are done."""
    while True:
        codes = [child.process.poll() for child in children]
        for child, code in zip(children, codes, strict=True):
            if code:
                return child
        if all(code == 0 for code in codes):
            return None
        time.sleep(POLL_SECONDS)


def _let_agree(children: Sequence[Child], failed: Child) -> Child:
    """Wait for the others to fail alike, and return the one that is the reason.

    Those that were asked to stop may take the time to save. Else the wait is short, as after one that was killed, which
    the others miss and then say how to go on: one may wait for the one that is gone for ever.
    """
    stopped = failed.process.returncode in (ExitCode.INTERRUPTED, ExitCode.TERMINATED)
    until = math.inf if stopped else time.monotonic() + AGREEMENT_SECONDS
    while time.monotonic() < until and any(child.process.poll() is None for child in children):
        time.sleep(POLL_SECONDS)
    return _reason(children, failed)


def _reason(children: Sequence[Child], failed: Child) -> Child:
    """Return the process that is the reason of the end: one that was killed, before one that failed, before others.

    What one of them meets alone shows in the others as a connection that is lost, which while training is a
    TrainingError.
    """
    codes = [child.process.poll() or 0 for child in children]
    killed = (child for child, code in zip(children, codes, strict=True) if code < 0)
    alone = (child for child, code in zip(children, codes, strict=True) if code not in (0, ExitCode.TRAINING, LOST))
    return next(killed, next(alone, failed))


def _unsaid(children: Sequence[Child], failed: Child) -> list[str]:
    """Return what the first process has not said of why the run failed."""
    if children[0].process.poll() == failed.process.returncode:
        return []
    return failed.said.read_text(errors="replace").splitlines()[-LAST_LINES:]


def _end(children: Sequence[Child]) -> None:
    """End the processes that still run, kindly and then not."""
    for child in children:
        child.process.terminate()
    until = time.monotonic() + PARTING_SECONDS
    for child in children:
        try:
            child.process.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
