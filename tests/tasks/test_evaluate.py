"""The frame of evaluate with an evaluator that needs no model: what is read, aligned, compared and told."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gptcli.data.rereading import DataFile
from gptcli.engine.options import ModelOptions
from gptcli.errors import ConfigError, InputError
from gptcli.evaluation.bootstrap import Bootstrap
from gptcli.tasks import evaluate as frame
from gptcli.tasks import evaluate_scoring
from gptcli.tasks.evaluate_config import Bound, EvaluateConfig
from gptcli.tasks.evaluate_events import EvaluateEvent, EvaluationReport, RowReport, ScoringStarted, TaskChosen
from gptcli.tasks.events import Notice, RowDone, RowFailed
from tests.evaluations import ToyEvaluator, ToyOptions, located

LINES = b"one\nthree\nfifteen letters\n"


@pytest.fixture(autouse=True)
def _models_of_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_scoring, "located_model", located)
    monkeypatch.setattr(frame, "have_one_tokenizer", lambda scored: True)


def events(evaluator: ToyEvaluator, *models: str, **changes: Any) -> list[EvaluateEvent]:
    """Run the task to its end."""
    settings: dict[str, Any] = {
        "paths": ("-",),
        "stdin": BytesIO(LINES),
        "lines": True,
        "options": lambda task: ToyOptions(made=evaluator),
    }
    named = tuple(ModelOptions(model=name) for name in models or ("3",))
    return list(frame.evaluate(EvaluateConfig(models=named, **(settings | changes))))


def report_of(found: list[EvaluateEvent]) -> EvaluationReport:
    """Return the one report."""
    (report,) = (event for event in found if isinstance(event, EvaluationReport))
    return report


def texts_of(found: list[EvaluateEvent]) -> list[str]:
    """Return what is told, without details."""
    return [event.text for event in found if isinstance(event, Notice) and not event.detail]


def test_a_run_tells_the_choice_then_each_row_then_the_figures() -> None:
    found = events(ToyEvaluator())
    chosen = next(event for event in found if isinstance(event, TaskChosen))
    assert chosen == TaskChosen(task="perplexity", reason="perplexity: standard input is plain text", rows=3)
    assert [event.index for event in found if isinstance(event, RowDone)] == [0, 1, 2]
    report = report_of(found)
    assert [figure.interval.value for figure in report.models[0].figures] == pytest.approx([23 / 3, 14 / 3])
    assert (report.rows_read, report.rows_failed, report.scored) == (3, 0, 3)
    assert report.convention == {"unit": "characters", "column": "text"}
    assert not any(isinstance(event, RowReport) for event in found)


def test_every_model_gets_the_same_rows_though_standard_input_can_be_read_once() -> None:
    evaluator = ToyEvaluator()
    found = events(evaluator, "3", "5", versus=ModelOptions(model="7"))
    assert evaluator.seen["3"] == [(0, "one"), (1, "three"), (2, "fifteen letters")]
    assert evaluator.seen["3"] == evaluator.seen["5"] == evaluator.seen["7"]
    assert [event.model for event in found if isinstance(event, ScoringStarted)] == ["3", "5", "7"]


def test_a_whole_file_keeps_its_white_space(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\n one \r\n<|endoftext|>\n\n")
    evaluator = ToyEvaluator(whole=True)
    events(evaluator, paths=(str(tmp_path / "a.txt"),), lines=False)
    assert evaluator.seen["3"] == [(0, "\n one \r\n<|endoftext|>\n\n")]


def test_rows_are_numbered_over_all_files_and_told_by_their_place(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_bytes(b"x\ny\n")
    found = events(ToyEvaluator(), paths=(str(tmp_path),), per_row=True)
    rows = [event for event in found if isinstance(event, RowReport)]
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert [row.origin.rpartition("/")[2] for row in rows] == ["a.txt:1", "a.txt:2", "b.txt:1", "b.txt:2"]
    assert rows[0].values == ({"length": 1.0, "error": 2.0},)


def test_the_data_is_told_with_its_digest() -> None:
    (file,) = report_of(events(ToyEvaluator())).files
    assert file == DataFile(name="standard input", size=len(LINES), sha256=sha256(LINES).hexdigest())


def test_limit_takes_the_first_rows() -> None:
    evaluator = ToyEvaluator()
    report = report_of(events(evaluator, limit=2))
    assert evaluator.seen["3"] == [(0, "one"), (1, "three")]
    assert (report.limit, report.rows_read) == (2, 2)


def test_a_row_that_one_model_cannot_score_is_left_out_of_all_and_told() -> None:
    found = events(ToyEvaluator(fails={"3": "three"}), "3", "5", per_row=True)
    report = report_of(found)
    assert [model.figures[0].interval.value for model in report.models] == [9.0, 9.0]
    assert (report.scored, report.rows_failed) == (2, 1)
    assert [event.index for event in found if isinstance(event, RowReport)] == [0, 2]
    assert "rows that are left out of all figures, since not every model could score them: 1" in texts_of(found)


def test_what_is_wrong_with_a_row_is_told_once_and_not_by_each_model(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"text": "one"}\n{"text": null}\n{"text": "two"}\n')
    found = events(ToyEvaluator(), "3", "5", paths=(str(tmp_path / "in.jsonl"),), lines=False)
    assert [event.message for event in found if isinstance(event, RowFailed)] == ["has no value in column text"]
    assert report_of(found).rows_failed == 1


def test_a_notice_says_which_of_several_models_it_is_about() -> None:
    assert texts_of(events(ToyEvaluator())) == ["texts that were long: 1"]
    assert texts_of(events(ToyEvaluator(), "3", "5")) == ["3: texts that were long: 1", "5: texts that were long: 1"]


def test_no_row_that_all_models_scored_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(b'{"text": null}\n' * 3)
    with pytest.raises(InputError, match=r"of 3 rows none could be scored$"):
        events(ToyEvaluator(), paths=(str(tmp_path / "in.jsonl"),), lines=False)


def test_data_that_changes_between_two_models_ends_the_run(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(LINES)
    evaluator = ToyEvaluator(between=lambda: path.write_bytes(b"four\nthree\nfifteen letters\n"))
    with pytest.raises(InputError, match=r"a\.txt has changed while it was read"):
        events(evaluator, "3", "5", paths=(str(path),))


def test_the_same_model_under_two_names_is_refused() -> None:
    with pytest.raises(ConfigError, match="two models are the same"):
        events(ToyEvaluator(), "3", "./3")


def test_a_metric_that_the_task_does_not_have_is_refused_before_any_model_is_looked_for() -> None:
    evaluator = ToyEvaluator()
    with pytest.raises(ConfigError, match="--fail-under accuracy: the figures of perplexity are length, error, no"):
        events(evaluator, bounds=(Bound(metric="accuracy", value=1.0),))
    assert not evaluator.seen


def test_a_metric_that_this_data_does_not_give_breaks_its_bound_and_loses_no_figure() -> None:
    report = report_of(events(ToyEvaluator(), bounds=(Bound(metric="nothing", value=1.0),)))
    assert [(bound.value, bound.passed) for bound in report.bounds] == [(None, False)]
    assert report.models[0].figures


@pytest.mark.parametrize(
    ("metric", "value", "passed"),
    [("length", 7.0, True), ("length", 8.0, False), ("error", 4.0, False), ("error", 5.0, True)],
)
def test_a_bound_is_the_least_of_a_figure_or_the_most_where_lower_is_better(
    metric: str, value: float, passed: bool
) -> None:
    found = events(ToyEvaluator(), versus=ModelOptions(model="9"), bounds=(Bound(metric=metric, value=value),))
    (bound,) = report_of(found).bounds
    assert (bound.model, bound.passed) == ("3", passed)
    assert bound.better == ("lower" if metric == "error" else "higher")


def test_each_model_is_compared_with_the_one_of_vs() -> None:
    report = report_of(events(ToyEvaluator(), "3", "5", versus=ModelOptions(model="15")))
    assert [(one.model, one.versus) for one in report.comparisons] == [("3", "15"), ("5", "15")]
    error = report.comparisons[0].differences[1].comparison
    assert error.difference.value == pytest.approx(np.mean([0, 2, 12]) - np.mean([12, 10, 0]))
    assert (error.wins, error.ties, error.losses) == (2, 0, 1)


def test_figures_of_tokens_do_not_compare_where_tokenizers_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "have_one_tokenizer", lambda scored: False)
    found = events(ToyEvaluator(), versus=ModelOptions(model="5"))
    report = report_of(found)
    assert report.incomparable == {"error"}
    assert [difference.name for difference in report.comparisons[0].differences] == ["length"]
    assert "the models' tokenizers differ: error do not compare" in texts_of(found)


def test_other_seeds_give_other_intervals_and_the_same_figures() -> None:
    reports = [report_of(events(ToyEvaluator(), bootstrap=Bootstrap(seed=seed))) for seed in (1, 1, 2)]
    values = [report.models[0].figures[0].interval for report in reports]
    assert values[0] == values[1]
    assert values[0].value == values[2].value
