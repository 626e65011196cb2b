"""Conversations as files: written as rows to learn from, and read back as they were."""

import json
import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data.named_templates import NAMED
from gptcli.data.options import DataOptions
from gptcli.data.roles import WantedRoles
from gptcli.errors import ConfigError, InputError, OutputError
from gptcli.tasks.conversation import Conversation, load_conversation, save_conversation
from gptcli.tasks.dialogue import Turn
from gptcli.training.rows import RowSet, load_rows


def talk(*texts: str, system: str | None = None) -> Conversation:
    """Return a conversation, the user's turn first."""
    turns = [Turn(role=("user", "assistant")[n % 2], text=text) for n, text in enumerate(texts)]  # type: ignore[arg-type]
    return Conversation(system=system, turns=tuple(turns))


def learned(path: Path) -> RowSet:
    """Read a file as `gptcli finetune --task complete` does."""
    options = DataOptions(paths=(str(path),), wanted=WantedRoles(task="complete"), validation_split=0)
    reading = load_rows(options, BytesIO())
    while True:
        try:
            next(reading)
        except StopIteration as end:
            found: RowSet = end.value
            return found


TEXTS = st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), min_size=1)


@given(TEXTS, st.none() | st.text(st.characters(codec="utf-8"), min_size=1))
def test_what_is_saved_is_loaded_as_the_same_conversation(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], system: str | None
) -> None:
    path = tmp_path_factory.mktemp("saved") / "talk.jsonl"
    conversation = talk(*(text for pair in pairs for text in pair), system=system)
    assert save_conversation(conversation, str(path), overwrite=False) == len(pairs)
    assert load_conversation(str(path)).conversation == conversation


@pytest.mark.parametrize("system", [None, "You are kind."])
def test_fine_tuning_learns_the_answers_of_a_saved_conversation_in_the_plain_format(
    tmp_path: Path, system: str | None
) -> None:
    path = tmp_path / "talk.jsonl"
    save_conversation(talk("Hi", "Hello.", "Who?\nYou?", "I.", system=system), str(path), overwrite=False)
    rows = learned(path)
    assert (rows.roles.task, rows.roles.prompts, rows.roles.completion) == ("complete", ("user",), "assistant")
    assert rows.template is not None
    assert rows.template.template == NAMED["chat"].format
    assert [(row.text, row.completion) for row in rows.train] == [
        ("User: Hi\nAssistant:", " Hello."),
        ("User: Who?\nYou?\nAssistant:", " I."),
    ]


def test_a_message_without_an_answer_is_not_saved(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    assert save_conversation(talk("Hi", "Hello.", "Who?"), str(path), overwrite=False) == 1
    assert json.loads(path.read_text()) == {"user": "Hi", "assistant": "Hello."}
    for nothing in (talk(), talk("Hi")):
        with pytest.raises(InputError, match="no answer yet"):
            save_conversation(nothing, str(tmp_path / "other.jsonl"), overwrite=False)
    assert os.listdir(tmp_path) == ["talk.jsonl"]


def test_a_file_is_never_replaced_without_being_told(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text("precious")
    with pytest.raises(ConfigError, match=r"talk.jsonl exists: replace it with --overwrite$"):
        save_conversation(talk("Hi", "Hello."), str(path), overwrite=False)
    assert path.read_text() == "precious"
    save_conversation(talk("Hi", "Hello."), str(path), overwrite=True)
    assert load_conversation(str(path)).conversation == talk("Hi", "Hello.")
    assert os.listdir(tmp_path) == ["talk.jsonl"]


@pytest.mark.parametrize(
    ("name", "error", "told"),
    [
        ("talk", ConfigError, "name the file .*talk.jsonl$"),
        ("no/talk.jsonl", OutputError, "cannot write .*No such file or directory"),
        ("folder.jsonl", OutputError, "is a directory"),
    ],
)
def test_a_place_where_nothing_can_be_saved_is_named(
    tmp_path: Path, name: str, error: type[Exception], told: str
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(error, match=told):
        save_conversation(talk("Hi", "Hello."), str(tmp_path / name), overwrite=True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty"),
        ('{"user": "a"}\n', r":1: no columns for a message and its answer: the columns are user; name two of"),
        ('{"user": "a", "assistant": "b"}\n{"user": 1}\n', r":2: has no column assistant"),
        ('{"user": "a", "assistant": null}\n', ":1: has no value in column assistant"),
        ('{"user": "\\ud800", "assistant": "b"}\n', ":1: holds half of a surrogate pair"),
        ('{"user": "a", "assistant": "b", "system": ["c"]}\n', ":1: holds an array in column system"),
        ("[1]\n", ":1: is not a JSON object"),
        ("{\n", ":1: is not JSON"),
    ],
)
def test_a_file_that_holds_no_conversation_is_told_with_the_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text(content)
    with pytest.raises(InputError, match=told):
        load_conversation(str(path))


def test_rows_of_other_programs_are_loaded_by_the_names_of_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text("id,question,answer\n1,Who?,I\n2,Why?,So\n")
    loaded = load_conversation(str(path))
    assert loaded.conversation == talk("Who?", "I", "Why?", "So")
    assert loaded.unread == ("id",)


def test_undoing_goes_back_to_before_the_user_s_last_turn() -> None:
    whole = talk("a", "b", "c", "d", system="s")
    assert whole.asked == "c"
    assert whole.undone() == talk("a", "b", system="s")
    assert whole.undone().undone().undone() == talk(system="s")
    assert talk().asked is None
