"""Show a training run on stderr: a live block on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from gptcli.cli.console import Console, one_line
from gptcli.cli.progress import Progress
from gptcli.cli.training_curve import LossCurve, draw
from gptcli.cli.training_words import cut, evaluated, flowed, sampled, started, step_parts
from gptcli.tasks.events import Notice, Stage
from gptcli.training.events import CheckpointSaved, EvalReport, Interrupted, SampleReport, StepReport, TrainingStarted

if TYPE_CHECKING:
    from rich.live import Live

Shown = TrainingStarted | StepReport | EvalReport | SampleReport | CheckpointSaved | Interrupted | Stage | Notice

LINES = 20
"""Lines that a run of any length writes where there is no terminal ..."""
LINE_SECONDS = 60.0
"""... and after how much time without one there is a line in any case."""
BLOCK_COLUMNS = 72
CURVE_ROWS = 4


class TrainingDisplay:
    """Follows the events of a run; the block closes without a trace."""

    def __init__(
        self, console: Console, *, stopping: Callable[[], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Show it on this console; stopping tells whether it was asked to stop."""
        self._clock = clock
        self._console = console
        self._stopping = stopping
        self._progress = Progress(console, lines=None, shared=False)
        self._total: int | None = None
        self._step: StepReport | None = None
        self._told: StepReport | None = None
        self._curve = LossCurve()
        self._stage = ""
        self._passing = ""
        """Of a stage, what is to be told when it is over."""
        self._told_at = clock()
        self._block: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, event: Shown) -> None:
        """Show an event in its way."""
        match event:
            case TrainingStarted():
                self._total = event.total_steps
                for problem in event.damaged:
                    self.clear()
                    self._console.warn(f"{problem}; going on from step {event.step:,}")
                self.tell([started(event)])
            case StepReport():
                self._show_step(event)
            case EvalReport():
                self.tell([evaluated(event)])
            case SampleReport():
                self.tell(sampled(event))
            case CheckpointSaved():
                self._detail(f"step {event.step:,}: saved {event.path}")
            case Stage():
                self._show_stage(event.text)
            case Notice() if event.detail:
                self._detail(event.text)
            case Notice():
                self.clear()
                self._console.warn(event.text)

    def tell(self, lines: Iterable[str]) -> None:
        """Write lines where the block was."""
        self.clear()
        for line in lines:
            self._console.tell(line)

    def clear(self) -> None:
        """Take the block off the screen, so that something else can be written there."""
        self._progress.clear()
        if self._passing:
            self._console.tell(self._passing)
            self._passing = ""
        if self._block is not None:
            self._block.stop()
            self._block = None

    def _detail(self, text: str) -> None:
        if self._console.verbose:
            self.clear()
            self._console.detail(text)

    def _show_stage(self, text: str) -> None:
        """Name what takes a while: it stays on the page, but for what comes back at each evaluation.

        Where a text begins as the last one, up to a colon, that stage goes on: its last words stay.
        """
        if self._block is not None:
            self._stage = text
            return
        before, self._stage = self._stage, text
        goes_on = text.partition(": ")[0] == before.partition(": ")[0]
        if not goes_on:
            self.clear()
        if self._console.live:
            self._progress.stage(text)
            self._passing = "" if self._step or self._console.verbose else text
        elif goes_on and self._clock() - self._told_at < LINE_SECONDS:
            self._passing = text
        else:
            self._passing, self._told_at = "", self._clock()
            (self._console.detail if self._step else self._console.tell)(text)

    def _show_step(self, event: StepReport) -> None:
        self._curve.add(event.loss)
        self._step, self._stage = event, ""
        if self._console.live:
            self._show_block()
        elif self._is_due(event):
            self._told = event
            self.tell([", ".join(step_parts(event, total=self._total, loss=self._curve.smoothed))])

    def _is_due(self, event: StepReport) -> bool:
        """Say whether a plain line is due: at the first step, each twentieth of the run, and after a minute."""
        if self._told is None:
            return True
        passed = int(event.progress * LINES) > int(self._told.progress * LINES)
        return passed or event.seconds - self._told.seconds >= LINE_SECONDS

    def _show_block(self) -> None:
        if self._block is not None:
            return
        self.clear()
        # rich costs 50 ms: only a person at a terminal pays for it.
        from rich.console import Console as Terminal
        from rich.live import Live
        from rich.text import Text

        def block() -> Text:
            columns = min(terminal.width, BLOCK_COLUMNS)
            return Text("\n".join(self.lines(columns)), no_wrap=True, overflow="crop")

        plain = bool(self._console.environment.get("NO_COLOR"))
        terminal = Terminal(file=self._console.stderr, force_terminal=True, no_color=plain)
        self._block = Live(get_renderable=block, console=terminal, transient=True)
        self._block.start()

    def lines(self, columns: int) -> list[str]:
        """Return the block."""
        step, unicode = self._step, self._console.unicode
        if step is None:
            return []
        full, empty = ("━", "─") if unicode else ("#", "-")
        done = round(min(max(step.progress, 0.0), 1.0) * columns)
        lines = [full * done + empty * (columns - done)]
        lines += flowed(step_parts(step, total=self._total, loss=self._curve.smoothed), columns)
        lines += self._drawn(columns, unicode)
        state = "stopping after this step; once more ends it at once" if self._stopping() else self._stage
        return [*lines, cut(one_line(state), columns)] if state else lines

    def _drawn(self, columns: int, unicode: bool) -> list[str]:
        """Return the curve between its highest and its lowest loss."""
        points = self._curve.points
        labels = [f"{bound(points):.4g}" if points else "" for bound in (max, min)]
        margin = max(map(len, labels)) + 1
        drawn = draw(points, columns=columns - margin, rows=CURVE_ROWS, unicode=unicode)
        names = [labels[0], *[""] * (CURVE_ROWS - 2), labels[1]]
        return [f"{name:>{margin - 1}} {line}".rstrip() for name, line in zip(names, drawn, strict=False)]
