"""A run's rows come from any format alike, are split for ever, and are counted."""

import gzip
import json
import lzma
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from gptcli.errors import InputError
from gptcli.training.rows import RowSet
from tests.training.loading import Write, in_order, load

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
    assert rows.roles.reason.startswith("classify: only column 2 holds text")


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


def test_a_slice_of_the_rows_is_rows(write: Write) -> None:
    rows, _ = load(write("a.csv", FILES["a.csv"]), validation_split=0)
    assert [row.text for row in rows.train[3:9:2]] == list(TEXTS[3:9:2])
    assert rows.train[-1].text == TEXTS[-1]


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


def test_the_largest_rows_are_those_of_most_bytes(write: Write) -> None:
    rows, _ = load(
        write("a.jsonl", '{"text": "abcd"}\n{"text": "猫猫"}\n{"text": "abcde"}\n'.encode()), validation_split=0
    )
    assert [row.text for row in rows.train.largest(2)] == ["猫猫", "abcde"]
    assert len(rows.train.largest(9)) == 3


def test_completions_count_in_the_largest_rows(write: Write) -> None:
    text = b'{"prompt": "abcd", "completion": "x"}\n{"prompt": "a", "completion": "uvwxyz"}\n'
    rows, _ = load(write("a.jsonl", text), validation_split=0)
    assert [row.text for row in rows.train.largest(1)] == ["a"]
