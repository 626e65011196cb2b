"""The data doctor: what a run would learn from, what it would cost, and what looks wrong; nothing is trained."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gptcli.checkpoint.config import ModelConfig
from gptcli.data.column_kinds import holds_decimals
from gptcli.data.roles import Task
from gptcli.data.words import counted
from gptcli.training.encoding import Encoder
from gptcli.training.footprint import Footprint, estimate_memory
from gptcli.training.options import TrainingOptions
from gptcli.training.row_lengths import (
    BatchReport,
    LengthReport,
    OverflowReport,
    batch_report,
    length_report,
    overflow_report,
    sample,
)
from gptcli.training.rows import Row, RowSet

FEW_ROWS = 10
"""A label of fewer training rows is hard to learn."""
ONE_SIDED = 0.8
"""Part of the rows that have the same label from which accuracy alone says little."""
MOST_CHARACTERS = 100_000_000
"""Of the rows that are tokenized: a minute or so. Of longer ones fewer stand for all."""
MUCH = 0.01
"""Part of the rows or tokens from which it is worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelCount:
    """Rows of one label."""

    name: str
    train: int
    validation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CostReport:
    """What the run takes."""

    steps: int
    seconds: float
    """Evaluations and checkpoints come on top."""
    memory: Footprint
    """Of each process."""
    peak_bytes: int
    """Of each process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """All that --dry-run tells."""

    task: Task
    reason: str
    """The task, the columns it uses, and why."""
    files: tuple[str, ...]
    rows_read: int
    train: int
    validation: int
    unreadable: int
    empty: int
    duplicates: int
    leaked: int
    labels: tuple[LabelCount, ...]
    """Empty for a regression."""
    targets: tuple[float, float, float] | None
    """Of a regression: the least, the mean and the greatest of the training rows."""
    lengths: LengthReport
    overflow: OverflowReport
    batches: BatchReport | None
    """None when --overflow drop leaves no row."""
    cost: CostReport | None
    findings: tuple[str, ...]
    """What looks wrong, each with its remedy."""


def examine(
    rows: RowSet,
    encoder: Encoder,
    options: TrainingOptions,
    config: ModelConfig,
    *,
    seconds_per_token: float,
    processes: int = 1,
) -> DataReport:
    """Report on the rows of a run; seconds_per_token is how fast each process was seen to be on this machine."""
    count = len(rows.train)
    max_length = min(options.max_length or config.n_positions, config.n_positions)
    lengths = encoder.lengths(_measured(rows.train, options.seed))
    overflow = overflow_report(lengths, count, max_length=max_length, overflow=options.overflow)
    batches = batch_report(lengths, count, options, max_length=max_length, processes=processes)
    labels = _label_counts(rows)
    report = length_report(lengths, count)
    return DataReport(
        task=rows.roles.task,
        reason=rows.roles.reason,
        files=rows.sources,
        rows_read=rows.rows_read,
        train=count,
        validation=len(rows.validation),
        unreadable=rows.unreadable,
        empty=rows.empty,
        duplicates=rows.duplicates,
        leaked=rows.leaked,
        labels=labels,
        targets=_targets(rows),
        lengths=report,
        overflow=overflow,
        batches=batches,
        cost=None if batches is None else _cost(rows, options, config, batches, seconds_per_token),
        findings=(
            *_row_findings(rows),
            *_length_findings(report, overflow, batches, context=config.n_positions, may_split=rows.roles.task == "lm"),
            *_label_findings(labels),
        ),
    )


def _measured(rows: Sequence[Row], seed: int) -> list[Row]:
    """Return the rows that are tokenized: all, or a sample of no more than MOST_CHARACTERS or so."""
    chosen = [rows[number] for number in sample(len(rows), seed)]
    return chosen[:: -(-sum(row.characters for row in chosen) // MOST_CHARACTERS) or 1]


def _label_counts(rows: RowSet) -> tuple[LabelCount, ...]:
    if rows.labels is None or rows.labels.kind == "regression":
        return ()
    train, validation = (_count_labels(part) for part in (rows.train, rows.validation))
    return tuple(
        LabelCount(name=name, train=train[number], validation=validation[number])
        for number, name in enumerate(rows.labels.names)
    )


def _count_labels(rows: Sequence[Row]) -> Counter[object]:
    counts: Counter[object] = Counter()
    for row in rows:
        counts.update(row.label if isinstance(row.label, tuple) else (row.label,))
    return counts


def _targets(rows: RowSet) -> tuple[float, float, float] | None:
    if rows.labels is None or rows.labels.kind != "regression":
        return None
    values = [float(row.label) for row in rows.train if isinstance(row.label, int | float)]
    return min(values), math.fsum(values) / len(values), max(values)


def _cost(
    rows: RowSet, options: TrainingOptions, config: ModelConfig, batches: BatchReport, seconds_per_token: float
) -> CostReport:
    """Return what the run takes; it ends by whichever option says so first."""
    tokens_per_step = batches.tokens / batches.steps
    seconds_per_step = seconds_per_token * batches.tokens_awaited / batches.steps
    limits: list[float] = []
    if options.epochs is not None:
        limits.append(options.epochs * batches.steps)
    if options.max_steps is not None:
        limits.append(options.max_steps)
    if options.max_tokens is not None:
        limits.append(options.max_tokens / tokens_per_step)
    if options.max_time is not None:
        limits.append(options.max_time / seconds_per_step)
    steps = max(1, math.ceil(min(limits)))
    labels = None if rows.labels is None else max(1, len(rows.labels.names))
    memory = estimate_memory(
        config,
        options,
        labels=labels,
        tokens=batches.largest,
        longest=batches.longest,
        processes=batches.processes,
    )
    return CostReport(steps=steps, seconds=steps * seconds_per_step, memory=memory, peak_bytes=memory.total)


def _row_findings(rows: RowSet) -> Iterator[str]:
    if not rows.validation:
        yield "no row is held out, so nothing will be measured: give --validation-split 0.1 or --validation FILE"
    if rows.leaked:
        yield (
            f"{rows.leaked:,} of {counted(len(rows.validation), 'validation row')} to be found in the training rows"
            " too, so the metrics will flatter the model: remove them from one of the two"
        )
    if rows.duplicates > MUCH * len(rows.train):
        repeated = counted(rows.duplicates, "training row")
        yield f"{repeated} repeating another, which weighs double: remove what is not meant so"


def _length_findings(
    lengths: LengthReport, overflow: OverflowReport, batches: BatchReport | None, *, context: int, may_split: bool
) -> Iterator[str]:
    cut = overflow.cut
    if cut.rows and overflow.overflow == "error":
        ways = "truncate, drop or split" if may_split else "truncate or drop"
        yield (
            f"some rows ({cut.told(cut.rows)}) are longer than --max-length {overflow.max_length} and --overflow error"
            f" ends the run at the first: shorten them, or give --overflow {ways}"
        )
    if batches is None:
        yield f"every row is longer than --max-length {overflow.max_length} and --overflow drop leaves none: raise it"
    elif cut.tokens > MUCH * lengths.tokens:
        share = f"{cut.tokens / lengths.tokens:.0%} of all tokens are lost"
        higher = (f"raise it, up to {context}",) if overflow.max_length < context else ()
        split = "give --overflow split" if may_split else "take a model with a longer context, or shorten the rows"
        yield f"{share} at --max-length {overflow.max_length}: {', or '.join((*higher, split))}"


def _label_findings(labels: Sequence[LabelCount]) -> Iterator[str]:
    rows = sum(label.train for label in labels)
    unseen = [label.name for label in labels if not label.train]
    rare = [label.name for label in labels if 0 < label.train < FEW_ROWS]
    if unseen:
        yield f"no training row has the label {_names(unseen)}, so it cannot be learned: add rows, or remove it"
    if rare:
        yield f"fewer than {FEW_ROWS} training rows have the label {_names(rare)}: add rows"
    if holds_decimals([label.name for label in labels]):
        yield "the labels are numbers with fractions: give --regression to predict a number, not one of these"
    for label in labels:
        if label.train >= ONE_SIDED * rows:
            share = f"{label.train / rows:.0%}"
            yield f"always answering {label.name} would be right for {share} of the rows: judge it by macro F1"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} or {len(names) - 3} more"
