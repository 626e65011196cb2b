"""Start command lines that are done by several processes, and look at how they end."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PATIENCE_SECONDS = 60
"""Longer than any run here takes: a test that would hang fails."""
_LAUNCHER = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A directory with rows and models in it."""

    directory: Path

    def start(self, module: Sequence[str], line: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a Python module with gptcli's arguments."""
        plain = {name: value for name, value in os.environ.items() if name not in _LAUNCHER}
        return subprocess.Popen(
            [sys.executable, "-m", *module, *line.split()],
            cwd=self.directory,
            env={**plain, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, line: str, stdin: bytes = b"", *, module: Sequence[str] = ("gptcli",), **environment: str) -> Ended:
        """Run it to its end."""
        return ended(self.start(module, line, **environment), stdin)

    def alone_and_shared(self, line: str, stdin: bytes = b"") -> tuple[Ended, Ended]:
        """Run it in one process and in two."""
        return self.run(line, stdin), self.run(f"{line} --num-processes 2", stdin)


def ended(process: subprocess.Popen[bytes], stdin: bytes = b"") -> Ended:
    """Wait for the end of a process, or kill it and those that it started."""
    try:
        out, err = process.communicate(stdin, timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        for each in (*psutil.Process(process.pid).children(recursive=True), process):
            each.kill()
        process.communicate()
        raise
    return Ended(code=process.returncode, out=out, err=err.decode())


def ranks(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes that a launcher has started, in order."""
    return sorted(psutil.Process(process.pid).children(), key=lambda child: int(child.environ()["RANK"]))
