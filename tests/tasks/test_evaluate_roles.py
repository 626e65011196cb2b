"""Which task of evaluate goes with which data."""

from io import BytesIO
from pathlib import Path

import pytest

from gptcli.data.rereading import Rereadable
from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError, InputError
from gptcli.tasks.evaluate_roles import choose_task
from gptcli.tasks.evaluate_rows import EvaluationRows
from gptcli.tasks.evaluators.options import MeasuredRoles

LABELLED = b"text,label\n" + b"a good film it was,good\nso bad a film,bad\n" * 3
FILES = {
    "book.txt": b"Once upon a time.\n",
    "texts.csv": b"id,text\n1,once upon a time\n2,there was a fox\n",
    "labelled.csv": LABELLED,
    "pairs.jsonl": b'{"question": "Who is it?", "answer": "The fox of the story"}\n' * 2,
    "choices.jsonl": b'{"context": "It is", "endings": ["wet", "dry"], "answer": 1}\n' * 2,
}


def chosen(path: Path, task: str = "auto", **wanted: object) -> MeasuredRoles:
    """Return the choice for a file."""
    with Rereadable([str(path)], BytesIO()) as data:
        return choose_task(EvaluationRows(data).look(), task, WantedRoles(**wanted))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a directory with a file of each kind."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "task", "reason"),
    [
        ("book.txt", "perplexity", "book.txt is plain text"),
        ("texts.csv", "perplexity", "perplexity: column text is a text and no column is a label; ignored: id"),
        ("labelled.csv", "classify", "classify: column text is the text and label the label"),
        ("pairs.jsonl", "complete", "complete: column question is the prompt and answer its completion"),
        ("choices.jsonl", "choices", "choices: context can end in endings, and answer tells which is right"),
    ],
)
def test_the_data_decides_what_is_measured_and_the_reason_is_told(
    files: Path, name: str, task: str, reason: str
) -> None:
    roles = chosen(files / name)
    assert roles.task == task
    assert roles.reason.startswith(f"{task}: ")
    assert reason in roles.reason


def test_a_task_that_is_asked_for_takes_its_own_columns(files: Path) -> None:
    roles = chosen(files / "labelled.csv", "perplexity")
    assert (roles.task, roles.text, roles.label) == ("perplexity", "text", None)
    assert roles.reason == "perplexity: column text is the text; ignored: label"
    assert chosen(files / "texts.csv", "lastword").task == "lastword"


def test_a_named_column_is_taken(files: Path) -> None:
    roles = chosen(files / "choices.jsonl", text_column="context")
    assert (roles.task, roles.text) == ("perplexity", "context")


@pytest.mark.parametrize("task", ["classify", "complete", "choices"])
def test_plain_text_has_no_references(files: Path, task: str) -> None:
    with pytest.raises(InputError, match=rf"book\.txt is plain text: --task {task} needs rows with columns"):
        chosen(files / "book.txt", task)


def test_doubt_names_the_columns_and_the_options_of_evaluate(files: Path) -> None:
    (files / "doubt.csv").write_bytes(b"first,second\n" + b"a long text here,another long text\n" * 2)
    told = "what to measure is in doubt.*the columns are first, second; set --text-column .*--task perplexity"
    with pytest.raises(InputError, match=told):
        chosen(files / "doubt.csv")
    with pytest.raises(InputError, match=r"the columns are first, second; set --text-column$"):
        chosen(files / "doubt.csv", "perplexity")


def test_a_further_file_must_have_the_columns_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(LABELLED)
    (tmp_path / "b.csv").write_bytes(b"text,mark\na film,bad\n")
    with pytest.raises(InputError, match=r"b\.csv: no column label, which the first file has: the columns are text, m"):
        chosen(tmp_path)


def test_lines_of_a_table_are_refused(files: Path) -> None:
    with (
        Rereadable([str(files / "texts.csv")], BytesIO()) as data,
        pytest.raises(ConfigError, match=r"--lines parts plain text: it does not go with the rows of .*texts\.csv"),
    ):
        EvaluationRows(data, lines=True).look()
