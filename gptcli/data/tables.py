"""Read tables: CSV, TSV and Parquet, each with a header."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from gptcli.data.layouts import QUOTING, Layout, detect_delimiter
from gptcli.data.records import Record
from gptcli.data.utf8 import bad_byte, decoded, lines_of
from gptcli.errors import InputError, MissingExtraError, NoRowsError

if TYPE_CHECKING:
    import _csv

# Long enough for any document, short enough that a stray quote does not swallow a large file into memory.
_CELL_CHARACTERS = 1 << 28
_PARQUET_BATCH_ROWS = 1024


Cells = tuple[int, Sequence[str], str | None]
"""The line at which a row begins, its cells, and why it is bad; None when it is not."""


def read_csv(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a row of cells that what parts the header's names parts; blank lines are not rows."""
    return _read_delimited(binary, source, None)


def read_tsv(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a row of tab-separated cells, quoted as in CSV."""
    return _read_delimited(binary, source, "\t")


def read_parquet(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a row of a Parquet file; its line is the number of the row."""
    require_pyarrow()
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(binary)
        header = table.schema_arrow.names
        _check_header(header, source)
        line = 0
        for batch in table.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
            for row in range(batch.num_rows):
                line += 1
                try:
                    cells = [column[row].as_py() for column in batch.columns]
                except UnicodeDecodeError:
                    yield Record(source=source, line=line, error="is not UTF-8")
                except (ValueError, OverflowError) as error:  # a time that Python has no type for
                    yield Record(source=source, line=line, error=f"has a cell that cannot be read: {error}")
                else:
                    yield Record(source=source, line=line, columns=dict(zip(header, cells, strict=True)))
    except pyarrow.ArrowException as error:
        raise InputError(f"{source} cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    if line == 0:
        raise NoRowsError(f"{source} has a header but no rows")


def require_pyarrow() -> None:
    """Raise MissingExtraError when Parquet cannot be read here."""
    if find_spec("pyarrow") is None:
        raise MissingExtraError('.parquet files need pyarrow: pip install "gptcli[data]"')


def open_table(lines: Iterable[str], source: str, layout: Layout) -> tuple[list[str], Iterator[Cells]] | None:
    """Return a table's header and its rows, or None where there is no line; raises NoRowsError for no row."""
    csv.field_size_limit(_CELL_CHARACTERS)
    # Strict reports what the csv module would otherwise guess at.
    reader = csv.reader(lines, delimiter=layout.delimiter, quoting=QUOTING[layout.quoted], strict=True)
    header = _read_header(reader, source) if layout.header else next((cells for cells in reader if cells), None)
    if header is None:
        return None
    if layout.header:
        rows = _rows(reader, len(header))
        first = next(rows, None)
        if first is None:
            raise NoRowsError(f"{source} has a header but no rows")
    else:
        first = reader.line_num, header, None
        header = [f"column {number}" for number in range(1, len(header) + 1)]
        rows = _rows(reader, len(header))
    return header, chain([first], rows)


def _rows(reader: "_csv.Reader", width: int) -> Iterator[Cells]:
    """Yield the rows behind the header."""
    line = reader.line_num + 1
    while True:
        try:
            for cells in reader:
                if len(cells) == width:
                    yield line, cells, None
                elif cells:
                    count = f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'}"
                    yield line, cells, f"has {count}, the header has {width}"
                line = reader.line_num + 1
        except csv.Error as error:
            yield line, [], _csv_complaint(error)
            line = reader.line_num + 1
            continue
        return


def _read_delimited(binary: BinaryIO, source: str, delimiter: str | None) -> Iterator[Record]:
    # The csv module asks for line ends as they are.
    with decoded(binary, newline="") as text:
        lines = lines_of(text, source)
        start = _first_lines(lines)
        layout = Layout(delimiter=delimiter or detect_delimiter(start))
        table = open_table(chain(start, lines), source, layout)
        if table is None:
            return
        header, rows = table
        for line, cells, error in rows:
            yield _row(header, cells, source, line, error)


def _first_lines(lines: Iterator[str]) -> list[str]:
    """Return the lines up to the first that is not blank."""
    start: list[str] = []
    for line in lines:
        start.append(line)
        if line.strip("\r\n"):
            break
    return start


def _read_header(rows: Iterator[list[str]], source: str) -> list[str] | None:
    """Return the first row that is not blank; None when there is none."""
    try:
        header = next((cells for cells in rows if cells), None)
    except csv.Error as error:
        raise InputError(f"{source}: the header {_csv_complaint(error)}") from error
    if header is not None:
        _check_header(header, source)
    return header


def _check_header(header: Sequence[str], source: str) -> None:
    """Raise InputError when a column could not be told from another by its name."""
    for number, name in enumerate(header, start=1):
        if not name:
            raise InputError(f"{source}: column {number} of the header has no name: give it one, or remove it")
        complaint = bad_byte(name, 1)
        if complaint:
            raise InputError(f"{source}: name {number} in the header {complaint}")
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise InputError(f"{source}: the header has more than one column named {', '.join(twice)}: rename them")


def _row(header: list[str], cells: Sequence[str], source: str, line: int, error: str | None) -> Record:
    """Return a row with all columns of the header; where it is bad, None stands for the cells that cannot be told."""
    columns: dict[str, object] = dict.fromkeys(header)
    columns |= zip(header, cells, strict=False)
    for name, cell in zip(header, cells, strict=False):
        complaint = bad_byte(cell, 1)
        if complaint:
            columns[name] = None
            error = error or f"{complaint} of the cell {name}"
    return Record(source=source, line=line, columns=columns, error=error)


def _csv_complaint(error: csv.Error) -> str:
    if str(error) == "unexpected end of data":
        return "opens a quote that is never closed, so that all behind it is one cell"
    return f"is not well-formed: {error}"
