"""What gptcli evaluate does once its options are read."""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO

from gptcli.cli.console import Console, utf8
from gptcli.cli.evaluate_json import report_object, row_object
from gptcli.cli.evaluate_options import EvaluationDataFlags, ModelsFlags, ResultFlags
from gptcli.cli.evaluate_table import Page, render
from gptcli.cli.evaluate_tasks import AskedTask
from gptcli.cli.flags import Work
from gptcli.cli.progress import Progress
from gptcli.cli.sharing import SharedWork
from gptcli.cli.source import refuse_read_once
from gptcli.data.atomic import atomic_file
from gptcli.data.contents import expand_paths
from gptcli.data.formats import json_bytes
from gptcli.data.output import cannot_write, refuse_existing
from gptcli.data.roles import WantedRoles
from gptcli.engine.options import ModelOptions
from gptcli.errors import BoundError, ConfigError, InputError, UsageError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks.evaluate_config import EvaluateConfig
from gptcli.tasks.evaluate_events import (
    BoundReport,
    EvaluateEvent,
    EvaluationReport,
    RowReport,
    ScoringStarted,
    TaskChosen,
)
from gptcli.tasks.events import Notice, RowDone, RowFailed, Stage
from gptcli.tasks.sharing import Share

USAGE = "no data: try gptcli evaluate FILE, or send it to standard input"
MODEL_VARIABLE = "GPTCLI_MODEL"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateFlags:
    """The options of an evaluate command, and what they leave of the tasks."""

    data: EvaluationDataFlags
    models: ModelsFlags
    result: ResultFlags
    asked: AskedTask


def prepare(flags: EvaluateFlags) -> Work:
    """Return the work."""
    return SharedWork(
        work=partial(run, flags=flags),
        stdin=partial(_copyable_stdin, flags=flags),
        num_processes=flags.models.num_processes,
    )


def run(console: Console, share: Share, *, flags: EvaluateFlags) -> None:
    """Evaluate, and show what comes; raises InputError at the end if rows failed, BoundError for a broken bound."""
    config = _config(console, share, flags)
    _refuse_per_row(config, flags.result)
    with Progress(console, lines=None, shared=False) as progress:
        from gptcli.tasks.evaluate import evaluate

        with closing(evaluate(config)) as events:
            Following(console, flags, progress).follow(events)


def _copyable_stdin(console: Console, *, flags: EvaluateFlags) -> BinaryIO | None:
    """Return standard input if it is data; raises ConfigError for data that can be read only once, and UsageError."""
    paths = _paths(console, flags.data)
    for path in paths:
        refuse_read_once(path, path)
    return console.stdin if "-" in paths else None


def _paths(console: Console, data: EvaluationDataFlags) -> tuple[str, ...]:
    """Return where the data is; raises UsageError where there is none, and InputError for a text in its place."""
    if not data.paths and console.stdin.isatty():
        raise UsageError(USAGE)
    for path in data.paths or ():
        if " " in path.strip() and not os.path.lexists(path):
            raise InputError(f"cannot read {path}: no such file; a text itself goes so: echo TEXT | gptcli evaluate")
    return tuple(data.paths or ("-",))


def _config(console: Console, share: Share, flags: EvaluateFlags) -> EvaluateConfig:
    """Return the run that a command line asks for; raises ConfigError, and UsageError where there is no data."""
    data, models, result = flags.data, flags.models, flags.result
    return EvaluateConfig(
        paths=_paths(console, data),
        stdin=console.stdin,
        models=asked_models(console, models),
        versus=None if models.versus is None else models.options(models.versus),
        task=flags.asked.task,
        chosen_by=flags.asked.by if data.task == "auto" else None,
        options=flags.asked.options,
        wanted=WantedRoles(
            text_column=data.text_column,
            label_column=data.label_column,
            prompt_columns=tuple(data.prompt_columns or ()),
            completion_column=data.completion_column,
        ),
        lines=bool(data.lines),
        limit=data.limit,
        bootstrap=Bootstrap(resamples=result.bootstrap, seed=result.seed),
        bounds=result.bounds(),
        per_row=result.per_row is not None,
        share=share,
    )


