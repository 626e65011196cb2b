"""Choices and last words against lm-evaluation-harness: its tasks, word for word, with its own model."""

from pathlib import Path
from typing import Any

import pytest

from gptcli.data.choices import require_choice_shape
from gptcli.data.records import Record
from gptcli.tasks.evaluators.base import Evaluator
from gptcli.tasks.evaluators.choices_options import ChoicesOptions
from gptcli.tasks.evaluators.lastword_options import LastWordOptions
from tests.harness import task_results
from tests.harness_tasks import ARC, HELLASWAG, LAMBADA, PIQA, first_rows, write_task
from tests.tasks.evaluators.scoring import figures, roles, score

# Importing lm_eval, datasets and transformers takes seconds, and on a machine with other work minutes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS = 50
PIQA_ROWS = [
    {"goal": "To open a jar,", "sol1": "twist the lid.", "sol2": "eat the lid.", "label": 0},
    {"goal": "How do I warm soup?", "sol1": "Put it into the sea", "sol2": "Put it on the stove", "label": 1},
    {"goal": "Dry a dog ", "sol1": "with a towel", "sol2": "with the rain, or with some more of it", "label": 0},
]
ARC_ROWS = [
    {
        "question": "Which is hot?",
        "choices": {"text": ["ice", "a fire", "snow"], "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    {"question": "Who has wings?", "choices": {"text": ["a bird", "Père"], "label": ["1", "2"]}, "answerKey": "1"},
]


def ours(evaluator: Evaluator, model: Path, rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return our figures of rows."""
    records = [Record(source="in", line=number, columns=row) for number, row in enumerate(rows, 1)]
    found = score(evaluator, model, records)
    assert not found.failed
    return {name: interval.value for name, interval in figures(evaluator, found.scores).items()}


def choices(rows: list[dict[str, Any]]) -> Evaluator:
    """Return the task choices as the harness words it."""
    shape = require_choice_shape(list(rows[0]), rows)
    return ChoicesOptions(protocol="lm-eval").evaluator(roles("choices", rows[0], choices=shape))


def test_lambada_has_the_harnesss_accuracy_and_perplexity(shared: Path, builtin: Path, tmp_path: Path) -> None:
    rows = first_rows(shared / "data" / "evaluate" / "lambada_test.jsonl", ROWS)
    theirs = task_results(builtin, tmp_path, write_task(tmp_path, LAMBADA, rows))["lambada_here"]
    found = ours(LastWordOptions().evaluator(roles("lastword", ("text",), text="text")), builtin, rows)
    assert found["accuracy"] == theirs["acc,none"]
    assert found["perplexity"] == pytest.approx(theirs["perplexity,none"], rel=1e-4)


def test_hellaswag_has_the_harnesss_accuracies(shared: Path, builtin: Path, tmp_path: Path) -> None:
    rows = first_rows(shared / "data" / "evaluate" / "hellaswag_val_1000.jsonl", ROWS)
    theirs = task_results(builtin, tmp_path, write_task(tmp_path, HELLASWAG, rows))["hellaswag_here"]
    found = ours(choices(rows), builtin, rows)
    assert found["accuracy"] == theirs["acc,none"]
    assert found["accuracy_by_characters"] == theirs["acc_norm,none"]
    assert found["accuracy_by_bytes"] == theirs["acc_bytes,none"]


@pytest.mark.parametrize(("task", "rows"), [(PIQA, PIQA_ROWS), (ARC, ARC_ROWS)], ids=["piqa", "arc"])
def test_piqa_and_arc_are_worded_as_in_the_harness(
    task: str, rows: list[dict[str, Any]], builtin: Path, tmp_path: Path
) -> None:
    name = write_task(tmp_path, task, rows)
    theirs = task_results(builtin, tmp_path, name)[name]
    found = ours(choices(rows), builtin, rows)
    assert found["accuracy"] == theirs["acc,none"]
    assert found["accuracy_by_characters"] == theirs["acc_norm,none"]
