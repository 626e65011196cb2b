"""The data doctor's report as a page of text."""

import dataclasses

import pytest

from gptcli.cli import doctor
from gptcli.cli.doctor import render
from gptcli.training.cut import Cut
from gptcli.training.doctor import CostReport, DataReport, LabelCount
from gptcli.training.footprint import Footprint
from gptcli.training.row_lengths import BatchReport, LengthReport, OverflowReport

MEMORY = Footprint(weights=1 << 30, gradients=1 << 30, optimizer=2 << 30, activations=512 << 20, loss=5, runtime=400)
REPORT = DataReport(
    task="classify",
    reason="classify: columns text and label, by their names",
    files=("reviews.csv",),
    rows_read=1005,
    train=900,
    validation=100,
    unreadable=3,
    empty=2,
    duplicates=7,
    leaked=1,
    labels=(LabelCount(name="bad", train=300, validation=40), LabelCount(name="good", train=600, validation=60)),
    targets=None,
    lengths=LengthReport(
        measured=900,
        tokens=9000,
        percentiles=((5, 3), (50, 9), (95, 20), (99, 25)),
        longest=1200,
        histogram=((0, 9, 450), (10, 10, 449), (20, 1200, 1)),
    ),
    overflow=OverflowReport(max_length=1024, overflow="truncate", cut=Cut(rows=1, tokens=176)),
    batches=BatchReport(
        processes=1,
        batch_size=8,
        packing=False,
        steps=113,
        tokens=9000,
        tokens_awaited=9000,
        rows_per_sequence=1.0,
        filled=0.01,
        padding_of_random=0.43,
        padding=0.06,
        largest=1100,
        longest=1024,
    ),
    cost=CostReport(steps=339, seconds=4000.0, memory=MEMORY, peak_bytes=MEMORY.total),
    findings=("something is wrong: mend it",),
)


def page(width=100, unicode=True, **changes):
    return render(dataclasses.replace(REPORT, **changes), width=width, unicode=unicode)


def test_the_whole_report_is_on_the_page():
    text = page()
    for line in (
        "data        reviews.csv",
        "task        classify: columns text and label, by their names",
        "rows        900 to train on, 100 to validate with",
        "left out    3 unreadable, 2 empty, of 1,005 read",
        "repeated    7 in training, 1 of validation in training too",
        "labels      bad   300 33.3% " + "█" * 20,
        "            good  600 66.7% " + "█" * 40,
        "tokens      9,000 to train on; in a row p5 3, p50 9, p95 20, p99 25, max 1,200",
        "max length  1,024 tokens; longer rows: 1, cut, 176 tokens lost (2.0%)",
        "batches     8 sequences; 1,100 tokens at most",
        "steps       339; an epoch has 113 of 80 tokens",
        "time        about 67 minutes, evaluations not counted",
        "look at     something is wrong: mend it",
    ):
        assert line in text.split("\n")
    assert "memory      about 4.5 GiB: weights 1.0 GiB" in text


@pytest.mark.parametrize("width", [40, 41, 60, 80, 200])
@pytest.mark.parametrize("unicode", [True, False])
def test_no_line_is_wider_than_the_page(width, unicode):
    labels = tuple(LabelCount(name=f"{'名' * 30}{number}", train=number, validation=0) for number in range(30))
    text = page(width, unicode, labels=labels, files=("a" * 300, "b.csv"))
    assert max(map(doctor.width, text.split("\n"))) <= width


def test_a_page_is_never_narrower_than_can_be_read():
    assert page(5) == page(40)


def test_without_unicode_bars_are_ascii_and_few_rows_still_show():
    text = page(unicode=False)
    assert text.isascii()
    assert "20-1,200    1  #" in text
    assert "▏" in page()


def test_the_bins_stand_under_each_other():
    bins = [line for line in page(unicode=False).split("\n") if line.strip().endswith("#") and "%" not in line]
    assert [line[12:26] for line in bins] == ["0-9       450 ", "10        449 ", "20-1,200    1 "]


def test_many_labels_are_cut_to_the_first():
    labels = tuple(LabelCount(name=str(number), train=number, validation=0) for number in range(150))
    text = page(labels=labels)
    assert "and 130 labels more, of 20 to 149 rows" in text


def test_names_drive_no_terminal():
    assert "\x1b" not in page(files=("\x1b[31m.csv",), labels=(LabelCount(name="\x1b[2J", train=1, validation=0),))


def test_what_is_sampled_or_packed_is_said():
    text = page(
        lengths=dataclasses.replace(REPORT.lengths, measured=500),
        overflow=OverflowReport(max_length=1024, overflow="truncate", cut=Cut(rows=7, tokens=176, estimated=True)),
        batches=dataclasses.replace(REPORT.batches, packing=True, rows_per_sequence=9.26, filled=0.97),
    )
    assert "9,000 to train on (from 500 of the rows)" in text
    assert "1,024 tokens; longer rows: about 7, cut, about 176 tokens lost (2.0%)" in text
    assert "8 sequences, each of 9.3 rows, 97% full" in text


def test_what_each_of_several_processes_does_is_told_from_what_all_do():
    shared = dataclasses.replace(REPORT.batches, processes=3)
    text = page(width=200, batches=shared)
    assert "batches     8 sequences in each of 3 processes; 1,100 tokens at most\n" in text
    assert "memory      about 4.5 GiB in each process, 13.5 GiB in all: weights 1.0 GiB" in text
    packed = page(width=200, batches=dataclasses.replace(shared, packing=True, rows_per_sequence=9.26, filled=0.97))
    assert "8 sequences, each of 9.3 rows, 97% full, in each of 3 processes;" in packed


def test_a_regression_shows_its_range():
    assert "targets     1 to 5, 3.5 on average\n" in page(labels=(), targets=(1.0, 3.5, 5.0))


def test_rows_that_are_all_dropped_have_no_batches():
    assert "batches" not in page(batches=None, cost=None)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.2, "1 second"),
        (1.6, "2 seconds"),
        (99, "99 seconds"),
        (101, "2 minutes"),
        (5400, "90 minutes"),
        (9000, "2:30 hours"),
    ],
)
def test_durations_are_in_the_unit_that_people_use(seconds, shown):
    assert doctor._duration(seconds) == shown
