"""Rows go out as valid JSON or CSV, and what was read from a CSV is written as it was."""

import io
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptcli.data.formats import Csv, RowFormat, format_for
from gptcli.data.tables import read_csv, read_tsv
from gptcli.errors import ConfigError, OutputError


def encode(row_format: RowFormat, columns: list[str], rows: list[dict[str, object]]) -> bytes:
    """Return a whole file."""
    header = row_format.header(columns)
    body = [row_format.row(row, number == 0) for number, row in enumerate(rows)]
    return header + b"".join(body) + row_format.footer()


@given(rows=st.lists(st.tuples(st.text(), st.text()), min_size=1), tabs=st.booleans())
def test_any_text_in_a_csv_cell_reads_back_as_it_was(rows: list[tuple[str, str]], tabs: bool) -> None:
    columns: list[dict[str, object]] = [{"a": a, "b": b} for a, b in rows]
    content = encode(Csv("\t" if tabs else ","), ["a", "b"], columns)
    records = list((read_tsv if tabs else read_csv)(io.BytesIO(content), "file"))
    assert [record.columns for record in records] == columns


@given(cells=st.lists(st.text(), min_size=1))
def test_a_csv_of_one_column_keeps_its_empty_cells(cells: list[str]) -> None:
    content = encode(Csv(), ["a"], [{"a": cell} for cell in cells])
    assert [record.columns["a"] for record in read_csv(io.BytesIO(content), "file")] == cells


def test_a_csv_value_that_is_no_text_is_written_as_json_writes_it() -> None:
    row: dict[str, object] = {
        "none": None,
        "float": 0.1,
        "small": 1e-300,
        "nan": float("nan"),
        "bool": True,
        "list": [1, None],
        "object": {"k": "é"},
        "text": "é",
        "date": date(2024, 1, 2),
    }
    header, line = encode(Csv(), [*row, "absent"], [row]).decode().splitlines()
    assert header == "none,float,small,nan,bool,list,object,text,date,absent"
    assert line == ',0.1,1e-300,,true,"[1, null]","{""k"": ""é""}",é,2024-01-02,'


def test_a_key_that_the_csv_header_lacks_is_refused_by_name() -> None:
    row_format = Csv()
    row_format.header(["a"])
    with pytest.raises(OutputError, match=r"column extra .*\.jsonl"):
        row_format.row({"a": 1, "extra": 2}, True)


ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(rows=st.lists(st.dictionaries(st.text(), ANY_VALUE, max_size=3), max_size=4))
def test_json_and_json_lines_are_valid_and_equal(rows: list[dict[str, object]]) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    array = json.loads(encode(format_for("a.json"), [], rows), parse_constant=refuse)
    lines = encode(format_for("a.jsonl"), [], rows).decode().removesuffix("\n").split("\n")
    assert array == ([json.loads(line) for line in lines] if rows else [])
    assert [list(row) for row in array] == [list(row) for row in rows]


def test_json_is_readable_text_with_null_for_nan_and_escapes_for_lone_surrogates() -> None:
    row = {"text": "é\ud800\n", "nan": float("nan"), "inf": [float("inf")], "bytes": b"a"}
    expected = '{"text": "é\\ud800\\n", "nan": null, "inf": [null], "bytes": "a"}\n'
    assert encode(format_for("a.ndjson"), [], [row]).decode() == expected


def test_a_json_array_has_a_row_a_line() -> None:
    assert encode(format_for("A.JSON"), [], [{"a": 1}, {"a": 2}]) == b'[\n{"a": 1},\n{"a": 2}\n]\n'
    assert json.loads(encode(format_for("a.json"), [], [])) == []


@pytest.mark.parametrize("path", ["out", "out.parquet", "out.csv.gz"])
def test_a_suffix_of_no_format_lists_those_there_are(path: str) -> None:
    with pytest.raises(ConfigError, match=r"\.txt, \.jsonl, \.ndjson, \.json, \.csv or \.tsv"):
        format_for(path)
