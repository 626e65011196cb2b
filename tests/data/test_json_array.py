"""A JSON array is read an element at a time, and a mistake keeps the rows before it."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data import json_array
from gptcli.data.json_array import read_json_array

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    rows=st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=3), min_size=1, max_size=4),
    indent=st.sampled_from([None, 1]),
    ascii_only=st.booleans(),
)
def test_a_json_array_reads_alike_wherever_its_chunks_are_cut(
    rows: list[dict[str, object]], indent: int | None, ascii_only: bool
) -> None:
    document = json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_array, "_CHUNK_CHARACTERS", 1)
        records = list(read_json_array(io.BytesIO(document), "rows.json"))
    assert [record.error for record in records] == [None] * len(rows)
    assert [record.columns for record in records] == json.loads(document)
    if indent:
        lines = document.split(b"\n")
        assert all(lines[record.line - 1].strip().startswith(b"{") for record in records)


@pytest.mark.parametrize(
    ("content", "rows", "message"),
    [
        (b'[{"a": 1}, {"a": 2', 1, "is not JSON"),
        (b'[{"a": 1} {"a": 2}]', 1, "expecting ',' or ']'"),
        (b'[{"a": 1}, ]', 1, "is not JSON: "),
        (b'[{"a": 1}', 1, "expecting ',' or ']'"),
        (b'[{"a": 1}] {"a": 2}', 1, "stands behind the end of the array"),
        (b'[{"a": 1}, 5, {"a": 2}]', 2, "is not a JSON object but a number"),
    ],
)
def test_a_broken_json_array_keeps_the_rows_before(content: bytes, rows: int, message: str) -> None:
    records = list(read_json_array(io.BytesIO(content), "file"))
    assert [message in str(record.error) for record in records if record.error] == [True]
    assert len([record for record in records if not record.error]) == rows


def test_a_mistake_in_a_json_array_does_not_fetch_the_rest_of_the_file() -> None:
    stream = io.BytesIO(b"[{oops}" + b" " * 10_000_000)
    assert next(iter(read_json_array(stream, "rows.json"))).error
    assert stream.tell() < 1_000_000
