"""The world outside: three streams, the environment, and how much to say; tests put in their own."""

import errno
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedWriter, BytesIO, RawIOBase, StringIO
from typing import TYPE_CHECKING, BinaryIO, TextIO

from gptcli.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Where results go (stdout, bytes), where the story goes (stderr, text), and where input comes from."""

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: TextIO
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    """The command line, for a command that starts others like itself."""
    quiet: bool = False
    """Say nothing but errors."""
    verbose: bool = False
    """Say details too."""

    @classmethod
    def of_process(cls, environment: Mapping[str, str]) -> "Console":
        """Return the console of this process; an input that the shell closed is empty."""
        return cls(
            stdin=sys.stdin.buffer if sys.stdin else BytesIO(),
            stdout=_buffered(sys.stdout.buffer) if sys.stdout else _ClosedOutput(),
            stderr=sys.stderr or StringIO(),
            environment=environment,
        )

    @property
    def live(self) -> bool:
        """Whether a line on stderr may be redrawn in place."""
        return not self.quiet and self.stderr.isatty() and self.environment.get("TERM") != "dumb"

    @property
    def unicode(self) -> bool:
        """Whether stderr can show more than ASCII."""
        return (self.stderr.encoding or "utf-8").lower().startswith("utf")

    @property
    def results_may_reach_the_screen(self) -> bool:
        """Whether what is written to stdout may show up where stderr does: on a terminal, or through a pipe to one."""
        if self.stdout.isatty():
            return True
        try:
            return stat.S_ISFIFO(os.fstat(self.stdout.fileno()).st_mode)
        except OSError:
            return False

    def write(self, data: bytes) -> None:
        """Write a part of the result; raises OutputError, and BrokenPipeError when the reader left."""
        with _naming_stdout():
            self.stdout.write(data)

    def printable(self, data: bytes) -> bytes:
        """Return a result as stdout takes it: for a terminal with what could drive it escaped, else as it is."""
        if not self.stdout.isatty():
            return data
        text = harmless(data.decode("utf-8", "surrogateescape"))
        return re.sub("[\udc80-\udcff]", _escaped_byte, text).encode()

    def flush(self) -> None:
        """Hand what was written to the reader now; raises as write does."""
        with _naming_stdout():
            self.stdout.flush()

    def let_go(self) -> None:
        """Give up what cannot be written any more, so that Python does not try, and complain, as it exits."""
        try:
            self.stdout.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self._say(f"gptcli: error: {text}")

    def bug(self, text: str) -> None:
        """Say what must be a fault of ours."""
        self._say(f"gptcli: bug: {text}")

    def warn(self, text: str) -> None:
        """Say what a person should know, unless quiet."""
        if not self.quiet:
            self._say(f"gptcli: warning: {text}")

    def tell(self, text: str) -> None:
        """Tell the story, unless quiet."""
        if not self.quiet:
            self._say(f"gptcli: {text}")

    def detail(self, text: str) -> None:
        """Tell a detail, only when verbose."""
        if self.verbose:
            self._say(f"gptcli: {text}")

    def relay(self, line: str) -> None:
        """Pass on a line that another process has said."""
        self._say(line)

    def _say(self, line: str) -> None:
        self.stderr.write(one_line(line) + "\n")
        self.stderr.flush()


class _ClosedOutput(BytesIO):
    """A standard output that the shell has closed."""

    def write(self, data: "Buffer") -> int:
        """Fail as the system would."""
        raise OSError(errno.EBADF, "it is closed")


def _buffered(stream: BinaryIO) -> BinaryIO:
    """Return the stream so that a write takes all it is given; under PYTHONUNBUFFERED it is a raw file."""
    return BufferedWriter(stream) if isinstance(stream, RawIOBase) else stream


@contextmanager
def _naming_stdout() -> Iterator[None]:
    """Turn the system's error (a full disk) into ours, which names the place."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"standard output: {error.strerror}") from error


def one_line(text: str) -> str:
    """Return text with control characters escaped: a message is one line and drives no terminal."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda match: repr(match[0])[1:-1], text)


def harmless(text: str) -> str:
    """Return text of many lines with what could drive a terminal escaped: all controls but line ends and tabs."""
    return re.sub(r"(?!\r\n)[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda match: repr(match[0])[1:-1], text)


def _escaped_byte(match: re.Match[str]) -> str:
    """Return a byte that is no UTF-8, as surrogateescape holds it, by its number."""
    return f"\\x{ord(match[0]) - 0xDC00:02x}"


def utf8(text: str) -> bytes:
    """Return any text as bytes: undecodable bytes of an argument as they were, lone surrogates as U+FFFD."""
    return re.sub("[\ud800-\udc7f\udd00-\udfff]", "\ufffd", text).encode("utf-8", "surrogateescape")
