"""Rows come in as they were written, and a bad row never takes the run down."""

import gzip
import io
import lzma
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gptcli.data.readers import read_records
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError, MissingExtraError

Write = Callable[[str, bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that makes a file and returns its path."""

    def make(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name)

    return make


def rows_of(path: str, *, whole: bool = False) -> list[Record]:
    """Read all rows of a file, with a standard input that holds nothing."""
    return list(read_records(path, io.BytesIO(), whole=whole))


def rows_of_stdin(content: bytes, *, whole: bool = False) -> list[Record]:
    """Read all rows of standard input."""
    return list(read_records("-", io.BytesIO(content), whole=whole))


def texts(records: list[Record]) -> list[object]:
    """Return the text column of each row."""
    return [record.columns["text"] for record in records]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"\xef\xbb\xbfone\n", ["one"]),
        (b"one\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
        (b"a\0b\n", ["a\0b"]),
        (b"\n\none\n\n", ["", "", "one", ""]),
        (b"a\rb\x0bc\x0c\xe2\x80\xa8d\n", ["a\rb\x0bc\x0c\u2028d"]),
        (b" one \n", [" one "]),
        (b"one\r", ["one\r"]),
    ],
    ids=[
        "plain",
        "no end",
        "CRLF",
        "BOM",
        "BOM inside",
        "NUL",
        "empty lines",
        "other ends",
        "spaces",
        "lone CR",
    ],
)
def test_a_text_line_is_a_row_without_its_line_end(content: bytes, expected: list[str], write: Write) -> None:
    assert texts(rows_of(write("prompts.txt", content))) == expected
    assert texts(rows_of_stdin(content)) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"a\nb\n", "a\nb"), (b"a\r\nb\r\n", "a\r\nb"), (b"a\n\n", "a\n"), (b"\n", ""), (b"\xef\xbb\xbfa", "a")],
)
def test_a_whole_text_is_one_row_less_one_line_end(content: bytes, expected: str, write: Write) -> None:
    assert texts(rows_of(write("prompt", content), whole=True)) == [expected]
    assert texts(rows_of_stdin(content, whole=True)) == [expected]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv", "a.TSV", "a.parquet"])
def test_a_table_is_not_read_whole(name: str, write: Write) -> None:
    with pytest.raises(ConfigError, match="--whole"):
        read_records(write(name, b"text\nx\n"), io.BytesIO(), whole=True)


def test_a_row_knows_its_file_and_line_and_standard_input_stays_open(write: Write) -> None:
    path = write("prompts.txt", b"one\ntwo\n")
    assert rows_of(path)[1].origin == f"{path}:2"
    stdin = io.BytesIO(b"one\n")
    assert next(iter(read_records("-", stdin))).origin == "standard input:1"
    assert not stdin.closed


def test_rows_arrive_before_standard_input_ends() -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stdin, open(writing, "wb", buffering=0) as sender:
        sender.write(b"first\n")
        assert next(read_records("-", stdin)).columns == {"text": "first"}


BAD_BYTES = {
    "prompts.txt": (b"good\nbad \xff\nafter\n", 2, "is not UTF-8: byte 0xff at column 5"),
    "beyond_ascii.txt": ("é".encode() + b"\x80\n", 1, "is not UTF-8: byte 0x80 at column 2"),
    "rows.jsonl": (b'{"text": "a"}\n{"text": "\xfe"}\n{"text": "c"}\n', 2, "byte 0xfe at column 11"),
    "rows.json": (
        b'[{"text": "a"},\n{"text":\n "\xfe"},\n{"text": "c"}]',
        2,
        "byte 0xfe at line 3, column 3",
    ),
    "rows.csv": (b'id,text\n1,"a\nb\xff"\n2,c\n', 2, "byte 0xff at line 2, column 2 of the cell text"),
}


@pytest.mark.parametrize("name", BAD_BYTES)
def test_a_byte_that_is_not_utf8_spoils_its_row_only(name: str, write: Write) -> None:
    content, line, message = BAD_BYTES[name]
    records = rows_of(write(name, content))
    bad = [record for record in records if record.error]
    assert [record.line for record in bad] == [line]
    assert message in str(bad[0].error)
    assert bad[0].columns.get("text") is None
    assert all("text" in record.columns for record in records if not record.error)


@pytest.mark.parametrize(
    ("name", "head", "tail"),
    [
        ("long.txt", b"", b""),
        ("long.jsonl", b'{"text": "', b'"}'),
        ("long.json", b'[{"text": "', b'"}]'),
        ("long.csv", b"text\n", b""),
    ],
)
def test_a_line_of_ten_megabytes_is_read(name: str, head: bytes, tail: bytes, write: Write) -> None:
    (record,) = rows_of(write(name, head + b"x" * 10_000_000 + tail + b"\n"))
    assert len(str(record.columns["text"])) == 10_000_000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"", "is empty"),
        ("a.jsonl", b"\n \n", "is empty"),
        ("a.json", b"[ ]", "is empty"),
        ("a.json", b" ", "is empty"),
        ("a.json", b'{"text": "x"}', "is not a JSON array.*jsonl"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n\n", "is empty"),
        ("a.csv", b"id,text\n\n", "has a header but no rows"),
        ("a.csv", b"id,text", "has a header but no rows"),
        ("a.csv", b"id,text,id\n1,2,3\n", "more than one column named id"),
        ("a.csv", b",text\n1,2\n", "column 1 of the header has no name"),
        ("a.csv", b"i\xffd,text\n1,2\n", "name 1 in the header is not UTF-8"),
        ("a.csv", b'id,"text\n1,2\n', "the header opens a quote"),
        ("a.txt", "text\nx\n".encode("utf-16"), "UTF-16.*iconv -f UTF-16 -t UTF-8"),
        ("a.txt", b"\xfe\xff\0a", "UTF-16.*iconv -f UTF-16 -t UTF-8"),
        ("a.jsonl", '{"text": 1}\n'.encode("utf-16"), "UTF-16"),
        ("a.json", '[{"text": 1}]\n'.encode("utf-16"), "UTF-16"),
        ("a.csv", "text\nx\n".encode("utf-16"), "UTF-16"),
        ("a.parquet", b"text", "cannot be read as Parquet"),
    ],
)
def test_input_without_readable_rows_is_refused_in_one_line(
    name: str, content: bytes, message: str, write: Write
) -> None:
    path = write(name, content)
    with pytest.raises(InputError, match=message) as caught:
        rows_of(path)
    assert str(caught.value).startswith(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("whole", [False, True])
def test_empty_standard_input_is_refused(whole: bool) -> None:
    with pytest.raises(InputError, match="standard input is empty"):
        rows_of_stdin(b"", whole=whole)


def test_a_whole_utf16_text_is_refused(write: Write) -> None:
    with pytest.raises(InputError, match="UTF-16"):
        rows_of(write("a.txt", "a\nb".encode("utf-16")), whole=True)


def test_a_missing_file_and_a_directory_are_refused_before_a_row_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none.txt: No such file or directory; check the path"):
        read_records(str(tmp_path / "none.txt"), io.BytesIO())
    with pytest.raises(InputError, match="it is a directory; give a file"):
        read_records(str(tmp_path), io.BytesIO())


def test_a_file_that_may_not_be_read_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.txt", b"x")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(InputError, match="Permission denied"):
        read_records(path, io.BytesIO())


def test_an_error_while_reading_is_an_input_error(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match="cannot read standard input: Input/output error"):
        list(read_records("-", Broken(b"x")))


def test_parquet_without_pyarrow_names_the_command(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'pip install "gptcli\[data\]"'):
        read_records(write("a.parquet", b""), io.BytesIO())


def test_a_compressed_file_is_read_by_the_suffix_inside(write: Write) -> None:
    assert texts(rows_of(write("a.jsonl.gz", gzip.compress(b'{"text": "one"}\n')))) == ["one"]
    assert texts(rows_of(write("a.txt.xz", lzma.compress(b"one\ntwo\n")))) == ["one", "two"]
    with pytest.raises(InputError, match=r"a\.txt\.gz is damaged"):
        rows_of(write("a.txt.gz", gzip.compress(b"one\n")[:-4]))


def test_rows_that_are_not_asked_for_leave_no_file_open(write: Write) -> None:
    path = write("prompts.txt", b"one\ntwo\n")
    read_records(path, io.BytesIO())
    started = read_records(path, io.BytesIO())
    next(started)
    del started  # a file left open is a ResourceWarning, which fails the run


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.jsonl"])
def test_a_file_that_is_not_text_is_refused_once(write: Write, name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} is not text: decompress it, or convert it to UTF-8"):
        read_records(write(name, b"\0\1\2\n" * 99), io.BytesIO())
