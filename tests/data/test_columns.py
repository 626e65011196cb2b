"""The column is the one that was asked for or a well-known name, and never a guess."""

import pytest

from gptcli.data.columns import choose_column, text_of
from gptcli.data.records import Record
from gptcli.errors import InputError


@pytest.mark.parametrize(
    ("columns", "wanted", "expected"),
    [
        (["id", "text", "prompt"], None, "prompt"),
        (["id", "text"], None, "text"),
        (["id", "PROMPT", "text"], None, "text"),
        (["id", "Text", "TEXT"], None, "Text"),
        (["id", "text"], "id", "id"),
    ],
)
def test_the_wanted_column_or_the_first_default_is_chosen(
    columns: list[str], wanted: str | None, expected: str
) -> None:
    assert choose_column(columns, wanted) == expected


@pytest.mark.parametrize("wanted", ["Id", None])
def test_no_such_column_lists_the_columns_and_the_option(wanted: str | None) -> None:
    with pytest.raises(InputError, match="choose one of id, body with --column NAME"):
        choose_column(["id", "body"], wanted)


@pytest.mark.parametrize(("wanted", "told"), [("column 2", "no column 'column 2'"), (None, "no column prompt or text")])
def test_a_first_line_that_names_no_columns_is_told_and_offered_for_none(wanted: str | None, told: str) -> None:
    remedy = "the first line looks like a row, not a header: put a line of column names above it"
    with pytest.raises(InputError, match=f"^{told}: {remedy}, and choose one of them with --column NAME$"):
        choose_column(["ham", "I will be home by six"], wanted)


@pytest.mark.parametrize(("value", "expected"), [("", ""), ("a\0b", "a\0b"), (7, "7"), (0.1, "0.1")])
def test_text_and_numbers_are_text(value: object, expected: str) -> None:
    assert text_of(Record(source="a", line=1, columns={"text": value}), "text") == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "has no value in column text"),
        (float("nan"), "has no value in column text"),
        (True, "holds a boolean in column text, not text"),
        ({}, "holds an object in column text, not text"),
        ([], "holds an array in column text, not text"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_a_value_that_is_no_text_says_what_it_is(value: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        text_of(Record(source="a", line=1, columns={"text": value}), "text")


def test_a_row_without_the_column_lists_what_it_has() -> None:
    with pytest.raises(InputError, match="has no column text: it has id, body"):
        text_of(Record(source="a", line=1, columns={"id": 1, "body": ""}), "text")


def test_a_bad_row_says_why_it_is_bad() -> None:
    with pytest.raises(InputError, match="is not UTF-8"):
        text_of(Record(source="a", line=1, columns={"text": "a"}, error="is not UTF-8"), "text")
