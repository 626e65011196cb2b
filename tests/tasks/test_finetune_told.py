"""What finetune tells before, beside and instead of training."""

import json
from pathlib import Path
from typing import Any

import pytest

from gptcli.errors import ConfigError, InputError
from gptcli.training import encoding, memory
from gptcli.training.doctor import DataReport
from gptcli.training.events import SampleReport, TrainingStarted
from tests.tuning import held, labelled, tune, write_rows

SHORT: list[dict[str, Any]] = [{"text": f"row {n} of it"} for n in range(32)]
QUICK: dict[str, Any] = {"lr": 1e-3, "batch_size": 8, "max_steps": 4, "eval_every": 2.0, "save_every": 2.0}


@pytest.mark.parametrize("kind", ["lm", "single"])
def test_a_dry_run_reports_and_leaves_nothing(tiny: Path, tmp_path: Path, kind: str) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT) if kind == "lm" else labelled(tmp_path, kind)[0]
    told = tune(data, tmp_path / "out", tiny, **QUICK, dry_run=True, **held(data))
    (report,) = told.of(DataReport)
    assert (report.task, report.train) == (("lm", 32) if kind == "lm" else ("classify", 36))
    assert report.leaked == report.validation == report.train
    assert report.cost is not None
    assert report.cost.steps == 4
    assert report.cost.seconds is not None
    assert 0 < report.cost.seconds < 10
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("overflow", "finding"),
    [("drop", "every row is longer than --max-length 3"), ("error", "some rows (32) are longer than --max-length 3")],
)
def test_a_dry_run_tells_what_overflow_makes_of_long_rows_and_ends(
    tiny: Path, tmp_path: Path, overflow: str, finding: str
) -> None:
    data = write_rows(tmp_path / "data.jsonl", SHORT)
    options = {**QUICK, "overflow": overflow, "max_length": 3, "validation_split": 0.0}
    (report,) = tune(data, tmp_path / "out", tiny, **options, dry_run=True).of(DataReport)
    assert any(text.startswith(finding) for text in report.findings)
    assert (report.batches is None) == (overflow == "drop")


@pytest.mark.parametrize(("packing", "longest"), [(False, 13), (True, 48)])
def test_an_automatic_batch_size_leaves_room_for_the_longest_row_and_no_longer_one(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: bool, longest: int
) -> None:
    """It left room for the whole context: of rows of 60 tokens and a context of 1024 it took a 17th of the batch."""
    reckoned = []

    def largest(*_: object, longest: int, **__: object) -> int:
        reckoned.append(longest)
        return 4

    monkeypatch.setattr(memory, "largest_batch", largest)
    data = write_rows(tmp_path / "data.jsonl", [*SHORT, {"text": "a longer row"}])
    tuned = tune(data, tmp_path / "out", tiny, **(QUICK | {"batch_size": "auto"}), packing=packing, validation_split=0)
    assert reckoned == [longest]
    assert tuned.of(TrainingStarted)[0].batch_size == 4


def test_rows_that_are_cut_are_told(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", [{"text": "a" * 60}, {"text": "short"}, {"text": "b"}])
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, overflow="truncate", validation_split=0.0)
    assert "1 row was longer than a sequence: 13 of its tokens were not learned" in tuned.notices
    split = tune(data, tmp_path / "split", tiny, **QUICK, overflow="split", validation_split=0.0)
    assert not any("not learned" in text for text in split.notices)
    card = (split.directory / "README.md").read_text()
    assert "| longer than `--max-length` | 1 |" in card
    assert "not learned" not in card


def test_a_count_of_rows_that_is_estimated_is_told_as_such(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_MOST_COUNTED", 2)
    data = write_rows(tmp_path / "data.jsonl", [{"text": letter * 60} for letter in "abcde"])
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, overflow="truncate", validation_split=0.0)
    assert "about 5 rows were longer than a sequence: about 65 of their tokens were not learned" in tuned.notices


def test_a_long_row_that_is_held_out_is_refused_before_training_too(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", [{"text": "short"}, {"text": "b"}])
    (tmp_path / "held-out.jsonl").write_text(json.dumps({"text": "a" * 60}))
    with pytest.raises(InputError, match=r"held-out\.jsonl:1: has 61 tokens"):
        tune(data, tmp_path / "out", tiny, **QUICK, overflow="error", validation=str(tmp_path / "held-out.jsonl"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("single", {"early_stopping": 2}, "--early-stopping needs held-out rows"),
        ("multi", {"label_smoothing": 0.1}, "--label-smoothing is for one label a row"),
        ("regression", {"label_smoothing": 0.1}, "--label-smoothing is for one label a row"),
        ("single", {"sample_prompt": "x"}, "--sample-prompt does not go with --task classify"),
    ],
)
def test_an_option_that_could_do_nothing_is_an_error(
    tiny: Path, tmp_path: Path, kind: str, options: dict[str, Any], message: str
) -> None:
    data, needed = labelled(tmp_path, kind)
    with pytest.raises(ConfigError, match=message):
        tune(data, tmp_path / "out", tiny, **QUICK, **needed, **options, validation_split=0.0)
    assert not (tmp_path / "out").exists()


def test_samples_are_written_where_nothing_is_held_out_too(tiny: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "data.jsonl", [{"text": "short"}, {"text": "b"}])
    tuned = tune(data, tmp_path / "out", tiny, **QUICK, validation_split=0.0, sample_prompt="sh")
    assert [sample.step for sample in tuned.of(SampleReport)] == [2, 4]


def test_a_model_that_gives_one_label_only_is_told_of(tiny: Path, tmp_path: Path) -> None:
    rows = [{"text": f"row {n}", "label": "yes" if n % 8 else "no"} for n in range(32)]
    data = write_rows(tmp_path / "data.jsonl", rows)
    told = tune(data, tmp_path / "out", tiny, **(QUICK | held(data))).notices
    assert any(text.startswith("the model gives all held-out rows the label yes, whatever they say:") for text in told)
    alike = write_rows(tmp_path / "alike.jsonl", rows[1:8])
    told = tune(data, tmp_path / "alike", tiny, **QUICK, validation=str(alike)).notices
    assert not any("all held-out rows" in text for text in told)
