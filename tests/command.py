"""Run command lines with the model that ships: in this process where that will do, in one of their own elsewhere."""

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO, StringIO
from typing import IO

from gptcli.cli.console import Console
from gptcli.cli.main import run

PATIENCE_SECONDS = 60
"""Longer than any process here takes: a test that would hang fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process and its pipes."""

    popen: subprocess.Popen[bytes]
    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]

    def feed(self, data: bytes) -> None:
        """Give it a part of its input."""
        self.stdin.write(data)
        self.stdin.flush()

    def end(self, data: bytes = b"") -> Ended:
        """Give it the rest of its input, and wait for its end."""
        out, err = self.popen.communicate(data, timeout=PATIENCE_SECONDS)
        return Ended(code=self.popen.returncode, out=out, err=err.decode())


class Screen(StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


class ScreenOutput(BytesIO):
    """A standard output that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def gptcli(line: str, stdin: bytes = b"", stderr: StringIO | None = None) -> Ended:
    """Run a command line in this process."""
    stdout, stderr = BytesIO(), stderr or StringIO()
    console = Console(stdin=BytesIO(stdin), stdout=stdout, stderr=stderr, environment={})
    code = run(shlex.split(line), console)
    return Ended(code=code, out=stdout.getvalue(), err=stderr.getvalue())


@contextmanager
def started(line: str, *, most_file_bytes: int | None = None, **environment: str) -> Iterator[Process]:
    """Start a command line in a process of its own, which does not outlive the block; its streams are pipes."""

    def limit_file_size() -> None:
        import resource

        if most_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    with subprocess.Popen(
        [sys.executable, "-m", "gptcli", *shlex.split(line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
        preexec_fn=limit_file_size,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            yield Process(popen=process, stdin=process.stdin, stdout=process.stdout, stderr=process.stderr)
        finally:
            process.kill()
