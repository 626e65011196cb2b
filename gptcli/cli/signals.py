"""Signals of a run: SIGTERM ends it as Ctrl-C does, and where it may end well the first of them only asks it to."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from gptcli.errors import ExitCode


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a run as Ctrl-C does."""


class Interruption:
    """Raises what a signal asks for, and remembers it: one that comes while a C extension is imported may be lost."""

    def __init__(self) -> None:
        self.error: KeyboardInterrupt | None = None
        """What the last signal has raised."""

    def listen(self) -> None:
        """Take SIGTERM, and SIGINT where it is not ignored, as it is for what scripts start with &."""
        signal.signal(signal.SIGTERM, self._take)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._take)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.error = _error(number)
        raise self.error


class Interrupts:
    """Ctrl-C where a person goes on: it raises nothing by itself, and is remembered until somebody takes it."""

    def __init__(self) -> None:
        self._came = False
        self._told: Callable[[], None] | None = None

    def note(self) -> None:
        """Remember one, and tell who waits."""
        self._came = True
        told, self._told = self._told, None
        if told is not None:
            told()

    def taken(self) -> bool:
        """Return whether one came since this was asked before."""
        came, self._came = self._came, False
        return came

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note each SIGINT; it stays ignored where it is ignored."""
        before = signal.getsignal(signal.SIGINT)
        if before != signal.SIG_IGN:
            signal.signal(signal.SIGINT, lambda number, frame: self.note())
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def telling(self, told: Callable[[], None]) -> Iterator[None]:
        """Call told at the next one, from the signal handler, and at once where one came before."""
        self._told = told
        try:
            if self._came:
                self.note()
            yield
        finally:
            self._told = None


class StopRequest:
    """Answers whether somebody asked the run to stop; who asks twice does not want to wait."""

    def __init__(self, *, raises_at: int = 2) -> None:
        """Raise at the second signal, or at a later one where the run ends at once by itself at the second."""
        self.times = 0
        """How often it was asked."""
        self._raises_at = raises_at
        self._number: int | None = None

    def __call__(self) -> bool:
        """Return whether a signal came."""
        return self.times > 0

    def ask(self, number: int) -> None:
        """Take a signal as come that came before anybody listened."""
        self.times += 1
        self._number = number

    def error(self) -> KeyboardInterrupt:
        """Return what the signal that came would have raised."""
        return _error(self._number)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as requests, until one that raises at once."""
        before = {number: signal.signal(number, self._take) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.ask(number)
        if self.times >= self._raises_at:
            raise _error(number)


def listening_request() -> StopRequest | None:
    """Return what SIGTERM asks to stop now, which then ends by itself and may take its time to save, if anything."""
    taker = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return taker if isinstance(taker, StopRequest) else None


def _error(number: int | None) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def exit_code(error: KeyboardInterrupt) -> ExitCode:
    """Return what a process ends with that a signal ended."""
    return ExitCode.TERMINATED if isinstance(error, Terminated) else ExitCode.INTERRUPTED
