"""What is learned follows from the columns' names, then from what they hold; doubt is an error that helps."""

from collections.abc import Mapping, Sequence

import pytest

from gptcli.data.roles import Roles, WantedRoles, choose_roles
from gptcli.errors import ConfigError, InputError

Columns = Mapping[str, Sequence[object]]
TEXTS = [f"this is sentence number {number} of them" for number in range(8)]
MORE = [f"and here is another line, {number}" for number in range(8)]
LABELS = ["good", "bad", "bad", "good"] * 2
NUMBERS = [1, 2, 3, 1, 2, 3, 1, 2]
IDS = list(range(8))
FLOATS = [0.5 + number for number in range(8)]


def roles_of(columns: Columns, **wanted: object) -> Roles:
    sample = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return choose_roles(tuple(columns), sample, WantedRoles(**wanted))  # type: ignore[arg-type]


AUTO: list[tuple[Columns, dict[str, object], str]] = [
    # Names say it.
    ({"text": TEXTS, "label": LABELS}, {"text": "text", "label": "label"}, "classify"),
    ({"label": NUMBERS, "Text": TEXTS}, {"text": "Text", "label": "label"}, "classify"),
    ({"review": TEXTS, "Sentiment": LABELS}, {"text": "review", "label": "Sentiment"}, "classify"),
    ({"label": FLOATS, "text": TEXTS}, {"text": "text", "label": "label"}, "classify"),
    ({"tweet": TEXTS, "target": NUMBERS}, {"text": "tweet", "label": "target"}, "classify"),
    ({"text": TEXTS, "labels": [["a", "b"], []] * 4}, {"text": "text", "label": "labels"}, "classify"),
    ({"question": TEXTS, "category": LABELS}, {"text": "question", "label": "category"}, "classify"),
    ({"prompt": TEXTS, "completion": MORE}, {"prompts": ("prompt",), "completion": "completion"}, "complete"),
    ({"question": TEXTS, "answer": MORE}, {"prompts": ("question",), "completion": "answer"}, "complete"),
    (
        {"question": TEXTS, "answer": MORE, "context": MORE},
        {"prompts": ("context", "question"), "completion": "answer"},
        "complete",
    ),
    ({"source": TEXTS, "target": MORE}, {"prompts": ("source",), "completion": "target"}, "complete"),
    ({"article": TEXTS, "highlights": MORE}, {"prompts": ("article",), "completion": "highlights"}, "complete"),
    (
        {"instruction": TEXTS, "input": MORE, "output": TEXTS},
        {"prompts": ("instruction", "input"), "completion": "output"},
        "complete",
    ),
    ({"docstring": TEXTS, "code": MORE}, {"prompts": ("docstring",), "completion": "code"}, "complete"),
    ({"user": TEXTS, "assistant": MORE}, {"prompts": ("user",), "completion": "assistant"}, "complete"),
    ({"text": TEXTS, "id": IDS, "Title": MORE}, {"text": "text", "ignored": ("id", "Title")}, "lm"),
    ({"text": TEXTS, "score": FLOATS}, {"text": "text", "ignored": ("score",)}, "lm"),
    ({"text": TEXTS, "same": ["x"] * 8}, {"text": "text", "ignored": ("same",)}, "lm"),
    # What they hold says it.
    ({"body": TEXTS, "verdict": LABELS}, {"text": "body", "label": "verdict"}, "classify"),
    ({"a": TEXTS, "b": LABELS}, {"text": "a", "label": "b"}, "classify"),
    ({"b": NUMBERS, "id": IDS, "a": TEXTS}, {"text": "a", "label": "b", "ignored": ("id",)}, "classify"),
    ({"verse": TEXTS}, {"text": "verse"}, "lm"),
    ({"word": ["a", "b"] * 4}, {"text": "word"}, "lm"),
    ({"verse": TEXTS, "id": IDS}, {"text": "verse", "ignored": ("id",)}, "lm"),
]


@pytest.mark.parametrize(("columns", "expected", "task"), AUTO, ids=str)
def test_the_columns_say_what_is_learned(columns: Columns, expected: dict[str, object], task: str) -> None:
    roles = roles_of(columns)
    found = {name: getattr(roles, name) for name in ("text", "label", "prompts", "completion", "ignored")}
    assert roles.task == task
    assert {name: value for name, value in found.items() if value} == expected
    assert roles.reason.startswith(f"{task}: ")
    assert all(name in roles.reason for name in (*roles.columns, *roles.ignored))


DOUBTS: list[tuple[Columns, dict[str, object], str]] = [
    ({"text": TEXTS, "verse": MORE}, {}, "text and verse all hold text"),
    ({"text": TEXTS, "label": LABELS, "summary": MORE}, {}, "label could be a label and summary a completion"),
    ({"text": TEXTS, "a": LABELS, "b": NUMBERS}, {}, "a or b could be a label"),
    ({"text": TEXTS, "class": LABELS, "category": LABELS}, {}, "class or category could be the label"),
    ({"review": TEXTS, "comment": MORE}, {}, "review or comment could be the text"),
    ({"english": TEXTS, "french": MORE}, {}, "since the columns' names do not say"),
    ({"a": LABELS, "b": LABELS}, {}, "since the columns' names do not say"),
    ({"a": TEXTS, "b": MORE, "label": LABELS}, {}, "since none beside the label label is surely the text"),
    ({"a": TEXTS, "b": MORE}, {"task": "lm"}, "since none is surely the text"),
    ({"text": TEXTS, "verse": MORE}, {"task": "classify"}, "since no column is surely a label"),
    ({"text": TEXTS, "a": LABELS, "b": NUMBERS}, {"task": "classify"}, "a or b could be the label"),
    ({"a": TEXTS, "b": MORE}, {"task": "complete"}, "since no columns are a pair"),
    ({"a": TEXTS, "b": MORE}, {"completion_column": "b"}, "since no columns are a pair"),
    (
        {"question": TEXTS, "answer": MORE, "source": TEXTS, "target": MORE},
        {},
        "question with answer or source with target could be the prompt and its completion",
    ),
]


