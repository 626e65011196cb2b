"""metrics.jsonl tells the same of a run that was broken off and resumed as of one that was not."""

import dataclasses
import json
from pathlib import Path

import pytest

from gptcli.errors import OutputError
from gptcli.training.events import EvalReport, SampleReport, StepReport
from gptcli.training.metrics_log import VOLATILE, MetricsLog, read_metrics


def step_report(step, **changes):
    report = StepReport(
        step=step,
        epoch=step / 10,
        progress=step / 100,
        loss=3.0 / step,
        lr=1e-4,
        grad_norm=1.0,
        tokens=64,
        total_tokens=64 * step,
        seconds=0.1 * step,
        tokens_per_second=640.0,
        memory_bytes=1 << 20,
        seconds_left=None,
    )
    return dataclasses.replace(report, **changes)


def evaluation(step):
    return EvalReport(step=step, metrics={"loss": 2.5, "perplexity": 12.2}, best=True, rows=10)


def write_all(path, events, resume_step=None):
    with MetricsLog(path, resume_step) as log:
        for event in events:
            log.write(event)


def test_reports_read_back_in_their_order(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_all(path, [step_report(1), evaluation(1), SampleReport(step=1, prompt="Él\n", text="\ud800 ∞", copied=0.5)])
    step, tested, sample = read_metrics(path)
    assert step["type"] == "step"
    assert step["loss"] == 3.0
    assert step["seconds_left"] is None
    assert tested == {
        "type": "eval",
        "step": 1,
        "metrics": {"loss": 2.5, "perplexity": 12.2},
        "best": True,
        "rows": 10,
    }
    assert (sample["prompt"], sample["text"]) == ("Él\n", "\ud800 ∞")


def test_what_depends_on_the_clock_stands_last_in_its_line(tmp_path):
    slow = {"seconds": 9.0, "tokens_per_second": 1.0, "memory_bytes": 5, "seconds_left": 7.5}
    write_all(tmp_path / "fast", [step_report(1)])
    write_all(tmp_path / "slow", [step_report(1, **slow)])
    fast_line, slow_line = (path.read_bytes().split(b', "seconds"') for path in (tmp_path / "fast", tmp_path / "slow"))
    assert fast_line[0] == slow_line[0]
    assert tuple(json.loads(b'{"seconds"' + slow_line[1])) == VOLATILE


def test_a_report_is_on_the_disk_before_the_next_is_made(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsLog(path, None) as log:
        log.write(step_report(1))
        assert [record["step"] for record in read_metrics(path)] == [1]


def test_a_resumed_run_has_the_lines_of_an_unbroken_one(tmp_path):
    events = [event for step in range(1, 7) for event in (step_report(step), evaluation(step))]
    write_all(tmp_path / "unbroken", events)
    write_all(tmp_path / "broken", events[:9])
    with (tmp_path / "broken").open("ab") as file:
        file.write(b'{"type": "step", "st')
    write_all(tmp_path / "broken", events[8:], resume_step=4)
    assert (tmp_path / "broken").read_bytes() == (tmp_path / "unbroken").read_bytes()


def test_a_torn_or_damaged_line_is_not_read(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"type": "step", "step": 1}\n\0\0\0\n[1]\n{"type": "step", "step": 2}')
    assert read_metrics(path) == [{"type": "step", "step": 1}]


def test_a_new_run_begins_a_new_file_and_resuming_without_one_does_too(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"type": "step", "step": 1}\n')
    write_all(path, [])
    assert path.read_bytes() == b""
    write_all(tmp_path / "none", [step_report(8)], resume_step=7)
    assert len(read_metrics(tmp_path / "none")) == 1


def test_a_loss_that_is_not_finite_is_null(tmp_path):
    path = tmp_path / "metrics.jsonl"
    write_all(path, [step_report(1, loss=float("nan"))])
    assert read_metrics(path)[0]["loss"] is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(OutputError, match=r"none.metrics\.jsonl cannot be written: No such file"):
        MetricsLog(tmp_path / "none" / "metrics.jsonl", None)
    with pytest.raises(OutputError, match="cannot be read"):
        read_metrics(tmp_path / "none")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with MetricsLog(path, None) as log:
        log._file.close()
        log._file = open("/dev/full", "ab", buffering=0)  # noqa: SIM115 - the log closes it
        with pytest.raises(OutputError, match=r"metrics\.jsonl cannot be written: No space left"):
            log.write(step_report(1))
