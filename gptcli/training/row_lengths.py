"""How long rows are in tokens, and what --max-length, packing and batches make of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gptcli.training.attention import group_rows
from gptcli.training.batches import Example
from gptcli.training.batches import Sequence as Packed
from gptcli.training.cut import Cut
from gptcli.training.options import Overflow, TrainingOptions
from gptcli.training.stream import Position, Stream, as_sequences

MOST_MEASURED = 50_000
"""Rows that are tokenized; of more, a sample drawn by the seed stands for all."""
PERCENTILES = (5, 50, 95, 99)
BINS = 10

Lengths = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthReport:
    """Tokens of the training rows before --max-length, the end mark of each among them."""

    measured: int
    """Rows that were tokenized: all, or a sample."""
    tokens: int
    """Of all rows."""
    percentiles: tuple[tuple[int, int], ...]
    """Each of PERCENTILES, and the tokens that so many of a hundred rows have at most."""
    longest: int
    histogram: tuple[tuple[int, int, int], ...]
    """Tokens from, tokens to, and how many of the measured rows have as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverflowReport:
    """What --max-length does to the training rows."""

    max_length: int
    overflow: Overflow
    cut: Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReport:
    """What rows become in an epoch."""

    processes: int
    batch_size: int
    """Sequences that each process computes at once."""
    packing: bool
    steps: int
    tokens: int
    tokens_awaited: int
    """Of the process that has most in each step: the others wait for it."""
    rows_per_sequence: float
    filled: float
    """Part of --max-length that a sequence has tokens for."""
    padding_of_random: float
    """Part of what batches of random rows, each row padded to the longest, would compute for nothing."""
    padding: float
    """The same part here: only attention pads, and only among rows of like lengths."""
    largest: int
    """Tokens of the largest batch."""
    longest: int
    """Tokens of the longest row in one."""


def sample(rows: int, seed: int) -> Sequence[int]:
    """Return the numbers of the rows to measure, in order."""
    if rows <= MOST_MEASURED:
        return range(rows)
    chosen = np.random.default_rng(seed).choice(rows, MOST_MEASURED, replace=False)
    return [int(number) for number in np.sort(chosen)]


def length_report(lengths: Lengths, rows: int) -> LengthReport:
    """Sum up the lengths of a sample of so many rows."""
    points = np.percentile(lengths, PERCENTILES, method="inverted_cdf")
    return LengthReport(
        measured=len(lengths),
        tokens=scaled(int(lengths.sum()), len(lengths), rows),
        percentiles=tuple(zip(PERCENTILES, map(int, points), strict=True)),
        longest=int(lengths.max()),
        histogram=_histogram(lengths, usual=int(points[-1])),
    )


def overflow_report(lengths: Lengths, rows: int, *, max_length: int, overflow: Overflow) -> OverflowReport:
    """Count what is longer, and what of it is lost."""
    longer = lengths[lengths > max_length]
    lost = {
        "truncate": int((longer - max_length).sum()),
        "drop": int(longer.sum()),
        "split": 0,
        "error": 0,
    }[overflow]
    return OverflowReport(
        max_length=max_length,
        overflow=overflow,
        cut=Cut(
            rows=scaled(len(longer), len(lengths), rows),
            tokens=scaled(lost, len(lengths), rows),
            estimated=len(lengths) < rows,
        ),
    )


