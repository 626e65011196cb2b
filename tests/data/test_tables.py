"""A table's row keeps its cells and its place; a bad one spoils no other."""

import io

import pyarrow
import pyarrow.parquet
import pytest

from gptcli.data.readers import Reader
from gptcli.data.records import Record
from gptcli.data.tables import read_csv, read_parquet, read_tsv
from gptcli.errors import InputError


def parquet_rows(table: pyarrow.Table) -> list[Record]:
    """Read all rows of a table that went through Parquet."""
    file = io.BytesIO()
    pyarrow.parquet.write_table(table, file)
    return list(read_parquet(file, "file"))


@pytest.mark.parametrize(("read", "delimiter"), [(read_csv, ","), (read_tsv, "\t")])
def test_a_csv_row_knows_the_line_at_which_it_begins(read: Reader, delimiter: str) -> None:
    lines = ["\r\nid,text\r\n", '1,"two\nlines, ""quoted"""\r\n', "\r\n", "2,\0 plain \r\n"]
    content = "".join(lines).replace(",", delimiter).encode()
    first, second = read(io.BytesIO(b"\xef\xbb\xbf" + content), "file")
    assert (first.line, second.line) == (3, 6)
    assert first.columns == {"id": "1", "text": f'two\nlines{delimiter} "quoted"'}
    assert second.columns == {"id": "2", "text": "\0 plain "}


def test_a_bad_cell_leaves_its_row_the_other_cells() -> None:
    (record,) = read_csv(io.BytesIO(b"id,text\n7,\xff\n"), "file")
    assert record.columns == {"id": "7", "text": None}


@pytest.mark.parametrize(
    ("row", "message", "columns"),
    [
        (b"1,2,3,4", "has 4 cells, the header has 3", {"a": "1", "b": "2", "c": "3"}),
        (b"1,2", "has 2 cells, the header has 3", {"a": "1", "b": "2"}),
        (b'1,"2"x,3', "is not well-formed", {}),
    ],
)
def test_a_ragged_csv_row_is_a_bad_row_and_the_next_is_read(row: bytes, message: str, columns: dict[str, str]) -> None:
    bad, good = read_csv(io.BytesIO(b"a,b,c\n" + row + b"\n4,5,6\n"), "file")
    assert message in str(bad.error)
    assert (bad.line, bad.columns) == (2, {"a": None, "b": None, "c": None} | columns)
    assert (good.line, good.error, good.columns) == (3, None, {"a": "4", "b": "5", "c": "6"})


def test_a_quote_that_is_never_closed_is_a_bad_row() -> None:
    good, bad = read_csv(io.BytesIO(b'a,b\n1,2\n3,"4\n5,6\n'), "file")
    assert good.error is None
    assert bad.line == 3
    assert "quote that is never closed" in str(bad.error)


def test_parquet_rows_keep_their_types() -> None:
    table = pyarrow.table({"id": [1, None], "text": ["a\0", "é"], "tags": [["x"], []]})
    first, second = parquet_rows(table)
    assert first.columns == {"id": 1, "text": "a\0", "tags": ["x"]}
    assert (second.line, second.columns) == (2, {"id": None, "text": "é", "tags": []})


def test_a_parquet_cell_that_is_not_utf8_spoils_its_row_only() -> None:
    column = pyarrow.array([b"good", b"\xff"]).view(pyarrow.string())
    table = pyarrow.table({"text": column})
    good, bad = parquet_rows(table)
    assert (good.error, bad.error) == (None, "is not UTF-8")


def test_a_parquet_file_without_rows_is_refused() -> None:
    table = pyarrow.table({"text": pyarrow.array([], pyarrow.string())})
    with pytest.raises(InputError, match="has a header but no rows"):
        parquet_rows(table)
