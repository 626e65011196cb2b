"""A line of JSON is a row; one that is not is a bad row, and the next is read."""

import io
import json

import pytest

from gptcli.data.text import read_json_lines


def test_json_lines_keep_types_and_order() -> None:
    row = {"z": 1, "text": "é\0", "list": [1.5, None, True], "a": {"b": {}}}
    (record,) = read_json_lines(io.BytesIO(json.dumps(row).encode() + b"\n"), "file")
    assert json.dumps(record.columns) == json.dumps(row)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'"text"', "is not a JSON object but a string"),
        (b"[1]", "is not a JSON object but an array"),
        (b"null", "is not a JSON object but null"),
        (b"12", "is not a JSON object but a number"),
        (b'{"text": }', "is not JSON: Expecting value at column 10"),
        (b'{"text": "a"', "at column 13"),
        (b"", "is blank, not a JSON object"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"n": ' + b"9" * 5000 + b"}", "too many digits"),
    ],
    ids=["string", "array", "null", "number", "no value", "cut", "blank", "deep", "digits"],
)
def test_a_bad_json_line_is_a_bad_row_and_the_next_is_read(line: bytes, message: str) -> None:
    first, second = read_json_lines(io.BytesIO(line + b'\n{"text": "next"}\n\n \n'), "file")
    assert message in str(first.error)
    assert (first.line, second.line, second.columns) == (1, 2, {"text": "next"})
