"""A run's rows come from any format alike, are split for ever, and are counted."""

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from gptcli.errors import ConfigError, InputError
from gptcli.training.rows import RowSet
from tests.training.loading import in_order, load

TEXTS = tuple(f"Café number {number} is open, and so is the bar." for number in range(40))
LABELS = tuple(("good", "bad")[number % 2] for number in range(40))
JSON_ROWS: list[dict[str, object]] = [{"text": t, "label": x} for t, x in zip(TEXTS, LABELS, strict=True)]


def table(delimiter: str, end: str = "\n") -> str:
    rows = [("text", "label"), *zip(TEXTS, LABELS, strict=True)]
    quote = '"' if delimiter == "," else ""
    return "".join(f"{quote}{text}{quote}{delimiter}{label}{end}" for text, label in rows)


def parquet(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS, "label": LABELS}), path)


JSON_LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in JSON_ROWS)
FILES: dict[str, bytes] = {
    "a.csv": table(",").encode(),
    "crlf.CSV": table(",", "\r\n").encode(),
    "semicolon.csv": table(";").encode(),
    "tabs.csv": table("\t").encode(),
    "a.tsv": table("\t").encode(),
    "a.jsonl": JSON_LINES.encode(),
    "a.json": f"[{JSON_LINES.strip()}]".replace("}\n", "},\n").encode(),
    "lines.json": JSON_LINES.encode(),
    "bom.csv": table(",").encode("utf-8-sig"),
    "utf16.csv": table(",").encode("utf-16"),
    "utf16.jsonl": JSON_LINES.encode("utf-16"),
    "cp1252.csv": table(",").encode("cp1252"),
    "a.csv.gz": gzip.compress(table(",").encode()),
    "a.jsonl.xz": lzma.compress(JSON_LINES.encode()),
    "a.tsv.zst": zstandard.compress(table("\t").encode()),
    "utf16.csv.gz": gzip.compress(table(",").encode("utf-16")),
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, bytes], Path]:
    """Return a function that makes a file and returns its path."""

    def make(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return make


Write = Callable[[str, bytes], Path]


def check(rows: RowSet) -> None:
    """Compare rows with those of FILES."""
    assert (rows.roles.task, rows.labels and rows.labels.names) == ("classify", ("bad", "good"))
    assert [row.text for row in in_order(rows)] == list(TEXTS)
    assert [row.label for row in in_order(rows)] == [1, 0] * 20
    assert (rows.rows_read, rows.unreadable, rows.empty, rows.duplicates, rows.leaked) == (40, 0, 0, 0, 0)


@pytest.mark.parametrize("name", FILES)
def test_rows_are_the_same_in_every_format_encoding_and_compression(name: str, write: Write) -> None:
    path = write(name, FILES[name])
    rows, told = load(path)
    check(rows)
    assert rows.digest == load(write("again.csv", FILES["a.csv"]))[0].digest
    assert [line.split(": ")[0] for line in told] == (
        [f"{path} is not UTF-8 and is read as Windows-1252"] if name.startswith("cp1252") else []
    )


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet")
    check(load(tmp_path / "a.parquet")[0])


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "utf16.csv", "semicolon.csv"])
def test_standard_input_holds_the_same_rows(name: str) -> None:
    rows, _ = load("-", stdin=FILES[name])
    check(rows)
    assert rows.origin(rows.train[0]).startswith("standard input:")


def test_a_row_knows_its_file_and_line(write: Write) -> None:
    write("b.csv", b'text,label\n"two\nlines",x\n\nthree,y\n')
    write("a.jsonl", b'{"text": "one", "label": "x"}\n')
    directory = write("c.txt.skipped", b"").parent
    rows, _ = load(directory, validation_split=0)
    assert [rows.origin(row) for row in rows.train] == [
        f"{directory}/a.jsonl:1",
        f"{directory}/b.csv:2",
        f"{directory}/b.csv:5",
    ]
    assert [row.text for row in rows.train[1:]] == ["two\nlines", "three"]


