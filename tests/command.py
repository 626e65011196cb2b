"""Run command lines with the model that ships: in this process where that will do, in one of their own elsewhere."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from io import BytesIO, StringIO

from gptcli.cli.console import Console
from gptcli.cli.main import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command line ended."""

    code: int
    out: bytes
    err: str


class Screen(StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def gptcli(line: str, stdin: bytes = b"", stderr: StringIO | None = None) -> Ended:
    """Run a command line in this process."""
    stdout, stderr = BytesIO(), stderr or StringIO()
    console = Console(stdin=BytesIO(stdin), stdout=stdout, stderr=stderr, environment={})
    code = run(shlex.split(line), console)
    return Ended(code=code, out=stdout.getvalue(), err=stderr.getvalue())


def started(line: str, *, most_file_bytes: int | None = None) -> subprocess.Popen[bytes]:
    """Start a command line in a process of its own, whose streams are pipes."""

    def limit_file_size() -> None:
        import resource

        if most_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    return subprocess.Popen(
        [sys.executable, "-m", "gptcli", *shlex.split(line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        preexec_fn=limit_file_size,
    )
