"""The data doctor tells what a run would learn from and what it would cost."""

import dataclasses
import json

import pytest

from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.tokenizer import load_tokenizer
from gptcli.data.labels import LabelSet
from gptcli.data.roles import Roles
from gptcli.training import doctor, row_lengths
from gptcli.training.doctor import examine
from gptcli.training.encoding import Encoder
from gptcli.training.options import TrainingOptions
from gptcli.training.rows import Row, RowSet


def rows_of(texts, *, labels=None, completions=None, validation=1, **changes):
    """Return rows of texts, the last ones for validation; labels are numbers, tuples of them, or floats."""
    rows = [
        Row(text, completions[number] if completions else None, labels[number] if labels else None, 0, number + 2)
        for number, text in enumerate(texts)
    ]
    task = "classify" if labels else "complete" if completions else "lm"
    rowset = RowSet(
        roles=Roles(task=task, reason="by the names of the columns"),
        labels=LabelSet(kind="single", names=("no", "yes", "maybe")) if labels else None,
        template=None,
        train=rows[: len(rows) - validation],
        validation=rows[len(rows) - validation :],
        sources=("data.csv",),
        digest="",
        rows_read=len(rows),
        unreadable=0,
        empty=0,
        duplicates=0,
        leaked=0,
    )
    return dataclasses.replace(rowset, **changes)


@pytest.fixture
def look(tiny):
    """Examine rows for the tiny model, where a character is a token."""
    config = read_config(tiny)
    tokenizer = load_tokenizer(tiny, config)

    def examined(rows, seconds_per_token=0.1, processes=1, **given):
        options = TrainingOptions(**given)
        longest = options.max_length or config.n_positions
        encoder = Encoder(rows, tokenizer, eos_id=0, max_length=longest, overflow=options.overflow)
        return examine(rows, encoder, options, config, seconds_per_token=seconds_per_token, processes=processes)

    return examined


def test_tokens_are_those_that_a_run_reads(look):
    assert look(rows_of(["abc", "defg", "x"])).lengths.tokens == 4 + 5  # an end mark in front of each
    assert look(rows_of(["abc", "x"], completions=["de", "y"])).lengths.tokens == 5
    assert look(rows_of(["abc", "x"], labels=[0, 1])).lengths.tokens == 3


def test_rows_and_what_is_wrong_with_them_are_told(look):
    rows = rows_of(["abc"] * 11, unreadable=1, empty=2, duplicates=9, leaked=1, rows_read=14)
    report = look(rows)
    counts = (report.rows_read, report.train, report.validation, report.unreadable, report.empty)
    assert counts == (14, 10, 1, 1, 2)
    assert (report.task, report.reason, report.files) == ("lm", "by the names of the columns", ("data.csv",))
    assert "1 of 1 validation row to be found in the training rows too" in report.findings[0]
    assert "9 training rows repeating another" in report.findings[1]


def test_labels_are_counted_on_both_sides(look):
    report = look(rows_of(["a"] * 24, labels=[0] * 20 + [1] * 2 + [1, 2], validation=2))
    assert [dataclasses.astuple(label) for label in report.labels] == [("no", 20, 0), ("yes", 2, 1), ("maybe", 0, 1)]
    unseen, rare, one_sided = report.findings
    assert unseen.startswith("no training row has the label maybe")
    assert rare.startswith("fewer than 10 training rows have the label yes")
    assert one_sided == "always answering no would be right for 91% of the rows: judge it by macro F1"


def test_each_of_several_labels_counts(look):
    rows = rows_of(["a"] * 3, labels=[(0, 2), (2,), ()], validation=0)
    rows = dataclasses.replace(rows, labels=LabelSet(kind="multi", names=("x", "y", "z")))
    assert [label.train for label in look(rows).labels] == [1, 0, 2]


@pytest.mark.parametrize(("names", "told"), [(("1.5", "2"), True), (("1", "2"), False), (("1.5", "many"), False)])
def test_labels_that_measure_something_are_told_from_classes(look, names, told):
    rows = rows_of(["a"] * 24, labels=[0, 1] * 12, validation=2)
    findings = look(dataclasses.replace(rows, labels=LabelSet(kind="single", names=names))).findings
    assert any("give --regression" in finding for finding in findings) is told