def test_a_table_without_a_header_says_what_its_columns_are_called(write: Write) -> None:
    path = write("a.tsv", b"".join(f"{x}\t{t}\n".encode() for t, x in zip(TEXTS, LABELS, strict=True)))
    rows, told = load(path)
    check(rows)
    assert told == [f"{path} has no header: its columns are called column 1, column 2"]
    assert rows.roles.reason.startswith("classify: only column column 2 holds text")


def test_text_is_a_document_a_file_a_mark_or_a_line(write: Write) -> None:
    for name, content, options, expected in [
        ("a.txt", "One.\n\nTwo.\n", {}, ["One.\n\nTwo."]),
        ("b.txt", "One.\n<|endoftext|>\nTwo.\n", {}, ["One.", "Two."]),
        ("c.txt", "One.\n\nTwo.\n", {"lines": True}, ["One.", "Two."]),
        ("d", "One.\n", {}, ["One."]),
    ]:
        rows, _ = load(write(name, content.encode()), **options)
        assert [row.text for row in in_order(rows)] == expected
        assert all(row.ends for row in rows.train)
        assert "is plain text" in rows.roles.reason


def test_prompts_and_completions_are_made_by_the_template(write: Write) -> None:
    path = write("a.csv", b"english,french\nGo.,Va !\nHi.,Salut.\n")
    columns = {"prompt_columns": ("english",), "completion_column": "french"}
    for options, expected in [
        (columns, ("Go.", " Va !")),
        ({**columns, "template": "translate"}, ("Go. =", " Va !")),
        ({"template": "In French, {english} is: {french}"}, ("In French, Go. is:", " Va !")),
    ]:
        rows, _ = load(path, validation_split=0, **options)
        assert rows.roles.task == "complete"
        assert (rows.train[0].text, rows.train[0].completion) == expected
        assert rows.template is not None


def test_a_label_may_be_a_number_several_or_a_target(write: Write) -> None:
    content = b"text,label\nx,2\ny,10\nz,2\n"
    rows, _ = load(write("a.csv", content), validation_split=0)
    assert rows.labels is not None
    assert (rows.labels.names, [row.label for row in rows.train]) == (("2", "10"), [0, 1, 0])
    rows, _ = load(write("a.csv", content), validation_split=0, regression=True)
    assert [row.label for row in rows.train] == [2.0, 10.0, 2.0]
    rows, _ = load(write("a.csv", b"text,label\nx,b;a\ny,a\n"), validation_split=0, label_separator=";")
    assert [row.label for row in rows.train] == [(0, 1), (0,)]
    rows, _ = load(write("a.jsonl", b'{"text": "x", "label": ["b"]}\n{"text": "y", "label": ["a", "b"]}\n'))
    assert [row.label for row in in_order(rows)] == [(1,), (0, 1)]


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
    "no good row": ("a.jsonl", b"x\ny\n", {}, "a.jsonl: none of the first 2 rows can be read; line 1 is not JSON"),
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
    first = write("a.csv", FILES["a.csv"])
    with pytest.raises(InputError, match=r"b\.csv: no column label, which the first file has: .* are text, tag"):
        load(first, write("b.csv", b"text,tag\na,good\n"))


def test_rows_held_out_stay_there_when_others_come(write: Write) -> None:
    path = write("a.csv", FILES["a.csv"])
    before, _ = load(path, validation_split=0.2)
    more = b"".join(b"This one is new, %d;%s\n" % (n, b"bad" if n % 3 else b"good") for n in range(200))
    after, _ = load(write("b.csv", b"text;label\n" + more), path, validation_split=0.2)
    held, learned = ({row.text for row in side} for side in (after.validation, after.train))
    assert {row.text for row in before.validation} <= held
    assert {row.text for row in before.train} <= learned
    assert before.digest != after.digest
    assert len(held) == pytest.approx(48, abs=15)


