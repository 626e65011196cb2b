"""A bad row is told and spoils no other; data that nothing can be learned from is refused in one line."""

import gzip

import pytest

from gptcli.errors import ConfigError, InputError
from tests.training.loading import Write, load

GOOD = b"text,label\n" + b"".join(b"row %d,%s\n" % (n, b"bad" if n % 2 else b"good") for n in range(40))


def test_a_number_for_a_text_is_text_and_one_label_of_two_types_is_told(write: Write) -> None:
    content = b'{"text": 1, "label": 1}\n{"text": "two", "label": "1"}\n{"text": 3.5, "label": "x"}\n'
    rows, told = load(write("a.jsonl", content), validation_split=0)
    assert [row.text for row in rows.train] == ["1", "two", "3.5"]
    assert rows.labels is not None
    assert rows.labels.names == ("1", "x")
    assert told == ["column label has the same label as a number and as text: they count as one"]


TWO = b'{"text": "a", "label": 1}\n{"text": "b", "label": 2}\n'
BAD_ROWS: dict[str, tuple[str, bytes, str]] = {
    "ragged": ("a.csv", b"text,label\na,x\nb,y\nc\n", ":4: has 1 cell, the header has 2"),
    "no label": ("a.csv", b"text,label\na,x\nb,y\nc, \n", ":4: has no label"),
    "null label": (
        "a.jsonl",
        TWO + b'{"text":"c","label":null}\n',
        ":3: has no",
    ),
    "null text": ("a.jsonl", TWO + b'{"text":null,"label":1}\n', ":3: has no"),
    "no column": ("a.jsonl", TWO + b'{"label":1}\n', ":3: has no column text"),
    "a list": ("a.jsonl", TWO + b'{"text":[],"label":1}\n', "an array in"),
    "not JSON": ("a.jsonl", TWO + b"nothing\n", ":3: is not JSON"),
    "not UTF-8": ("a.csv", "text,label\né,x\nè,y\n".encode() + b"\xff,x\n", ":4: is not UTF-8: byte 0xff at column 1"),
    "surrogate": ("a.jsonl", TWO + b'{"text":"\\ud800","label":1}\n', "half"),
    "quote": ("a.csv", b'text,label\na,x\nb,y\n"c"d,x\n', ":4: is not well-formed"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_bad_row_is_told_with_its_place_and_the_others_are_learned(case: str, write: Write) -> None:
    name, content, message = BAD_ROWS[case]
    path = write(name, content)
    rows, told = load(path, validation_split=0)
    assert len(rows.train) == 2
    assert (rows.rows_read, rows.unreadable) == (3, 1)
    assert len(told) == 1
    assert told[0].startswith(str(path))
    assert message in told[0]


def test_of_many_bad_rows_the_first_are_told_and_the_rest_counted(write: Write) -> None:
    rows, told = load(write("a.csv", b"text,label\na,x\nb,y\n" + b"bad\n" * 1000), validation_split=0)
    assert (len(told), rows.unreadable) == (21, 1000)
    assert told[-1] == "980 more rows cannot be read"


def test_an_empty_text_is_counted_and_left_out(write: Write) -> None:
    rows, told = load(write("a.csv", b"text,label\na,x\n ,y\n,x\nb,y\n"), validation_split=0)
    assert (len(rows.train), rows.empty, rows.unreadable) == (2, 2, 0)
    assert told == ["2 rows are empty and left out"]


REFUSED: dict[str, tuple[str, bytes, dict[str, object], str]] = {
    "empty": ("a.csv", b"", {}, "a.csv is empty"),
    "blank": ("a.txt", b"\n\n", {}, "a.txt is empty"),
    "empty array": ("a.json", b"[]", {}, "a.json is empty"),
    "header only": ("a.csv", b"text,label\n", {}, "a.csv has a header but no rows"),
    "one row": ("a.csv", b"text,label\na,x\n", {}, "a.csv: only one row can be used: give two or more"),
    "one good row": (
        "a.csv",
        b"text,label\na,x\nb\n",
        {},
        r"a.csv: only one row can be used \(.*a.csv:3: has 1 cell, the header has 2\): give two or more",
    ),
    "no good row": ("a.jsonl", b"x\ny\n", {}, "a.jsonl: no row can be read, of 2 looked at; line 1 is not JSON"),
    "no field": ("a.json", b"{}", {}, "line 1 has no fields"),
    "a text that does not end": (
        "a.jsonl",
        b'{"text": "abc',
        {},
        "line 1 is not JSON: Unterminated string at column 10",
    ),
    "all empty": ("a.csv", b"text,label\n ,x\n ,y\n", {}, r"none of 2 rows can be used \(all else is empty\)"),
    "one label": ("a.csv", b"text,label\na,x\nb,x\n", {}, r"column label has one label only \(x\)"),
    "no label": ("a.csv", b"text,label\na,\nb,\n", {}, r"none of 2 rows can be used \(.*a.csv:2: has no label\)"),
    "all differ": (
        "a.csv",
        b"text,label\n" + b"".join(b"a%d,x%d\n" % (number, number) for number in range(40)),
        {},
        "column label has 40 different labels in 40 rows: set --label-column to another, or --regression",
    ),
    "twice": ("a.csv", b"text,text\na,x\n", {}, "more than one column named text: rename them"),
    "no name": ("a.csv", b"text,\na,x\n", {}, "column 2 of the header has no name"),
    "doubt": (
        "a.csv",
        b"one two,three\na b c,d e f\n",
        {},
        "in doubt, .*the columns are one two, three;",
    ),
    "absent": ("a.csv", b"text,label\na,x\n", {"text_column": "body"}, "no column body: the columns are text, label"),
    "damaged": ("a.csv.gz", gzip.compress(b"text,label\na,x\n" * 99)[:-9], {}, "a.csv.gz is damaged, "),
    "binary": ("a.txt", b"PK\3\4\0\0\0\0\0\0", {}, "a.txt is not text"),
    "one object": ("a.json", b'{\n"text": "a"}', {}, "is not a JSON array of objects"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_without_rows_to_learn_from_is_refused_in_one_line(case: str, write: Write) -> None:
    name, content, options, message = REFUSED[case]
    with pytest.raises(InputError, match=message) as caught:
        load(write(name, content), **options)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_row_of_10_mb_is_read(write: Write) -> None:
    rows, told = load(write("a.csv", b"text,label\n" + b"word " * 2_000_000 + b",x\nb,y\n"), validation_split=0)
    assert ([len(row.text) for row in rows.train], told) == ([10_000_000, 1], [])


def test_a_file_with_other_columns_than_the_first_says_so(write: Write) -> None:
    first = write("a.csv", GOOD)
    with pytest.raises(InputError, match=r"b\.csv: no column label, which the first file has: .* are text, tag"):
        load(first, write("b.csv", b"text,tag\na,good\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"text,label\nnew,ugly\n", "b.csv:2: has the label ugly, which no training row has"),
        (b"text,tag\nnew,bad\n", "no column label, which the first file has"),
        (b"text,label\nnew,\n", r"b.csv: no row can be used \(.*b.csv:2: has no label\)"),
        (b"", "b.csv is empty"),
    ],
)
def test_a_validation_file_must_be_like_the_training_data(content: bytes, message: str, write: Write) -> None:
    with pytest.raises(InputError, match=message):
        load(write("a.csv", GOOD), validation=str(write("b.csv", content)))


def test_too_few_rows_to_hold_one_out_are_told(write: Write) -> None:
    rows, told = load(write("a.csv", b"text,label\na,x\nb,y\n"))
    assert (len(rows.train), len(rows.validation)) == (2, 0)
    assert told == ["no row is held out: 2 rows are too few for --validation-split 0.1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_split": 1.0}, "--validation-split must be at least 0 and below 1, not 1"),
        ({"validation": "-"}, "standard input .* can be read once only"),
        ({"regression": True, "label_separator": ";"}, "--regression .* does not go with --label-separator"),
        ({"label_separator": " "}, "--label-separator must not be empty"),
        ({"template": "qa", "task": "lm"}, "--template needs --task complete, not lm"),
        ({"regression": True, "task": "lm"}, "--regression needs --task classify, not lm"),
        ({"template": "qa", "regression": True}, "--regression and --template contradict each other"),
        ({"template": "qa", "label_column": "b"}, "--label-column and --template contradict each other"),
        ({"template": "{a} {b}", "text_column": "a"}, "--text-column and --template contradict each other"),
    ],
)
def test_options_that_cannot_go_together_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load("-", **options)
