"""What gptcli classify does once its options are read."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import fields, replace
from functools import partial

from gptcli.cli.console import Console
from gptcli.cli.contradictions import ClassifyFlags, refuse_classify_contradictions, row_format
from gptcli.cli.flags import Work
from gptcli.cli.progress import Progress
from gptcli.cli.render_labels import LabelObjects, LabelTable, Lines, Wording
from gptcli.cli.renderer import Renderer
from gptcli.cli.results import Results
from gptcli.cli.running import Run, by_name, opened_run, progress_of
from gptcli.cli.sharing import SharedWork
from gptcli.cli.source import copyable_stdin
from gptcli.data.compression import inner_suffix
from gptcli.data.formats import Csv, RowFormat
from gptcli.data.journal import CONTENTS
from gptcli.data.readers import check_readable
from gptcli.data.records import Record
from gptcli.tasks.config import DEFAULT_LABEL_SEPARATOR, ClassifyConfig
from gptcli.tasks.events import Classified
from gptcli.tasks.sharing import Share

USAGE = 'no text: try gptcli classify -m DIR "I loved it", or send a text a line to standard input'


def prepare(flags: ClassifyFlags) -> Work:
    """Return the work, its options checked; raises ConfigError, and InputError for a file of labels."""
    refuse_classify_contradictions(flags)
    labels = flags.labels
    config = ClassifyConfig(
        records=(),
        model=flags.model.options(),
        labels=flags.words.options(),
        column=flags.source.column,
        long=labels.long,
        top=labels.top,
        min_prob=labels.min_prob,
        threshold=labels.threshold,
        abstains="abstain_label" in flags.given,
        label_column=labels.label_column,
        label_separator=labels.label_separator,
    )
    return SharedWork(
        work=partial(run, flags=flags, config=config),
        stdin=partial(copyable_stdin, flags=flags.source, usage=USAGE),
        num_processes=flags.model.num_processes,
    )


def run(console: Console, share: Share, *, flags: ClassifyFlags, config: ClassifyConfig) -> None:
    """Classify, and write what comes; raises InputError at the end if rows failed."""
    with opened_run(console, share, flags.source, flags.output, _state(flags), usage=USAGE) as opened:
        if opened is None:
            return
        with progress_of(opened, flags.output, console) as progress:
            _classify(flags, opened, progress, replace(config, skip_rows=opened.sink.rows_done, share=share))


def _classify(flags: ClassifyFlags, opened: Run, progress: Progress, config: ClassifyConfig) -> None:
    from gptcli.tasks.classify import classify

    records, renderer = _renderer(flags, opened, progress)
    results = Results(opened.sink, renderer, progress)
    # What the task holds must be let go before this process ends, whatever ends it.
    with closing(classify(replace(config, records=records))) as events:
        results.follow(events, lone=opened.rows.count == 1)


def _state(flags: ClassifyFlags) -> dict[str, object]:
    """Return the options that a run must have in common with the one that it continues, and what is in their files."""
    state: dict[str, object] = {}
    for group in (flags.labels, flags.words):
        state |= by_name(group, *(field.name for field in fields(group)))
    files = (flags.words.labels_file, flags.words.examples)
    for path in files:
        if path is not None:
            check_readable(path)
            status = os.stat(path)
            state[f"{CONTENTS} {path}"] = [status.st_size, status.st_mtime_ns]
    return state


def _renderer(flags: ClassifyFlags, opened: Run, progress: Progress) -> tuple[Iterator[Record], Renderer[Classified]]:
    """Return the rows and the renderer of their results; a table must know the rows' columns beforehand."""
    labels, rows, form = flags.labels, opened.rows, _format(flags)
    separator = DEFAULT_LABEL_SEPARATOR if labels.label_separator is None else labels.label_separator
    wording = Wording(top=labels.top or 1, abstain_label=labels.abstain_label, separator=separator)
    if form is None:
        return rows.records, Lines(wording)
    if isinstance(form, Csv):
        columns, records = rows.peeked()
        return records, LabelTable(form, columns, wording, progress.warn)
    objects = LabelObjects(
        form,
        flags.source.column,
        abstain_label=labels.abstain_label,
        first=opened.sink.fresh,
        warn=progress.warn,
    )
    return rows.records, objects


def _format(flags: ClassifyFlags) -> RowFormat | None:
    """Return the format of the rows, None for lines of text; a table that comes in goes out as one."""
    form = row_format(flags.output)
    if form is None and flags.output.output is None and flags.source.input is not None:
        return {".csv": Csv(","), ".tsv": Csv("\t")}.get(inner_suffix(flags.source.input))
    return form