def test_duplicates_are_counted_and_never_part(write: Write) -> None:
    double = b"".join(line + b"\n" for line in FILES["a.csv"].split(b"\n")[1:-1] for _ in range(3))
    rows, _ = load(write("a.csv", b"text,label\n" + double))
    assert (rows.duplicates, rows.leaked) == (len(rows.train) * 2 // 3, 0)
    assert not {row.text for row in rows.train} & {row.text for row in rows.validation}
    different = b"text,label\na,x\na,y\nb,x\n"
    assert load(write("a.csv", different), validation_split=0)[0].duplicates == 0
    pairs = b"question,answer\nq,one\nq,two\nq,two\n"
    assert load(write("a.csv", pairs), validation_split=0)[0].duplicates == 1


def test_a_validation_file_is_held_out_whole_and_its_leaks_are_counted(write: Write) -> None:
    train = write("a.csv", FILES["a.csv"])
    rows, _ = load(
        train, validation=str(write("b.jsonl", JSON_LINES.encode().split(b"\n")[0] + b'\n{"text":"new","label":"bad"}'))
    )
    assert (len(rows.train), len(rows.validation), rows.leaked) == (40, 2, 1)
    assert [row.label for row in rows.validation] == [1, 0]
    assert rows.origin(rows.validation[1]).endswith("b.jsonl:2")


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
        load(write("a.csv", FILES["a.csv"]), validation=str(write("b.csv", content)))


def test_too_few_rows_to_hold_one_out_are_told(write: Write) -> None:
    rows, told = load(write("a.csv", b"text,label\na,x\nb,y\n"))
    assert (len(rows.train), len(rows.validation)) == (2, 0)
    assert told == ["no row is held out: 2 rows are too few for --validation-split 0.1"]


def test_a_slice_of_the_rows_is_rows(write: Write) -> None:
    rows, _ = load(write("a.csv", FILES["a.csv"]), validation_split=0)
    assert [row.text for row in rows.train[3:9:2]] == list(TEXTS[3:9:2])
    assert rows.train[-1].text == TEXTS[-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_split": 1.0}, "--validation-split must be at least 0 and below 1, not 1"),
        ({"validation": "-"}, "standard input .* can be read once only"),
        ({"regression": True, "label_separator": ";"}, "--regression .* does not go with --label-separator"),
        ({"label_separator": " "}, "--label-separator must not be empty"),
        ({"template": "qa", "task": "lm"}, "--template needs --task complete, not lm"),
        ({"regression": True, "task": "lm"}, "--regression needs --task classify, not lm"),
    ],
)
def test_options_that_cannot_go_together_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load("-", **options)


FACTS: dict[str, tuple[dict[str, object], str, int]] = {
    "sst2/train.tsv": ({}, "classify", 6920),
    "sms-spam/SMSSpamCollection.tsv": ({}, "classify", 5574),
    "complete/qa-train.csv": ({}, "complete", 3038),
    "pretrain/tinystories.txt": ({}, "lm", 2399),
    "pretrain/storybooks.jsonl": ({}, "lm", 707),
    "complete/english-french.tsv": (
        {"template": "translate", "prompt_columns": ("english",), "completion_column": "french"},
        "complete",
        5000,
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_real_file_is_read_whole(name: str, shared: Path) -> None:
    options, task, count = FACTS[name]
    rows, _ = load(shared / "data" / name, **options)
    assert (rows.roles.task, len(rows.train) + len(rows.validation), rows.unreadable) == (task, count, 0)
    assert len(rows.validation) == pytest.approx(count / 10, rel=0.15)


def test_language_pairs_need_to_be_told_which_is_the_prompt(shared: Path) -> None:
    with pytest.raises(InputError, match=r"the columns are english, french, attribution; set .*--prompt-column"):
        load(shared / "data" / "complete" / "english-french.tsv")
