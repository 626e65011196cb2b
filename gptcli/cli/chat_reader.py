"""Where a person's lines come from: prompt_toolkit's editor on a terminal that can show it, else plain lines."""

import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, BinaryIO, Protocol

from gptcli.cli.chat_history import History, history_path
from gptcli.cli.console import Console
from gptcli.cli.signals import Interrupts
from gptcli.errors import InputError

PROMPT = "> "

Modes = list[Any]
"""The settings of a terminal, as termios has them."""


class Reader(Protocol):
    """Reads what a person types."""

    @property
    def interrupts(self) -> Interrupts:
        """Return where Ctrl-C is noted; one that came behind a line stays there when the line is returned."""
        ...

    def read(self) -> str:
        """Return the next line; raises EOFError at the end, KeyboardInterrupt at Ctrl-C, InputError for no text."""
        ...

    def edit(self, text: str) -> str | None:
        """Return a text as a person has changed it; None where that is given up, or cannot be done here."""
        ...


class PlainReader:
    """Python's input() where it reads a terminal, which then edits lines; else a line as it comes."""

    def __init__(self, console: Console, history: History) -> None:
        self.interrupts = Interrupts()
        self._console = console
        self._history = history
        self._edits = sys.stdin is not None and console.stdin is sys.stdin.buffer and console.stdout.isatty()
        if self._edits:
            self._edits = _recalled(history)
        self._modes = _modes(console.stdin)
        if self._edits and self._modes is not None:
            self._modes = _without_end(self._modes)  # an editor knows Ctrl-D itself

    def read(self) -> str:
        """Return the next line, without its end."""
        try:
            with _in_modes(self._console.stdin, self._modes), self.interrupts.telling(self._interrupt):
                line = self._edited() if self._edits else self._line()
        except (EOFError, KeyboardInterrupt):
            self._console.stderr.write("\n")  # what comes next does not stand behind the prompt
            raise
        if line.strip():
            self._history.add(line)
        return line

    def edit(self, text: str) -> str | None:
        """Return None: a line cannot be filled in here."""
        return None

    def _interrupt(self) -> None:
        self.interrupts.taken()
        raise KeyboardInterrupt

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
    """Keep what is typed meanwhile off the screen, where no line is being read; it is read afterwards."""
    modes = _modes(stdin)
    if modes is not None:
        modes = _without_end(modes)
        modes[3] &= ~termios.ECHO
    with _in_modes(stdin, modes):
        yield


def _without_end(modes: Modes) -> Modes:
    """Return modes in which Ctrl-D is a key as others are, kept for the next prompt."""
    keys = [*modes[6]]
    keys[termios.VEOF] = b"\0"
    return [*modes[:6], keys]


def _modes(stdin: BinaryIO) -> Modes | None:
    return termios.tcgetattr(stdin) if stdin.isatty() else None


@contextmanager
def _in_modes(stdin: BinaryIO, modes: Modes | None) -> Iterator[None]:
    """Set a terminal so, and afterwards as it was; None leaves it as it is."""
    before = None if modes is None else _modes(stdin)
    if modes is None or before is None:
        yield
        return
    termios.tcsetattr(stdin, termios.TCSANOW, modes)
    try:
        yield
    finally:
        with suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(stdin, termios.TCSANOW, before)


def _recalled(history: History) -> bool:
    """Give what was typed before to the editor behind input(); return whether there is one."""
    try:
        import readline
    except ImportError:
        return False
    for entry in history.entries:
        readline.add_history(entry.replace("\n", " "))
    return True
