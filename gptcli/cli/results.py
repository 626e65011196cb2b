"""Follow a task's events: results to their sink, the story to the progress line."""

from collections.abc import Iterable
from typing import Any

from gptcli.cli.progress import Progress
from gptcli.cli.renderer import Renderer
from gptcli.cli.sinks import Sink
from gptcli.data.records import Record
from gptcli.errors import InputError
from gptcli.tasks.events import (
    Classified,
    Completion,
    Event,
    Measured,
    ModelReady,
    Notice,
    RowFailed,
    Stage,
    TextDelta,
)
from gptcli.tasks.explain_events import ExplainedRow, RowCompared, RowContinued, RowExplained, RowMeasured


class Results:
    """Writes what a task yields, row by row, and remembers what failed."""

    def __init__(self, sink: Sink, renderer: Renderer[Any], progress: Progress, *, num_samples: int = 1) -> None:
        self._sink = sink
        self._renderer = renderer
        self._progress = progress
        self._num_samples = num_samples
        head = renderer.begin()
        self._head = head if sink.fresh else b""
        self._rows = sink.rows_done
        self._failed = sink.rows_failed
        self._tokens = 0
        self._in_line = False

    def follow(self, events: Iterable[Event | ExplainedRow], *, lone: bool) -> None:
        """Write all results; raises InputError at the end if rows failed, of a lone row with the reason."""
        try:
            self._follow(events, lone=lone)
        finally:
            if self._in_line:  # an interrupted sample leaves the cursor behind it
                self._write(b"\n")

    def _follow(self, events: Iterable[Event | ExplainedRow], *, lone: bool) -> None:
        reason = ""
        for event in events:
            match event:
                case Stage():
                    self._progress.stage(event.text)
                case ModelReady():
                    self._sink.settle({"--model": event.directory, "--dtype": event.dtype})
                case Notice():
                    (self._progress.detail if event.detail else self._progress.warn)(event.text)
                case TextDelta():
                    self._write(self._renderer.delta(event))
                    self._sink.flush()
                    self._in_line = True
                case Completion():
                    self._in_line = False
                    self._write(self._renderer.result(event))
                    self._tokens += event.new_tokens
                    if event.sample == self._num_samples - 1:
                        self._commit(event.record, failed=False)
                case Classified() | RowExplained() | RowMeasured() | RowContinued() | RowCompared():
                    self._write(self._renderer.result(event))
                    self._tokens += event.tokens
                    self._commit(event.record, failed=False)
                case Measured():
                    self._progress.tell(f"{event.name} {event.value:.4f} (n {event.rows:,})")
                case RowFailed():
                    reason = f"{event.record.origin}: {event.message}"
                    if not lone:
                        self._progress.error(reason)
                    self._write(self._renderer.failed(event))
                    self._failed += 1
                    self._commit(event.record, failed=True)
        self._write(self._renderer.end())
        self._sink.finish()
        if self._failed:
            raise InputError(reason if lone else f"{self._failed} of {self._rows} rows failed")

    def _commit(self, record: Record, *, failed: bool) -> None:
        self._rows += 1
        self._sink.commit_row(failed=failed)
        self._progress.count(tokens=self._tokens, line=record.line)
        self._tokens = 0

    def _write(self, data: bytes) -> None:
        self._progress.make_room()
        data = self._head + data
        self._sink.write(data if self._renderer.coloured else self._sink.printable(data))
        self._head = b""
