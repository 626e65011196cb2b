"""Lengths of rows, and what an epoch of them is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.training import row_lengths
from gptcli.training.cut import Cut
from gptcli.training.options import TrainingOptions
from gptcli.training.row_lengths import batch_report, length_report, overflow_report, sample

lengths_of_rows = st.lists(st.integers(1, 3000), min_size=1, max_size=200).map(np.array)


def laid_out(lengths, *, max_length=64, processes=1, **options):
    settled = TrainingOptions(**options)
    return batch_report(np.array(lengths), len(lengths), settled, max_length=max_length, processes=processes)


@given(lengths_of_rows)
def test_every_row_is_in_one_bin_of_the_histogram(lengths):
    report = length_report(lengths, len(lengths))
    assert sum(count for _, _, count in report.histogram) == len(lengths)
    assert all(low <= high for low, high, _ in report.histogram)
    assert len(report.histogram) <= row_lengths.BINS + 3
    assert report.longest == max(lengths)
    assert all(value in lengths for _, value in report.percentiles)


def test_a_sample_stands_for_all_rows(monkeypatch):
    monkeypatch.setattr(row_lengths, "MOST_MEASURED", 100)
    chosen = sample(1000, seed=3)
    assert len(set(chosen)) == 100
    assert list(chosen) == sorted(chosen) == list(sample(1000, seed=3))
    assert list(sample(100, seed=3)) == list(range(100))
    report = length_report(np.full(100, 7), 1000)
    assert (report.measured, report.tokens) == (100, 7000)
    batches = batch_report(np.full(100, 7), 1000, TrainingOptions(batch_size=10), max_length=64)
    assert (batches.steps, batches.tokens) == (100, 7000)


@pytest.mark.parametrize(
    ("overflow", "lost", "learned"), [("truncate", 15, 25), ("drop", 35, 5), ("split", 0, 40), ("error", 0, 25)]
)
def test_overflow_loses_what_it_says(overflow, lost, learned):
    lengths = np.array([5, 15, 20])
    report = overflow_report(lengths, 3, max_length=10, overflow=overflow)
    assert report.cut == Cut(rows=2, tokens=lost)
    assert overflow_report(lengths, 30, max_length=10, overflow=overflow).cut == Cut(
        rows=20, tokens=10 * lost, estimated=True
    )
    assert laid_out(lengths, max_length=10, overflow=overflow).tokens == learned


def test_nothing_is_laid_out_when_all_rows_are_dropped():
    assert laid_out([80, 90], overflow="drop") is None


def test_padding_of_random_rows_is_counted():
    report = laid_out([10] * 8 + [30] * 8, batch_size=16)
    assert report.padding_of_random == pytest.approx(1 - 20 / 30)
    assert report.padding == 0
    assert (report.steps, report.largest, report.longest) == (1, 320, 30)


def test_packing_fills_sequences_and_saves_steps():
    alone, packed = laid_out([16] * 64, batch_size=2), laid_out([16] * 64, batch_size=2, packing=True)
    assert (alone.steps, alone.rows_per_sequence, alone.filled) == (32, 1.0, 0.25)
    assert (packed.steps, packed.rows_per_sequence, packed.filled) == (8, 4.0, 1.0)
    assert packed.largest == 128


def test_steps_are_those_of_an_epoch():
    assert laid_out([5] * 100, batch_size=8).steps == 13
    assert laid_out([5] * 100, batch_size=8, gradient_accumulation=4).steps == 4
    assert laid_out([5] * 1000, batch_size=2).steps == 500


def test_steps_are_those_of_all_processes_and_batches_of_each():
    """They were those of one: twice the steps that two processes took, and twice the time."""
    assert laid_out([5] * 100, batch_size=8, processes=2).steps == 7
    assert laid_out([5] * 100, batch_size=8, gradient_accumulation=4, processes=2).steps == 2
    report = laid_out([5] * 64, batch_size=8, processes=4)
    assert (report.processes, report.steps, report.largest) == (4, 2, 40)
    assert (report.tokens, report.tokens_awaited) == (320, 80)
    packed = laid_out([16] * 64, batch_size=2, packing=True, processes=2)
    assert (packed.steps, packed.largest, packed.tokens_awaited) == (4, 128, 512)


def test_a_step_takes_as_long_as_the_process_with_most_tokens():
    report = laid_out([10, 30, 5], batch_size=2, processes=2)
    assert (report.steps, report.tokens) == (1, 45)
    assert report.tokens_awaited in (30, 35, 40)  # two rows, or the longest alone
    assert laid_out([10, 30, 5], batch_size=2).tokens_awaited == 45
