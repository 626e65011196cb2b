"""Where a person's lines come from: prompt_toolkit's editor on a terminal that can show it, else plain lines."""

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import BinaryIO, Protocol

from gptcli.cli.chat_history import History, history_path
from gptcli.cli.console import Console
from gptcli.errors import InputError

PROMPT = "> "


class Reader(Protocol):
    """Reads what a person types."""

    def read(self) -> str:
        """Return the next line; raises EOFError at the end, KeyboardInterrupt at Ctrl-C, InputError for no text."""
        ...

    def edit(self, text: str) -> str | None:
        """Return a text as a person has changed it; None where that is given up, or cannot be done here."""
        ...


class PlainReader:
    """Python's input() where it reads a terminal, which then edits lines; else a line as it comes."""

    def __init__(self, console: Console, history: History) -> None:
        self._console = console
        self._history = history
        self._edits = sys.stdin is not None and console.stdin is sys.stdin.buffer and console.stdout.isatty()
        if self._edits:
            self._edits = _recalled(history)

    def read(self) -> str:
        """Return the next line, without its end."""
        line = self._edited() if self._edits else self._line()
        if line.strip():
            self._history.add(line)
        return line

    def edit(self, text: str) -> str | None:
        """Return None: a line cannot be filled in here."""
        return None

    def _edited(self) -> str:
        try:
            return input(PROMPT)
        except UnicodeDecodeError as error:
            raise InputError("what you typed is not UTF-8") from error

    def _line(self) -> str:
        self._console.stderr.write(PROMPT)
        self._console.stderr.flush()
        line = self._console.stdin.readline()
        if not line:
            raise EOFError
        return line.decode(errors="surrogateescape").rstrip("\r\n")


def open_reader(console: Console) -> Reader:
    """Return the best reader for a console whose input is a terminal; says once where prompt_toolkit is missing."""
    history = History(history_path(console.environment), console.warn)
    if not console.stderr.isatty() or console.environment.get("TERM", "dumb") == "dumb":
        return PlainReader(console, history)
    if find_spec("prompt_toolkit") is None:
        console.tell("pip install 'gptcli[chat]' lets you edit several lines and complete commands here")
        return PlainReader(console, history)
    from gptcli.cli.chat_prompt import terminal_reader

    return terminal_reader(history)


@contextmanager
def unechoed(stdin: BinaryIO) -> Iterator[None]:
    """Keep what is typed meanwhile off the screen, where an answer is being written; it is read afterwards."""
    descriptor = stdin.fileno() if stdin.isatty() else None
    before = None if descriptor is None else termios.tcgetattr(descriptor)
    if descriptor is None or before is None:
        yield
        return
    keys = [*before[6]]
    keys[termios.VEOF] = b"\0"  # none: a Ctrl-D is for the prompt behind the answer
    termios.tcsetattr(descriptor, termios.TCSANOW, [*before[:3], before[3] & ~termios.ECHO, *before[4:6], keys])
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def _recalled(history: History) -> bool:
    """Give what was typed before to the editor behind input(); return whether there is one."""
    try:
        import readline
    except ImportError:
        return False
    for entry in history.entries:
        readline.add_history(entry.replace("\n", " "))
    return True
