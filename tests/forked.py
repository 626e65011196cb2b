"""Run command lines in forks of one process that has torch imported already: a trial costs a fraction of a second.

The process is a fresh one with no threads, which could not be forked: what other tests started stays out of it.
"""

import glob
import importlib
import json
import os
import resource
import select
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from gptcli.__main__ import main

PATIENCE_SECONDS = 60
"""Longer than any run here takes."""
_IMPORTED = (
    "gptcli.cli.finetune",
    "gptcli.cli.pretrain",
    "gptcli.cli.training",
    "gptcli.tasks.finetune",
    "gptcli.tasks.pretrain",
    "gptcli.tasks.pretraining",
    "gptcli.tasks.tuning",
    "gptcli.training.lora",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
)
"""What a run would spend its time on."""
_LOOK_SECONDS = 0.001
"""Between two looks for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A command line, and what happens to it."""

    arguments: list[str]
    environment: dict[str, str]
    signals: tuple[int, ...] = ()
    """What it is sent, all at once: one of a kind, since two of the same may come as one."""
    file: str | None = None
    """They are sent once a file of this pattern is there,"""
    after: float = 0.0
    """so many seconds later."""
    most_file_bytes: int | None = None
    """As a disk that is full has it: no file grows beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it ended; a code below 0 is the signal that killed it."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forks:
    """The process that forks."""

    requests: IO[str]
    answers: IO[str]
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, line: str, **changes: Any) -> Ended:
        """Run a command line to its end; keywords are the fields of Trial."""
        trial = Trial(arguments=shlex.split(line), environment=self.environment, **changes)
        self.requests.write(json.dumps(asdict(trial)) + "\n")
        self.requests.flush()
        return Ended(**json.loads(self.answers.readline()))


@contextmanager
def forks(**environment: str) -> Iterator[Forks]:
    """Start the process, and end it with the block; its runs compute with one thread."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **one_thread, **environment},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Forks(requests=process.stdin, answers=process.stdout, environment=environment)
        finally:
            process.kill()


def _serve() -> None:
    """Answer each line of standard input, a trial, with a line of how it ended."""
    for name in _IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        ended = _tried(Trial(**json.loads(line)))
        print(json.dumps(asdict(ended)), flush=True)  # noqa: T201


def _tried(trial: Trial) -> Ended:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Only the child holds the other end, which is closed when it ends.
        life, held = os.pipe()
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            _become(trial, out.fileno(), err.fileno())
        os.close(held)
        _disturb(trial, child, life)
        if not _ends(life, PATIENCE_SECONDS):
            os.kill(child, signal.SIGKILL)
        os.close(life)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        seconds = time.monotonic() - began
        return Ended(code=code, out=_whole(out), err=_whole(err), seconds=seconds)


def _become(trial: Trial, out: int, err: int) -> None:
    """Run the command line as if this were a process of its own."""
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
    os.environ.update(trial.environment)
    if trial.most_file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (trial.most_file_bytes, trial.most_file_bytes))
    sys.argv = ["gptcli", *trial.arguments]
    main()


def _disturb(trial: Trial, child: int, life: int) -> None:
    """Send the signals when their time has come, unless the run has ended before."""
    if not trial.signals:
        return
    while trial.file is not None and not glob.glob(trial.file):
        if _ends(life, _LOOK_SECONDS):
            return
    if _ends(life, trial.after):
        return
    for number in trial.signals:
        os.kill(child, number)


def _ends(life: int, seconds: float) -> bool:
    return bool(select.select([life], [], [], seconds)[0])


def _whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    _serve()
