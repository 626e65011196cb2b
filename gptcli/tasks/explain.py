"""Explain texts: rows in, what the model expected of them out, in order."""

from collections.abc import Callable, Generator, Iterator
from functools import partial

import numpy as np

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.columns import TEXT_COLUMNS, choose_column, text_of
from gptcli.data.records import Record
from gptcli.engine.inspector import LoadedInspector, load_inspector
from gptcli.engine.likelihood import scores_in_order
from gptcli.engine.options import ModelOptions
from gptcli.engine.sampling import Sampler
from gptcli.engine.scorer import Item, ItemScores, Span, load_scorer
from gptcli.errors import ConfigError, InputError
from gptcli.explaining.candidates import Candidates, candidates
from gptcli.tasks.cuts import Cuts
from gptcli.tasks.events import Event, Notice, Place, RowFailed, Stage
from gptcli.tasks.explain_config import ExplainConfig, NextConfig, TokensConfig
from gptcli.tasks.explain_events import (
    ExplainedRow,
    Figures,
    NextToken,
    RowCompared,
    RowContinued,
    RowExplained,
    RowMeasured,
)
from gptcli.tasks.explained import explain_text
from gptcli.tasks.locating import loading, located_model, opened
from gptcli.tasks.text_windows import windowed
from gptcli.tasks.windows import beginning

Told = Event | ExplainedRow
Row = tuple[int, Record, str]
"""Its number in the input, from 0, where it came from, and its text."""


def explain(config: TokensConfig) -> Generator[Told, None, None]:
    """Yield a RowExplained for every row, in input order, or a RowCompared with another model's view of it.

    A row that cannot be done is a RowFailed. Raises ModelError, DeviceError, ConfigError or InputError when the run as
    a whole cannot go on.
    """
    loaded = yield from opened(config.model, load_inspector)
    other = None
    if config.versus is not None:
        other = yield from _opened_other(loaded, config.versus)
    yield Stage(text="explaining")

    def explained(row: Row) -> ExplainedRow:
        index, record, text = row
        found = explain_text(loaded, text, config.top)
        if other is None:
            return RowExplained(index=index, record=record, explained=found)
        return RowCompared(index=index, record=record, explained=found, other=explain_text(other, text, config.top))

    yield from _in_order(_Rows(config), explained)


def continuations(config: NextConfig) -> Generator[Told, None, None]:
    """Yield a RowContinued for every row: what may come behind it. Else as explain."""
    loaded = yield from opened(config.model, load_inspector)
    cuts = Cuts()
    yield Stage(text="explaining")
    yield from _in_order(_Rows(config), partial(_continued, loaded, config, cuts))
    yield from cuts.notices()


def measure(config: ExplainConfig) -> Generator[Told, None, None]:
    """Yield a RowMeasured for every row: its surprisal in figures, of many rows at once. Else as explain."""
    loaded = yield from opened(config.model, load_scorer)
    yield Stage(text="measuring")
    waiting: dict[int, Row] = {}

    def items() -> Iterator[Item | RowFailed]:
        for row in _Rows(config).texts():
            if isinstance(row, RowFailed):
                yield row
                continue
            index, _, text = row
            read = windowed(loaded.tokenizer, loaded.config, text)
            spans = (Span(tokens=read.ids[window.begin : window.end], start=window.start) for window in read.windows)
            waiting[index] = row
            yield Item(key=index, spans=tuple(spans))

    for scored in scores_in_order(loaded.scorer, items(), most_rows=loaded.most_rows):
        yield scored if isinstance(scored, RowFailed) else _measured(waiting.pop(scored.key), scored)


def _opened_other(loaded: LoadedInspector, model: ModelOptions) -> Generator[Stage | Notice, None, LoadedInspector]:
    """Open the model to compare with; raises ConfigError for one that cuts texts otherwise, and as load_inspector."""
    located = yield from located_model(model.model)
    if located.directory.samefile(loaded.directory):
        raise ConfigError(f"--vs {model.model} is the same model as -m: give another")
    yield loading(located, model)
    other = load_inspector(located, model)
    if not loaded.tokenizer.cuts_as(other.tokenizer):
        raise ConfigError(
            f"--vs {located.name} cuts text into other tokens than {loaded.name}: give one that was tuned from "
            "the other, or its base; gptcli evaluate --vs compares any two, by bits per byte"
        )
    return other


def _continued(loaded: LoadedInspector, config: NextConfig, cuts: Cuts, row: Row) -> RowContinued:
    """Return what may come behind a row; of a long one the end is read, and that is counted."""
    index, record, text = row
    tokens = loaded.tokenizer.encode(text)
    size = loaded.config.n_positions
    if not tokens:
        begin = beginning(loaded.config)
        if begin is None:
            raise InputError("is empty, and this model has no beginning-of-text token")
        tokens = [begin]
    if len(tokens) > size:
        cuts.count(f"texts of which the last {size:,} tokens are read", Place(row=index, origin=record.origin))
    read = tokens[-size:]
    logits = next(loaded.inspector.logits(np.array(read, np.int32), len(read) - 1))[0]
    sampler = Sampler(options=config.sampling, eos_token_ids=loaded.config.eos_token_ids, ban=None)
    found = candidates(logits, sampler, read, config.count)
    return RowContinued(
        index=index,
        record=record,
        text=text,
        likely=next_tokens(found, loaded.tokenizer),
        kept=found.kept,
        entropy=found.entropy,
        tokens=len(read),
    )


def next_tokens(found: Candidates, tokenizer: Tokenizer) -> tuple[NextToken, ...]:
    """Return candidates with their texts."""
    return tuple(
        NextToken(
            token=one.token,
            text=tokenizer.token_text(one.token),
            probability=one.probability,
            drawn=one.kept_probability,
        )
        for one in found.candidates
    )


def _measured(row: Row, scores: ItemScores) -> RowMeasured:
    index, record, text = row
    logprobs = [logprob for span in scores.spans for logprob in span.logprobs.tolist()]
    return RowMeasured(index=index, record=record, text=text, figures=Figures.of(logprobs, text))


def _in_order(rows: "_Rows", explained: Callable[[Row], ExplainedRow]) -> Iterator[ExplainedRow | RowFailed]:
    """Yield what comes of each row as soon as it is read."""
    for row in rows.texts():
        if isinstance(row, RowFailed):
            yield row
            continue
        try:
            yield explained(row)
        except InputError as error:
            yield RowFailed(index=row[0], record=row[1], message=str(error))


class _Rows:
    """The texts of one run."""

    def __init__(self, config: ExplainConfig) -> None:
        self._config = config
        self._column: str | None = None

    def texts(self) -> Iterator[Row | RowFailed]:
        """Yield the text of each row that is still to be done, or why there is none."""
        for index, record in enumerate(self._config.records):
            self._settle_column(record)
            if index < self._config.skip_rows:
                continue
            try:
                yield index, record, text_of(record, self._column or "")
            except InputError as error:
                yield RowFailed(index=index, record=record, message=str(error))

    def _settle_column(self, record: Record) -> None:
        """Let the first whole row settle which column holds the texts; raises InputError where none does."""
        if self._column is None and record.error is None:
            try:
                self._column = choose_column(list(record.columns), self._config.column, TEXT_COLUMNS)
            except InputError as error:
                raise InputError(f"{record.source}: {error}") from error
