"""What gptcli generate does once its options are read."""

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial

from gptcli.cli.console import Console
from gptcli.cli.contradictions import GenerateFlags, refuse_contradictions, row_format, spelled
from gptcli.cli.flags import Work
from gptcli.cli.progress import Progress
from gptcli.cli.render import SEPARATOR, Objects, Renderer, Table, Text
from gptcli.cli.results import Results
from gptcli.cli.sinks import ResumableFile, Sink, Stdout
from gptcli.cli.source import Rows, open_rows
from gptcli.data.formats import Csv
from gptcli.data.records import Record
from gptcli.errors import ConfigError
from gptcli.tasks.config import GenerateConfig

USAGE = 'no prompt: try gptcli generate "Once upon a time", or send a prompt a line to standard input'


def prepare(flags: GenerateFlags) -> Work:
    """Return the work, its options checked; raises ConfigError."""
    refuse_contradictions(flags)
    sampling = flags.sampling
    config = GenerateConfig(
        records=(),
        seed=secrets.randbelow(2**32) if sampling.seed is None else sampling.seed,
        model=flags.model.options(),
        sampling=sampling.options(logprobs=flags.output.logprobs),
        column=flags.source.column,
        template=flags.prompt.template,
        num_samples=sampling.num_samples,
        logit_bias=sampling.biases(),
    )
    return partial(run, flags=flags, config=config)


def run(console: Console, *, flags: GenerateFlags, config: GenerateConfig) -> None:
    """Generate, and write what comes; raises InputError at the end if rows failed."""
    with (
        closing(open_rows(flags.source, console, USAGE)) as rows,
        _open_sink(flags, config, console) as sink,
    ):
        _refuse_own_input(rows, flags.output.output, console)
        if sink.complete:
            name = flags.output.output
            console.tell(f"there is no {name}.resume, so {name} is complete, or of another program: nothing was done")
            return
        if flags.sampling.seed not in (None, sink.seed):
            raise ConfigError(f"{flags.output.output} was started with --seed {sink.seed}: give the same, or none")
        config = replace(config, seed=sink.seed, skip_rows=sink.rows_done, stream=_is_streamable(flags, rows))
        lines = rows.count_lines(console) if console.live else None
        shared = flags.output.output is None and console.results_may_reach_the_screen
        with Progress(console, lines=rows.count or lines, shared=shared) as progress:
            _generate(flags, rows, sink, progress, config)


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


def _generate(flags: GenerateFlags, rows: Rows, sink: Sink, progress: Progress, config: GenerateConfig) -> None:
    from gptcli.tasks.generate import generate

    records, renderer = _renderer(flags, rows, sink, progress)
    results = Results(sink, renderer, progress, num_samples=config.num_samples)
    # What the task holds must be let go before this process ends, whatever ends it.
    with closing(generate(replace(config, records=records))) as events:
        results.follow(events, lone=rows.count == 1)


def _open_sink(flags: GenerateFlags, config: GenerateConfig, console: Console) -> Sink:
    output = flags.output
    if output.output is None:
        return Stdout(console, config.seed)
    return ResumableFile(output.output, _state(flags), config.seed, overwrite=output.overwrite, resume=output.resume)


def _state(flags: GenerateFlags) -> dict[str, object]:
    """Return what a run must have in common with the one that it continues, by the names of the options."""
    state: dict[str, object] = {"PROMPT": flags.source.arguments}
    if flags.source.input is not None:
        # A changed input would give the rows that are left other numbers, or other texts.
        status = os.stat(flags.source.input)
        state[f"the contents of {flags.source.input}"] = [status.st_size, status.st_mtime_ns]
    state |= _by_name(flags.source, "input", "column", "whole")
    state |= _by_name(flags.prompt, "template")
    state |= _by_name(flags.output, "null", "no_echo", "logprobs")
    return state | _by_name(flags.sampling, *(field.name for field in fields(flags.sampling) if field.name != "seed"))


def _by_name(flags: object, *names: str) -> dict[str, object]:
    return {spelled(name): getattr(flags, name) for name in names}


def _is_streamable(flags: GenerateFlags, rows: Rows) -> bool:
    """Say whether a lone sample is printed as it comes; beams may still change its beginning."""
    sampling, output = flags.sampling, flags.output
    lone = rows.single_text is not None and sampling.num_samples == 1 and sampling.num_beams == 1
    return lone and output.output is None and row_format(output) is None and not output.no_stream


def _renderer(flags: GenerateFlags, rows: Rows, sink: Sink, progress: Progress) -> tuple[Iterator[Record], Renderer]:
    """Return the rows and the renderer of their results; a table must know the rows' columns beforehand."""
    output, num_samples = flags.output, flags.sampling.num_samples
    form = row_format(output)
    if form is None:
        several = rows.single_text is None or num_samples > 1
        end = b"\0" if output.null else f"\n{SEPARATOR}\n".encode() if several else b"\n"
        text = Text(
            echo=not output.no_echo,
            end=end,
            num_samples=num_samples,
            several=several,
        )
        return rows.records, text
    if isinstance(form, Csv):
        columns, records = rows.peeked()
        return records, Table(form, columns, num_samples=num_samples, warn=progress.warn)
    return rows.records, Objects(form, flags.source.column, first=sink.fresh, warn=progress.warn)