def test_a_regression_has_a_range_instead_of_labels(look):
    rows = rows_of(["a"] * 4, labels=[1.0, 2.0, 6.0, 9.0])
    report = look(dataclasses.replace(rows, labels=LabelSet(kind="regression", names=())))
    assert report.labels == ()
    assert report.targets == (1.0, 3.0, 6.0)


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({}, "38% of all tokens are lost at --max-length 48: give --overflow split"),
        ({"max_length": 30}, "61% of all tokens are lost at --max-length 30: raise it, up to 48, or give"),
        ({"overflow": "error"}, "some rows (2) are longer than --max-length 48 and --overflow error ends the run"),
        ({"overflow": "drop"}, "every row is longer than --max-length 48 and --overflow drop leaves none"),
    ],
)
def test_long_rows_are_a_finding_with_a_remedy(look, options, finding):
    report = look(rows_of(["x" * 76, "x" * 76, "y"]), **options)
    assert report.overflow.cut.rows == 2
    assert report.findings[0].startswith(finding)
    assert look(rows_of(["x" * 76, "x" * 76, "y"]), overflow="split").findings == ()


@pytest.mark.parametrize("overflow", ["truncate", "error"])
def test_no_row_that_has_an_end_of_its_own_is_told_to_be_split(look, overflow):
    """Of complete it said "3% of all tokens are lost: give --overflow split", which complete refuses."""
    rows = rows_of(["x" * 76, "y" * 76, "z"], labels=[0, 1, 0])
    finding = look(rows, overflow=overflow).findings[0]
    assert "longer" in finding
    assert "split" not in finding


def test_rows_that_are_all_dropped_cost_nothing(look):
    report = look(rows_of(["x" * 76, "y"]), overflow="drop")
    assert (report.batches, report.cost) == (None, None)


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        ({}, 30),
        ({"epochs": 0.5}, 5),
        ({"max_steps": 7}, 7),
        ({"max_tokens": 90}, 9),
        ({"max_time": 4.0}, 4),
        ({"epochs": None, "max_time": 4.0}, 4),
    ],
)
def test_the_run_ends_by_the_first_of_its_limits(look, options, steps):
    rows = rows_of(["abcd"] * 20 + ["x"])  # 5 tokens a row, 2 rows a step, 10 steps an epoch
    cost = look(rows, 0.1, batch_size=2, **options).cost
    assert cost.steps == steps
    assert cost.seconds == pytest.approx(steps)


@pytest.mark.parametrize(
    ("options", "steps"), [({}, 15), ({"max_steps": 7}, 7), ({"max_tokens": 90}, 5), ({"max_time": 4.0}, 4)]
)
def test_several_processes_share_the_steps_the_time_and_no_memory(look, options, steps):
    rows = rows_of(["abcd"] * 20 + ["x"])  # 5 tokens a row, 4 rows a step, 5 steps an epoch
    alone, shared = (look(rows, 0.1, number, batch_size=2, **options).cost for number in (1, 2))
    assert shared.steps == steps
    assert shared.seconds == pytest.approx(steps)  # of 2 rows in each process
    assert shared.memory.activations == alone.memory.activations
    assert shared.memory.gradients == 2 * alone.memory.gradients  # those that are being summed


def test_of_many_rows_a_sample_is_measured(look, monkeypatch):
    monkeypatch.setattr(row_lengths, "MOST_MEASURED", 10)
    report = look(rows_of(["abc"] * 101), batch_size=4)
    assert (report.lengths.measured, report.lengths.tokens) == (10, 400)
    assert report.batches.steps == 30  # 3 for 10 rows


def test_of_huge_rows_fewer_are_measured_and_what_is_counted_in_them_is_an_estimate(look, monkeypatch):
    """50,000 rows of megabytes would be tokenized for hours."""
    monkeypatch.setattr(doctor, "MOST_CHARACTERS", 1000)
    report = look(rows_of(["x" * 76] * 101), overflow="error")
    assert report.lengths.measured == 13
    assert report.findings[0].startswith("some rows (about 100) are longer than --max-length 48")


def test_a_run_without_validation_is_a_finding(look):
    assert "nothing will be measured" in look(rows_of(["abc"], validation=0)).findings[0]


def test_the_report_is_plain_data(look):
    report = look(rows_of(["abc"] * 5))
    assert json.loads(json.dumps(dataclasses.asdict(report)))["cost"]["peak_bytes"] == report.cost.memory.total
