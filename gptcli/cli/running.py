"""What commands that turn rows into results have in common: where rows come from, and how a run goes on."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import cast

from gptcli.cli.console import Console
from gptcli.cli.contradictions import spelled
from gptcli.cli.options import OutputFlags, SourceFlags
from gptcli.cli.progress import Progress
from gptcli.cli.sinks import RemoteSink, ResumableFile, Sink, SinkFacts, Stdout
from gptcli.cli.source import Rows, open_rows
from gptcli.data.journal import CONTENTS
from gptcli.errors import ConfigError
from gptcli.tasks.sharing import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The rows to do, and the place of their results."""

    rows: Rows
    sink: Sink


@contextmanager
def opened_run(
    console: Console, share: Share, source: SourceFlags, output: OutputFlags, state: Mapping[str, object], *, usage: str
) -> Iterator[Run | None]:
    """Open input and output; None, and told, where an earlier run has done all there is to do.

    state is what a run must have in common with the one that it continues, its rows apart and its seed excepted;
    usage is said where there are no rows to read. Raises ConfigError, InputError, OutputError and UsageError.
    """
    with (
        closing(open_rows(source, console, usage)) as rows,
        _sink(console, share, source, output, state) as sink,
    ):
        _refuse_own_input(rows, output.output, console)
        if sink.complete:
            name = output.output
            console.tell(f"there is no {name}.resume, so {name} is complete, or of another program: nothing was done")
            yield None
        else:
            yield Run(rows=rows, sink=sink)


def progress_of(run: Run, output: OutputFlags, console: Console) -> Progress:
    """Return the progress line of a run."""
    lines = run.rows.count_lines(console) if console.live else None
    shared = output.output is None and console.results_may_reach_the_screen
    typed = run.rows.path == "-" and console.stdin.isatty()
    return Progress(console, lines=run.rows.count or lines, shared=shared, typed=typed)


def by_name(flags: object, *names: str) -> dict[str, object]:
    """Return options under the names that they are typed by."""
    return {spelled(name): getattr(flags, name) for name in names}


def _sink(
    console: Console, share: Share, source: SourceFlags, output: OutputFlags, state: Mapping[str, object]
) -> Sink:
    """Return where the main process writes results, and in the others what stands for it."""
    sink: Sink | None = None
    if share.is_main and output.output is None:
        sink = Stdout(console, state)
    elif share.is_main and output.output is not None:
        state = _source_state(source) | dict(state)
        sink = ResumableFile(output.output, state, overwrite=output.overwrite, resume=output.resume)
    facts = share.told_by_main(sink.facts if sink else None)
    return sink or RemoteSink(cast(SinkFacts, facts))


def _source_state(source: SourceFlags) -> dict[str, object]:
    """Return what says that rows are the same as in an earlier run, by the names of the options."""
    state: dict[str, object] = {source.ARGUMENT: source.arguments}
    if source.input is not None:
        # A changed input would give the rows that are left other numbers, or other texts.
        status = os.stat(source.input)
        state[f"{CONTENTS} {source.input}"] = [status.st_size, status.st_mtime_ns]
    return state | by_name(source, "input", "column", "whole")


def _refuse_own_input(rows: Rows, output: str | None, console: Console) -> None:
    """Raise ConfigError when the output would overwrite the rows while they are read."""
    if rows.path is None or output is None or not os.path.exists(output):
        return
    try:
        source = os.fstat(console.stdin.fileno()) if rows.path == "-" else os.stat(rows.path)
    except OSError:  # standard input is no file at all
        return
    if os.path.samestat(source, os.stat(output)):
        raise ConfigError(f"-o {output} is the input itself: give another file")
