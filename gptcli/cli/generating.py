"""What gptcli generate does once its options are read."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial

from gptcli.cli.console import Console
from gptcli.cli.contradictions import GenerateFlags, refuse_contradictions, row_format
from gptcli.cli.flags import Work
from gptcli.cli.progress import Progress
from gptcli.cli.render import SEPARATOR, Objects, Table, Text
from gptcli.cli.renderer import Renderer
from gptcli.cli.results import Results
from gptcli.cli.running import Run, by_name, opened_run, progress_of
from gptcli.cli.sharing import SharedWork
from gptcli.cli.source import Rows, copyable_stdin
from gptcli.data.formats import Csv
from gptcli.data.records import Record
from gptcli.errors import ConfigError
from gptcli.tasks.config import GenerateConfig
from gptcli.tasks.events import Completion
from gptcli.tasks.sharing import Share

USAGE = 'no prompt: try gptcli generate "Once upon a time", or send a prompt a line to standard input'


def prepare(flags: GenerateFlags) -> Work:
    """Return the work, its options checked; raises ConfigError."""
    refuse_contradictions(flags)
    sampling = flags.sampling
    config = GenerateConfig(
        records=(),
        seed=secrets.randbelow(2**32) if sampling.seed is None else sampling.seed,
        model=flags.model.options(),
        sampling=sampling.options(logprobs=flags.samples.logprobs),
        column=flags.source.column,
        template=flags.prompt.template,
        num_samples=flags.count.num_samples,
        logit_bias=sampling.biases(),
    )
    return SharedWork(
        work=partial(run, flags=flags, config=config),
        stdin=partial(copyable_stdin, flags=flags.source, usage=USAGE),
        num_processes=flags.model.num_processes,
    )


def run(console: Console, share: Share, *, flags: GenerateFlags, config: GenerateConfig) -> None:
    """Generate, and write what comes; raises InputError at the end if rows failed."""
    state = _state(flags) | {"seed": config.seed}
    with opened_run(console, share, flags.source, flags.output, state, usage=USAGE) as run:
        if run is None:
            return
        seed = int(str(run.sink.state["seed"]))
        if flags.sampling.seed not in (None, seed):
            raise ConfigError(f"{flags.output.output} was started with --seed {seed}: give the same, or none")
        stream = _is_streamable(flags, run.rows)
        config = replace(config, seed=seed, skip_rows=run.sink.rows_done, stream=stream, share=share)
        with progress_of(run, flags.output, console) as progress:
            _generate(flags, run, progress, config)


def _generate(flags: GenerateFlags, run: Run, progress: Progress, config: GenerateConfig) -> None:
    from gptcli.tasks.generate import generate

    records, renderer = _renderer(flags, run, progress)
    results = Results(run.sink, renderer, progress, num_samples=config.num_samples)
    # What the task holds must be let go before this process ends, whatever ends it.
    with closing(generate(replace(config, records=records))) as events:
        results.follow(events, lone=run.rows.count == 1)


def _state(flags: GenerateFlags) -> dict[str, object]:
    """Return the options that a run must have in common with the one that it continues."""
    state = by_name(flags.prompt, "template") | by_name(flags.samples, "null", "no_echo", "logprobs")
    state |= by_name(flags.count, "num_samples")
    return state | by_name(flags.sampling, *(field.name for field in fields(flags.sampling) if field.name != "seed"))


def _is_streamable(flags: GenerateFlags, rows: Rows) -> bool:
    """Say whether a lone sample is printed as it comes; beams may still change its beginning."""
    sampling, output = flags.sampling, flags.output
    lone = rows.single_text is not None and flags.count.num_samples == 1 and sampling.num_beams == 1
    return lone and output.output is None and row_format(output) is None and not flags.samples.no_stream


def _renderer(flags: GenerateFlags, run: Run, progress: Progress) -> tuple[Iterator[Record], Renderer[Completion]]:
    """Return the rows and the renderer of their results; a table must know the rows' columns beforehand."""
    rows, output, num_samples = run.rows, flags.samples, flags.count.num_samples
    form = row_format(flags.output)
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
    return rows.records, Objects(form, flags.source.column, first=run.sink.fresh, warn=progress.warn)