def asked_models(console: Console, models: ModelsFlags) -> tuple[ModelOptions, ...]:
    """Return the models of -m, else the environment's, else the default; raises ConfigError."""
    names: list[str | None] = [*(models.models or ())] or [console.environment.get(MODEL_VARIABLE) or None]
    return tuple(map(models.options, names))


def _refuse_per_row(config: EvaluateConfig, result: ResultFlags) -> None:
    """Raise ConfigError or OutputError where the file of --per-row cannot be, before anything is measured."""
    path = result.per_row
    if path is None:
        if result.overwrite:
            raise ConfigError("--overwrite needs --per-row FILE")
        return
    for source in expand_paths(config.paths):
        if os.path.exists(source) and os.path.exists(path) and os.path.samefile(source, path):
            raise ConfigError(f"--per-row {path} is the data itself: give another file")
    refuse_existing(path, overwrite=result.overwrite)


class Following:
    """Shows what an evaluation yields: the story on stderr, the result on stdout, rows in their file."""

    def __init__(self, console: Console, flags: EvaluateFlags, progress: Progress) -> None:
        self._console = console
        self._flags = flags
        self._progress = progress
        self._failed: set[int] = set()
        self._rows = self._done = 0

    def follow(self, events: Iterator[EvaluateEvent]) -> None:
        """Show all; raises BoundError for a bound that is broken, InputError if rows failed, and OutputError."""
        report: EvaluationReport | None = None
        for event in events:
            match event:
                case EvaluationReport():
                    report = event
                    self._print(report)
                case RowReport() if report is not None:
                    self._write_rows(report, chain([event], events))
                case _:
                    self._tell(event)
        broken = [] if report is None else [bound for bound in report.bounds if not bound.passed]
        if broken:
            raise BoundError("; ".join(map(_broken, broken)))
        if self._failed:
            raise InputError(f"{len(self._failed):,} of {self._rows:,} rows failed")

    def _tell(self, event: EvaluateEvent) -> None:
        match event:
            case Stage():
                self._progress.stage(event.text)
            case Notice():
                (self._progress.detail if event.detail else self._progress.warn)(event.text)
            case TaskChosen():
                self._rows = event.rows
                chosen = self._flags.data.task == "auto"
                (self._progress.tell if chosen else self._progress.detail)(event.reason)
            case ScoringStarted():
                self._done = 0
            case RowDone():
                self._done += 1
                self._progress.reached(self._done, self._rows)
            case RowFailed():
                self._done += 1
                self._failed.add(event.index)
                self._progress.error(f"{event.record.origin}: {event.message}")

    def _print(self, report: EvaluationReport) -> None:
        """Print the result, as wide as the terminal."""
        self._progress.clear()
        if self._flags.result.json:
            self._console.write(json_bytes(report_object(report)) + b"\n")
        else:
            self._console.write(utf8(render(report, _page(self._console))))
        self._console.flush()

    def _write_rows(self, report: EvaluationReport, events: Iterable[EvaluateEvent]) -> None:
        path = self._flags.result.per_row or ""
        try:
            with atomic_file(path) as file:
                for event in events:
                    if isinstance(event, RowReport):
                        file.write(json_bytes(row_object(event, report.models)) + b"\n")
        except OSError as error:
            raise cannot_write(path, error) from error


def _page(console: Console) -> Page:
    """Return what standard output can show."""
    if not console.stdout.isatty():
        return Page()
    environment = console.environment
    bold = not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
    return Page(columns=shutil.get_terminal_size().columns, bold=bold)


def _broken(bound: BoundReport) -> str:
    """Say which figure of which model is on the wrong side of what."""
    if bound.value is None:
        return f"{bound.model} has no {bound.metric} of this data, and --fail-under wants one"
    side = "above" if bound.better == "lower" else "below"
    told = f"{side} the {bound.bound:.6g} of --fail-under" if bound.value == bound.value else "which is no number"
    return f"{bound.metric} of {bound.model} is {bound.value:.6g}, {told}"
