"""What gptcli explain does once its options are read."""

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from gptcli.cli.console import Console
from gptcli.cli.contradictions import row_format
from gptcli.cli.explain_contradictions import ExplainFlags, refuse_explain_contradictions
from gptcli.cli.flags import Work
from gptcli.cli.render_explained import ComparedView, NextView, SurprisalView
from gptcli.cli.render_measured import MeasuredLines, MeasuredTable
from gptcli.cli.render_surprisal import ExplainedObjects, TokenTable
from gptcli.cli.renderer import Renderer, Warn
from gptcli.cli.results import Results
from gptcli.cli.running import Run, by_name, opened_run, progress_of
from gptcli.cli.selection import NothingSelectedError, Selection
from gptcli.cli.surface import Surface, file_surface, surface_of
from gptcli.data.compression import inner_suffix
from gptcli.data.formats import Csv, RowFormat
from gptcli.data.records import Record
from gptcli.errors import NoRowsError
from gptcli.tasks.events import Event
from gptcli.tasks.explain_config import ExplainConfig, NextConfig, TokensConfig
from gptcli.tasks.explain_events import ExplainedRow
from gptcli.tasks.sharing import ALONE

USAGE = 'no text: try gptcli explain "To be or not to be", or send a text a line to standard input'

Events = Generator[Event | ExplainedRow, None, None]


def prepare(flags: ExplainFlags) -> Work:
    """Return the work, its options checked; raises ConfigError."""
    refuse_explain_contradictions(flags)
    if flags.view.interactive:
        from gptcli.cli.explorer import explore

        text = "".join(flags.source.arguments)
        return partial(explore, model=flags.model.options(), text=text, sampling=flags.sampling.options())
    if flags.looks_inside is not None or flags.draws:
        from gptcli.cli.looking_inside import prepare_inside

        return prepare_inside(flags, usage=USAGE)
    chosen = flags.chosen
    selection = Selection(above=chosen.above, below=chosen.below, by=chosen.by)
    return partial(run, flags=flags, config=_config(flags), selection=selection)


def run(console: Console, *, flags: ExplainFlags, config: ExplainConfig, selection: Selection) -> None:
    """Explain, and write what comes; raises InputError at the end if rows failed, and NothingSelectedError."""
    try:
        _run(console, flags, config, selection)
    except NoRowsError:
        if not selection.bounded:
            raise
        raise NothingSelectedError from None  # as grep ends of an empty file


def _run(console: Console, flags: ExplainFlags, config: ExplainConfig, selection: Selection) -> None:
    with opened_run(console, ALONE, flags.source, flags.output, _state(flags), usage=USAGE) as opened:
        if opened is None:
            return
        with progress_of(opened, flags.output, console) as progress:
            surface = surface_of(console) if flags.output.output is None else file_surface()
            records, renderer = _renderer(flags, opened, surface, selection, progress.warn)
            config = replace(config, records=records, skip_rows=opened.sink.rows_done)
            with closing(_events(config)) as events:
                Results(opened.sink, renderer, progress).follow(events, lone=opened.rows.count == 1)
        # What an earlier run has selected is not counted here.
        if selection.bounded and not selection.selected and not config.skip_rows:
            raise NothingSelectedError


def _config(flags: ExplainFlags) -> ExplainConfig:
    """Return what the task needs to know, the rows excepted; raises ConfigError."""
    model, column = flags.model.options(), flags.source.column
    if flags.selects or isinstance(_form(flags), Csv):
        return ExplainConfig(records=(), model=model, column=column)
    if flags.view.next is not None:
        sampling = flags.sampling.options()
        return NextConfig(records=(), model=model, column=column, count=flags.view.next, sampling=sampling)
    if flags.view.versus is not None:
        versus = replace(model, model=flags.view.versus)
        return TokensConfig(records=(), model=model, column=column, top=0, versus=versus)
    return TokensConfig(records=(), model=model, column=column, top=flags.view.top)


def _events(config: ExplainConfig) -> Events:
    from gptcli.tasks.explain import continuations, explain, measure

    match config:
        case NextConfig():
            return continuations(config)
        case TokensConfig():
            return explain(config)
    return measure(config)


def _state(flags: ExplainFlags) -> dict[str, object]:
    """Return the options that a run must have in common with the one that it continues."""
    state = by_name(flags.view, "next", "top") | {"--vs": flags.view.versus}
    state |= by_name(flags.chosen, "above", "below", "by", "scores")
    return state | by_name(flags.sampling, "temperature", "top_k", "top_p", "min_p")


def _renderer(
    flags: ExplainFlags, opened: Run, surface: Surface, selection: Selection, warn: Warn
) -> tuple[Iterator[Record], Renderer[Any]]:
    """Return the rows and the renderer of their results; a table must know the rows' columns beforehand."""
    rows, form, view, first = opened.rows, _form(flags), flags.view, opened.sink.fresh
    if isinstance(form, Csv):
        columns, records = rows.peeked()
        return records, MeasuredTable(form, columns, selection=selection, first=first, warn=warn)
    if form is not None:
        return rows.records, ExplainedObjects(form, flags.source.column, selection=selection, first=first, warn=warn)
    if flags.selects:
        return rows.records, MeasuredLines(selection, scores=flags.chosen.scores)
    if view.next is not None:
        return rows.records, TokenTable(TokenTable.NEXT) if view.tsv else NextView(surface)
    if view.versus is not None:
        compared = ComparedView(surface, versus=view.versus)
        return rows.records, TokenTable(TokenTable.COMPARED) if view.tsv else compared
    return rows.records, TokenTable(TokenTable.COLUMNS) if view.tsv else SurprisalView(surface)


def _form(flags: ExplainFlags) -> RowFormat | None:
    """Return the format of the rows, None for lines; of a table, rows that are selected are a table."""
    form = row_format(flags.output)
    if form is None and flags.selects and flags.output.output is None and flags.source.input is not None:
        return {".csv": Csv(","), ".tsv": Csv("\t")}.get(inner_suffix(flags.source.input))
    return form