def batch_report(
    lengths: Lengths, rows: int, options: TrainingOptions, *, max_length: int, processes: int = 1
) -> BatchReport | None:
    """Lay out an epoch as a run of so many processes does; None when --overflow drop leaves nothing."""
    pieces = [_pieces(int(length), max_length, options.overflow) for length in lengths]
    flat = np.array([piece for row in pieces for piece in row], dtype=np.int64)
    if not len(flat):
        return None
    batch_size = int(options.batch_size)
    source = _Source(pieces, packing=options.packing, max_length=max_length)
    epoch = _epoch(source, batch_size * options.gradient_accumulation * processes, options.seed)
    sequences = sum(len(step) for step in epoch)
    shares = [[step[rank::processes] for rank in range(processes)] for step in epoch]  # as the loop parts a step
    mine = [share for step in shares for share in step]
    batches = [share[at : at + batch_size] for share in mine for at in range(0, len(share), batch_size)]
    places = [_places(batch) for batch in batches]
    return BatchReport(
        processes=processes,
        batch_size=batch_size,
        packing=options.packing,
        steps=max(1, scaled(len(epoch), len(lengths), rows)),
        tokens=scaled(int(flat.sum()), len(lengths), rows),
        tokens_awaited=scaled(sum(max(map(_tokens, step)) for step in shares), len(lengths), rows),
        rows_per_sequence=len(flat) / sequences,
        filled=int(flat.sum()) / (sequences * max_length),
        padding_of_random=_padding_of_random(flat, batch_size, options.seed),
        padding=1 - int(flat.sum()) / sum(places),
        largest=max(map(_tokens, batches)),
        longest=int(flat.max()),
    )


def scaled(count: int, measured: int, rows: int) -> int:
    """Return a count of a sample as one of all rows."""
    return round(count * rows / measured)


class _Source:
    """Rows of which only the lengths are known, as a Stream takes them."""

    def __init__(self, pieces: Sequence[Sequence[int]], *, packing: bool, max_length: int) -> None:
        self._pieces = pieces
        self._packing = packing
        self._max_length = max_length
        self.items = len(pieces)

    def sequences(self, chosen: NDArray[np.int64]) -> list[Packed]:
        examples = [tuple(map(_blank, self._pieces[number])) for number in chosen]
        return as_sequences(examples, packing=self._packing, length=self._max_length)

    def items_per_sequence(self) -> float:
        tokens = sum(map(sum, self._pieces))
        return max(1.0, self._max_length * self.items / tokens) if self._packing else 1.0


def _blank(length: int) -> Example:
    return Example(np.broadcast_to(np.int32(0), length), None, None, "")


def _pieces(length: int, max_length: int, overflow: Overflow) -> list[int]:
    """Return the lengths that a row is learned in."""
    if length <= max_length:
        return [length]
    match overflow:
        case "drop":
            return []
        case "split":
            whole, rest = divmod(length, max_length)
            return [max_length] * whole + [rest] * (rest > 0)
        case "truncate" | "error":
            return [max_length]


def _epoch(source: _Source, sequences_per_step: int, seed: int) -> list[tuple[Packed, ...]]:
    """Return the steps of the first epoch."""
    stream = Stream(source, sequences_per_step=sequences_per_step, seed=seed)
    epoch: list[tuple[Packed, ...]] = []
    for step in stream.steps(Position()):
        epoch.append(step.sequences)
        if step.after.epoch:
            break
    return epoch


def _tokens(sequences: Sequence[Packed]) -> int:
    return sum(len(example.input_ids) for sequence in sequences for example in sequence)


def _places(batch: Sequence[Packed]) -> int:
    """Return for how many places attention computes a batch."""
    lengths = [len(example.input_ids) for sequence in batch for example in sequence]
    return len(group_rows(lengths).there)


def _padding_of_random(lengths: Lengths, batch_size: int, seed: int) -> float:
    shuffled = np.random.default_rng(seed).permutation(lengths)
    computed = sum(
        int(batch.max()) * len(batch)
        for batch in (shuffled[at : at + batch_size] for at in range(0, len(shuffled), batch_size))
    )
    return 1 - int(lengths.sum()) / computed


def _histogram(lengths: Lengths, *, usual: int) -> tuple[tuple[int, int, int], ...]:
    """Count in equal bins of a round width up to the usual length; one bin more has all that is longer."""
    least = int(lengths.min())
    width = _round_width((usual - least + 1) / BINS)
    begin = least // width * width
    edges = list(range(begin, usual + 1, width))
    bins = [(edge, edge + width - 1) for edge in edges]
    last, longest = bins[-1][1], int(lengths.max())
    if longest > last:
        bins.append((last + 1, longest))
    return tuple((low, high, int(((lengths >= low) & (lengths <= high)).sum())) for low, high in bins)


def _round_width(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 ... that is not below this."""
    power = 1
    while True:
        for digit in (1, 2, 5):
            if digit * power >= least:
                return digit * power
        power *= 10