@pytest.mark.parametrize(("columns", "wanted", "why"), DOUBTS, ids=str)
def test_doubt_lists_the_columns_and_the_options(columns: Columns, wanted: dict[str, object], why: str) -> None:
    with pytest.raises(InputError) as caught:
        roles_of(columns, **wanted)
    told = str(caught.value)
    assert f"what to learn is in doubt, {why}" in told
    assert f"the columns are {', '.join(columns)}" in told
    options = {
        "lm": "set --text-column",
        "classify": "set --text-column and --label-column",
        "complete": "set --prompt-column and --completion-column",
        "auto": "set --text-column (and --label-column to classify, or --task lm), or --prompt-column and "
        "--completion-column",
    }
    assert told.endswith(f"; {options[str(wanted.get('task', 'auto'))]}")


WANTED: list[tuple[Columns, dict[str, object], tuple[str, tuple[str, ...]]]] = [
    ({"text": TEXTS, "label": LABELS}, {"task": "lm"}, ("lm", ("text",))),
    ({"a": TEXTS, "b": MORE}, {"task": "lm", "text_column": "b"}, ("lm", ("b",))),
    ({"a": TEXTS, "b": LABELS}, {"text_column": "a"}, ("classify", ("a", "b"))),
    ({"a": LABELS, "b": LABELS}, {"label_column": "a"}, ("classify", ("b", "a"))),
    ({"text": TEXTS, "id": IDS}, {"label_column": "id"}, ("classify", ("text", "id"))),
    ({"text": TEXTS, "score": FLOATS}, {"task": "classify"}, ("classify", ("text", "score"))),
    (
        {"english": TEXTS, "french": MORE, "id": IDS},
        {"prompt_columns": ("english",), "completion_column": "french"},
        ("complete", ("english", "french")),
    ),
    (
        {"question": TEXTS, "answer": MORE, "hint": MORE},
        {"completion_column": "hint", "prompt_columns": ("question", "answer")},
        ("complete", ("question", "answer", "hint")),
    ),
    ({"question": TEXTS, "answer": MORE}, {"completion_column": "answer"}, ("complete", ("question", "answer"))),
    (
        {"context": TEXTS, "question": TEXTS, "answer": MORE},
        {"prompt_columns": ("question",)},
        ("complete", ("question", "answer")),
    ),
]


@pytest.mark.parametrize(("columns", "wanted", "expected"), WANTED, ids=str)
def test_an_option_says_what_the_names_do_not(
    columns: Columns, wanted: dict[str, object], expected: tuple[str, tuple[str, ...]]
) -> None:
    roles = roles_of(columns, **wanted)
    assert (roles.task, roles.columns) == expected


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"column 1": LABELS, "column 2": TEXTS}, "classify: only column 2 holds text and only column 1 few, "),
        ({"a": LABELS, "b": TEXTS}, "classify: only column b holds text and only a few, "),
        ({"prompt": TEXTS, "completion": MORE}, "complete: column prompt is the prompt and completion its "),
        ({"question": TEXTS, "answer": MORE, "context": MORE}, "complete: columns context and question are the "),
        (
            {"text": TEXTS, "score": FLOATS},
            "lm: column text is a text and no column is a label (score holds numbers: --label-column score --",
        ),
        ({"text": TEXTS, "id": IDS}, "lm: column text is a text and no column is a label; ignored: id"),
        ({"text": TEXTS, "id": [f"{n}.x" for n in IDS]}, "lm: column text is a text and no column is a label; "),
    ],
)
def test_the_reason_reads_as_a_sentence_whatever_the_columns_are_called(columns: Columns, reason: str) -> None:
    assert roles_of(columns).reason.startswith(reason)


def test_a_column_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(InputError, match="no column body: the columns are text, label"):
        roles_of({"text": TEXTS, "label": LABELS}, text_column="body")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"task": "lm", "label_column": "a"}, "--label-column does not go with --task lm"),
        ({"task": "complete", "text_column": "a"}, "--text-column does not go with --task complete"),
        ({"task": "classify", "prompt_columns": ("a",)}, "--prompt-column does not go with --task classify"),
        ({"text_column": "a", "completion_column": "b"}, "--text-column and --completion-column contradict"),
    ],
)
def test_options_of_two_tasks_contradict_each_other(wanted: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        WantedRoles(**wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wanted",
    [{"text_column": "a", "label_column": "a"}, {"prompt_columns": ("a",), "completion_column": "a"}],
)
def test_a_column_has_one_part_only(wanted: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="are both a"):
        roles_of({"a": TEXTS, "b": MORE}, **wanted)
