"""One live line on stderr for a person who waits: what is being done, how far it is, and what is left."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gptcli.cli.console import Console, one_line
from gptcli.cli.units import clock

if TYPE_CHECKING:
    from rich.status import Status

PATIENCE_SECONDS = 2.0
"""Work that takes less than this shows no progress."""


class Progress:
    """Follows a task; shows nothing where stderr is no terminal, and closes without a trace."""

    def __init__(
        self,
        console: Console,
        *,
        lines: int | None,
        shared: bool,
        typed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Follow an input of this many lines, None if nobody knows.

        shared: results go to the same terminal. typed: a person types the input there, which a live line would hide.
        """
        self._console = console
        self._lines = lines
        self._first_line: int | None = None
        self._shared = shared
        self._live = console.live and not typed
        self._clock = clock
        self._began = clock()
        self._rows = 0
        self._tokens = 0
        self._line: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def stage(self, text: str) -> None:
        """Name the step that has begun."""
        self._began = self._clock()
        self.detail(text)
        self._show(text)

    def make_room(self) -> None:
        """Take the line away if a result that comes now would be written into it."""
        if self._shared:
            self.clear()

    def count(self, *, tokens: int, line: int) -> None:
        """Count a row and its tokens, up to a line of the input; show it once that took long.

        Results on the same screen show it anyway.
        """
        if self._first_line is None:
            self._first_line = line
        self._rows += 1
        self._tokens += tokens
        if self._shared:
            return
        seconds = self._clock() - self._began
        if seconds >= PATIENCE_SECONDS:
            share = None
            if self._lines and self._lines >= line:
                share = (line - self._first_line + 1) / (self._lines - self._first_line + 1)
            self._show(summary(rows=self._rows, share=share, tokens=self._tokens, seconds=seconds))

    def reached(self, done: int, total: int) -> None:
        """Show that so many of all rows are done, once that took long."""
        seconds = self._clock() - self._began
        if done and seconds >= PATIENCE_SECONDS:
            left = clock(seconds / done * (total - done))
            self._show(f"{done:,} of {total:,} rows, {left} left")

    def detail(self, text: str) -> None:
        """Tell a detail, when verbose."""
        self.clear()
        self._console.detail(text)

    def warn(self, text: str) -> None:
        """Say what a person should know."""
        self.clear()
        self._console.warn(text)

    def tell(self, text: str) -> None:
        """Tell a part of the story."""
        self.clear()
        self._console.tell(text)

    def error(self, text: str) -> None:
        """Say what went wrong."""
        self.clear()
        self._console.error(text)

    def clear(self) -> None:
        """Take the line off the screen, so that something else can be written there."""
        if self._line is not None:
            self._line.stop()
            self._line = None

    def _show(self, text: str) -> None:
        if not self._live:
            return
        # rich costs 50 ms: only a person at a terminal pays for it.
        from rich.console import Console as Terminal
        from rich.status import Status
        from rich.text import Text

        line = Text(one_line(text), no_wrap=True, overflow="ellipsis")
        if self._line is not None:
            self._line.update(line)
            return
        plain = bool(self._console.environment.get("NO_COLOR"))
        self._line = Status(line, console=Terminal(file=self._console.stderr, force_terminal=True, no_color=plain))
        self._line.start()


def summary(*, rows: int, share: float | None, tokens: int, seconds: float) -> str:
    """Return how far the work is: rows, speed, and the time left where the done share of the input is known."""
    parts = [f"{rows:,} rows", f"{tokens / seconds:,.0f} tokens/s"]
    if share:
        parts[0] += f" ({share:.0%})"
        parts.append(f"{clock(seconds / share - seconds)} left")
    return ", ".join(parts)
