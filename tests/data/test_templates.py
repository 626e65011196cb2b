"""A template says how columns become a prompt and a completion, with the white space where GPT-2 has it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data.named_templates import NAMED, default_template, resolve_template
from gptcli.data.roles import Roles, WantedRoles
from gptcli.data.templates import PromptTemplate, plain_template, user_template
from gptcli.errors import ConfigError, InputError

QA = ("context", "question", "answer")
NAMED_TEMPLATES: list[tuple[str, tuple[str, ...], dict[str, object], str]] = [
    ("qa", QA, {}, "{context}\n\nQuestion: {question}\nAnswer: {answer}"),
    ("qa", ("Query", "answers"), {}, "Question: {Query}\nAnswer: {answers}"),
    ("summary", ("article", "highlights"), {}, "{article}\n\nTL;DR: {highlights}"),
    ("translate", ("source", "target", "id"), {}, "{source} = {target}"),
    (
        "translate",
        ("english", "french"),
        {"prompt_columns": ("english",), "completion_column": "french"},
        "{english} = {french}",
    ),
    ("code", ("docstring", "code"), {}, '"""\n{docstring}\n"""\n{code}'),
    ("chat", ("user", "assistant"), {}, "User: {user}\nAssistant: {assistant}"),
    ("qa", ("a", *QA), {"completion_column": "a"}, "{context}\n\nQuestion: {question}\nAnswer: {a}"),
    ("qa", ("q", "answer"), {"prompt_columns": ("q",)}, "Question: {q}\nAnswer: {answer}"),
]


@pytest.mark.parametrize(("name", "columns", "wanted", "expected"), NAMED_TEMPLATES, ids=str)
def test_a_named_template_finds_its_columns(
    name: str, columns: tuple[str, ...], wanted: dict[str, object], expected: str
) -> None:
    template = resolve_template(name, columns, WantedRoles(**wanted))  # type: ignore[arg-type]
    assert (template.template, template.name) == (expected, name)


@pytest.mark.parametrize(
    ("name", "columns", "wanted", "message"),
    [
        ("translate", ("english", "french"), {}, "needs a column for source: choose one of .* with --prompt-column"),
        ("qa", ("question",), {}, "needs a column for answer: .* with --completion-column"),
        ("chat", ("user", "assistant"), {"prompt_columns": ("a", "b")}, "has 1 --prompt-column at most, not 2"),
    ],
)
def test_a_named_template_that_does_not_fit_says_which_option_mends_it(
    name: str, columns: tuple[str, ...], wanted: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        resolve_template(name, columns, WantedRoles(**wanted))  # type: ignore[arg-type]


def test_a_format_string_goes_with_no_option_that_names_prompt_columns() -> None:
    with pytest.raises(InputError, match="names its columns itself: leave --prompt-column out"):
        resolve_template("{a}{b}", ("a", "b"), WantedRoles(prompt_columns=("a",)))


@pytest.mark.parametrize(
    ("prompts", "completion", "expected"),
    [
        (("context", "question"), "answer", NAMED["qa"].format),
        (("instruction", "input"), "output", "Instruction: {instruction}\nInput: {input}\nOutput: {output}"),
        (("instruction",), "response", "Instruction: {instruction}\nOutput: {response}"),
        (("article",), "summary", NAMED["summary"].format),
        (("user",), "assistant", NAMED["chat"].format),
        (("prompt",), "completion", "{prompt}{completion}"),
        (("source",), "target", "{source}{target}"),
        (("a", "b"), "c", "{a}\n{b}{c}"),
    ],
)
def test_a_template_goes_with_the_names_of_the_columns(
    prompts: tuple[str, ...], completion: str, expected: str
) -> None:
    roles = Roles(task="complete", prompts=prompts, completion=completion, reason="")
    assert default_template(roles).template == expected


@pytest.mark.parametrize(
    ("template", "row", "prompt", "completion"),
    [
        ("{q} = {a}", {"q": "Hi.", "a": "Salut."}, "Hi. =", " Salut."),
        ("{q}\nA: {a}", {"q": "Hi.", "a": "Salut."}, "Hi.\nA:", " Salut."),
        ("{q}\n{a}", {"q": "Hi.", "a": "Salut."}, "Hi.", "\nSalut."),
        ("{q}{a}", {"q": "Hi.", "a": "Salut."}, "Hi.", " Salut."),
        ("{q}{a}", {"q": "Hi.", "a": "\nSalut."}, "Hi.", "\nSalut."),
        ("{q}{a}", {"q": " Hi. ", "a": "Salut."}, " Hi.", " Salut."),
        ("{q}{a}", {"q": "Hi.", "a": ""}, "Hi.", ""),
        ("\n{q}\n\n{a}</s>", {"q": "Hi.", "a": "Salut."}, "Hi.", "\n\nSalut.</s>"),
        ("{{{q}}} {a}", {"q": 7, "a": 1.5}, "{7}", " 1.5"),
        ("{q} {q} {a}", {"q": "x", "a": "y"}, "x x", " y"),
    ],
)
def test_white_space_between_them_is_the_completions(
    template: str, row: dict[str, object], prompt: str, completion: str
) -> None:
    made = PromptTemplate(template=template, completion_column="a")
    assert (made.prompt(row), made.completion(row)) == (prompt, completion)


@given(question=st.text(), answer=st.text(), between=st.sampled_from(["", " ", "\n", "\nA: ", " =\t"]))
def test_a_prompt_ends_without_white_space_and_a_completion_begins_with_some(
    question: str, answer: str, between: str
) -> None:
    template = PromptTemplate(template=f"{{q}}{between}{{a}}", completion_column="a")
    row: dict[str, object] = {"q": question, "a": answer}
    assert template.prompt(row) == template.prompt(row).rstrip()
    assert answer == "" or template.completion(row)[0].isspace()


@pytest.mark.parametrize(
    ("template", "columns", "completion", "expected"),
    [
        ("Q: {q} A: {a}", ("q", "a", "b"), None, ("q", "a")),
        ("Q: {q} A:", ("q", "a", "b"), "b", ("q", "b")),
        ("{q}", ("q", "a", "answer"), None, ("q", "answer")),
        ("{a} {b}", ("q", "a", "b"), None, ("a", "b")),
    ],
)
def test_a_users_template_ends_in_its_completion(
    template: str, columns: tuple[str, ...], completion: str | None, expected: tuple[str, str]
) -> None:
    made = user_template(template, columns, completion)
    assert (*made.fields, made.completion_column) == expected


@pytest.mark.parametrize(
    ("template", "completion", "error", "message"),
    [
        ("{q", None, ConfigError, "has a lone {: write {{ for the character itself"),
        ("q} {a}", None, ConfigError, "has a lone }: write }}"),
        ("{} {a}", None, ConfigError, r"has \{\} without a column"),
        ("plain", None, ConfigError, "names no column"),
        ("{q.__class__} {a}", None, ConfigError, "is more than a column's name"),
        ("{q!r} {a}", None, ConfigError, "is more than a column's name"),
        ("{q:>9} {a}", None, ConfigError, "is more than a column's name"),
        ("{body} {a}", None, InputError, "no column body: the columns are q, a"),
        ("{a} {q}", "a", ConfigError, "must have the completion {a} once, as its last field"),
        ("{a} {a}", "a", ConfigError, "must have the completion {a} once"),
        ("{q}", None, InputError, "which column is the completion"),
    ],
)
def test_a_template_that_makes_no_sense_says_why(
    template: str, completion: str | None, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        user_template(template, ("q", "a"), completion)


def test_a_column_with_braces_cannot_stand_in_a_template() -> None:
    with pytest.raises(InputError, match="because of its braces"):
        plain_template(("a{b",), "c")


def test_a_row_without_a_value_says_so() -> None:
    template = PromptTemplate(template="{q} {a}", completion_column="a")
    with pytest.raises(InputError, match="has no value in column q"):
        template.prompt({"q": None, "a": "x"})


def test_a_template_comes_back_as_it_was_saved() -> None:
    template = resolve_template("qa", QA, WantedRoles())
    assert PromptTemplate.from_json(json.loads(json.dumps(template.to_json()))) == template
    for damaged in (None, {}, {"template": 1, "completion": "a"}, {"template": "{a}", "completion": "a", "name": 1}):
        with pytest.raises(ConfigError, match="is damaged"):
            PromptTemplate.from_json(damaged)
