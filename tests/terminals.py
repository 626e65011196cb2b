"""A terminal for tests, a pseudo one: a program at one end, and at the other what presses keys and reads the screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PATIENCE_SECONDS = 20
ESCAPE = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x08")


@dataclass(kw_only=True)
class Terminal:
    """A process at the other end of a terminal."""

    process: subprocess.Popen[bytes]
    keyboard: int
    written: bytes = b""
    """All that came, with its escapes."""
    read: int = 0
    """How much of the screen was waited for already."""

    @property
    def screen(self) -> bytes:
        """Return what came without what moves the cursor and colours."""
        return ESCAPE.sub(b"", self.written)

    def say(self, keys: str) -> None:
        """Press keys at the next prompt; what is typed before it is there is another matter."""
        self.wait_for(">")
        self.type(keys)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.keyboard, keys.encode(errors="surrogateescape"))

    def wait_for(self, pattern: str) -> str:
        """Return what was written up to a pattern that is behind all that was waited for."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.compile(pattern.encode()).search(self.screen, self.read)):
            assert time.monotonic() < deadline, self.written
            assert self._receive(), self.written
        text = found.string[self.read : found.end()]
        self.read = found.end()
        return text.decode(errors="replace")

    def insist(self, act: Callable[[], None], pattern: str) -> None:
        """Do something again every other second until a pattern is written.

        A signal that comes in the moment in which Python's input() has shown its prompt is seen at the next one only.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not re.compile(pattern.encode()).search(self.screen, self.read):
            assert time.monotonic() < deadline, self.written
            act()
            patience = time.monotonic() + 2
            while time.monotonic() < patience and not re.compile(pattern.encode()).search(self.screen, self.read):
                self._receive(seconds=0.1)
        self.wait_for(pattern)

    def end(self) -> int:
        """Wait for the end of the process and return its exit code."""
        while self._receive():
            pass
        return self.process.wait(PATIENCE_SECONDS)

    def _receive(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Take what is on the screen by now, or within so long; return whether more may come."""
        try:
            ready, _, _ = select.select([self.keyboard], [], [], seconds)
            data = os.read(self.keyboard, 65536) if ready else b""
        except OSError:  # the other end is closed
            return False
        self.written += data
        return bool(data)


@contextmanager
def terminal(*arguments: str, columns: int = 80, stdout: int | None = None, **environment: str) -> Iterator[Terminal]:
    """Start Python on a terminal of its own, which does not outlive the block."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    settings = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "CUDA_VISIBLE_DEVICES": "", **environment}
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=theirs,
        stdout=theirs if stdout is None else stdout,
        stderr=theirs,
        env={**os.environ, **settings},
        preexec_fn=take_terminal,
    ) as process:
        os.close(theirs)
        try:
            yield Terminal(process=process, keyboard=ours)
        finally:
            process.kill()
            os.close(ours)
