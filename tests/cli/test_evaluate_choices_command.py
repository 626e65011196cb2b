"""gptcli evaluate of choices, of last words, and with --harness: figures for a person who types it, and bad input."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gptcli.tasks import harness
from tests.command import Ended, gptcli

CHOICES = [
    {"context": "Once upon a", "endings": ["time", "fox of the"], "answer": "A"},
    {"context": "There was a little", "endings": ["of of", "girl"], "answer": 1},
    {"context": "She liked to", "endings": ["play", "the a"], "answer": "play"},
]
PASSAGES = ["Once upon a time there was a little girl", "Tim and Sam liked to play", "The end of the day"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a directory with a file of choices and one of passages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    (tmp_path / "choices.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in CHOICES))
    (tmp_path / "passages.txt").write_text("".join(f"{text}\n" for text in PASSAGES))
    return tmp_path


def evaluate(options: str) -> Ended:
    """Evaluate the model that ships."""
    return gptcli(f"evaluate -m builtin {options}")


def figures(options: str) -> dict[str, Any]:
    """Return the figures of a run that must go well."""
    ended = evaluate(f"{options} --json")
    assert ended.code == 0, ended.err
    (model,) = json.loads(ended.out)["models"]
    found: dict[str, Any] = model["figures"]
    return found


@pytest.mark.usefixtures("here")
def test_choices_are_known_by_their_columns_and_have_four_accuracies() -> None:
    ended = evaluate("choices.jsonl")
    assert ended.code == 0
    assert ended.err == "gptcli: choices: context can end in endings, and answer tells which is right\n"
    lines = ended.out.decode().splitlines()
    assert [line.partition("  ")[0] for line in lines[1:5]] == [
        "accuracy",
        "accuracy, likelihood by token",
        "accuracy, likelihood by character",
        "accuracy, likelihood by byte",
    ]
    assert "model       builtin: chance 0.5000" in lines
    assert figures("choices.jsonl")["accuracy"]["value"] == 1


@pytest.mark.usefixtures("here")
def test_the_normalization_is_the_first_figure_and_chooses_the_task() -> None:
    assert next(iter(figures("choices.jsonl --normalization bytes"))) == "accuracy_by_bytes"
    ended = evaluate("passages.txt --normalization bytes")
    assert (ended.code, ended.out) == (3, b"")
    assert (
        "passages.txt is plain text: --normalization is for --task choices, which needs rows with columns" in ended.err
    )


def test_each_row_of_choices_tells_what_was_chosen(here: Path) -> None:
    assert evaluate("choices.jsonl --per-row rows.jsonl").code == 0
    rows = [json.loads(line) for line in (here / "rows.jsonl").read_text().splitlines()]
    assert [row["origin"] for row in rows] == [f"choices.jsonl:{line}" for line in (1, 2, 3)]
    for row in rows:
        scores = row["scores"]["builtin"]
        assert scores["correct"] == (scores["chosen_by_sum"] == scores["answer"])
        assert (scores["margin"] > 0) == scores["correct"]


@pytest.mark.usefixtures("here")
def test_last_words_are_asked_for_by_name_a_line_each() -> None:
    word = figures("passages.txt --task lastword --lines")
    token = figures("passages.txt --task lastword --lines --protocol last-token")
    assert list(word) == list(token) == ["accuracy", "perplexity"]
    assert word["perplexity"]["rows"] == 3
    assert word["perplexity"]["value"] >= token["perplexity"]["value"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"context": "a", "endings": ["b"], "answer": 0}', "has 1 endings in column endings: a choice needs two"),
        ('{"context": "a", "endings": ["b", ""], "answer": 0}', "has an empty ending .number 1, counted from 0.: fill"),
        ('{"context": "a", "endings": ["b", "c"], "answer": 2}', "has the answer '2', none of its 2 endings, counted"),
        ('{"context": "a", "endings": ["b", "c"]}', "has no column answer: it has context, endings"),
        ('{"context": "a", "endings": ["b", "c"], "answer": null}', "has no answer in column answer: rows of a test"),
        ('{"context": "a", "endings": "b", "answer": 0}', "holds a string in column endings, not a list of endings"),
        ('{"context": "a", "endings": ["b", "c"', "is not JSON"),
    ],
)
def test_a_bad_row_of_choices_is_told_and_the_others_are_measured(here: Path, line: str, told: str) -> None:
    with (here / "choices.jsonl").open("a") as file:
        file.write(f"{line}\n")
    ended = evaluate("choices.jsonl --task choices -q")
    assert ended.code == 3
    assert ended.out
    assert re.search(rf"^gptcli: error: choices\.jsonl:4: {told}", ended.err, re.MULTILINE), ended.err
    assert ended.err.endswith("gptcli: error: 1 of 4 rows failed\n")


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ("choices.jsonl --protocol lm-eval", 2, "--protocol lm-eval words HellaSwag, PIQA and ARC only: leave it out"),
        (
            "choices.jsonl --task choices --protocol hf-docs",
            2,
            "--protocol hf-docs is for --task perplexity; that of choices is plain or lm-eval",
        ),
        (
            "passages.txt --task lastword --protocol plain",
            2,
            "--protocol plain is for --task choices; that of lastword is lm-eval or last-token",
        ),
        ("choices.jsonl --normalization words", 2, "'words' is not one of 'sum', 'tokens', 'characters', 'bytes'"),
        ("one.txt --task lastword", 3, "one.txt:1: has no words before its last one"),
        (
            "passages.txt --lines --task lastword --fail-under perplexity=1",
            8,
            "above the 1 of --fail-under",
        ),
        ("--harness ,", 2, "--harness wants names of tasks, parted by commas"),
        ("--harness lambada_openai choices.jsonl", 2, "FILE does not go with --harness"),
        ("--harness lambada_openai --vs gpt2", 2, "--vs does not go with --harness"),
        ("--harness lambada_openai --per-row rows.jsonl", 2, "--per-row does not go with --harness"),
        ("--harness lambada_openai --protocol lm-eval", 2, "--protocol does not go with --harness"),
        ("--harness lambada_openai --limit 0", 2, "--limit must be at least 1, not 0"),
        ("choices.jsonl --harness-include tasks", 2, "--harness-include needs --harness TASK"),
    ],
)
def test_what_cannot_be_is_one_line(here: Path, options: str, code: int, told: str) -> None:
    (here / "one.txt").write_text("Once\n")
    ended = evaluate(f"{options} -q")
    assert ended.code == code, ended.err
    assert len([line for line in ended.err.splitlines() if told in line]) == 1, ended.err
    assert "Traceback" not in ended.err


@pytest.mark.usefixtures("here")
def test_harness_without_its_package_ends_with_7_and_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harness, "find_spec", lambda _: None)
    ended = evaluate("--harness lambada_openai")
    assert (ended.code, ended.out) == (7, b"")
    assert ended.err == 'gptcli: error: --harness needs lm-evaluation-harness: pip install "gptcli[harness]"\n'


@pytest.mark.slow
def test_harness_figures_stand_in_the_same_table_and_json(here: Path) -> None:
    from tests.harness_tasks import LAMBADA, write_task

    tasks = here / "tasks"
    tasks.mkdir()
    name = write_task(tasks, LAMBADA, [{"text": text} for text in PASSAGES])
    options = f"--harness {name} --harness-include tasks --limit 2"
    found = figures(options)
    assert list(found) == [f"{name}/perplexity", f"{name}/acc"]
    assert found[f"{name}/acc"]["method"] == "normal"
    assert (found[f"{name}/acc"]["rows"], found[f"{name}/acc"]["better"]) == (2, "higher")
    ended = evaluate(f"{options} --fail-under {name}/acc=1.5")
    assert ended.code == 8
    lines = ended.out.decode().splitlines()
    assert lines[1].startswith(f"{name} perplexity  ")
    assert "rows        2 read, the first ones (--limit 2)" in lines
    assert "intervals   95 %, 1.96 standard errors of lm-evaluation-harness to each side" in lines
