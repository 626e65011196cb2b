"""Read tables: CSV, TSV and Parquet, each with a header."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import BinaryIO

from gptcli.data.records import Record
from gptcli.data.utf8 import bad_byte, decoded, lines_of
from gptcli.errors import InputError, MissingExtraError

# Long enough for any document, short enough that a stray quote does not swallow a large file into memory.
_CELL_CHARACTERS = 1 << 28
_PARQUET_BATCH_ROWS = 1024


def read_csv(binary: BinaryIO, source: str) -> Iterator[Record]:
    """Yield a record a row of comma-separated cells; blank lines between rows are not rows."""
    return _read_delimited(binary, source, ",")


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
        raise InputError(f"{source} has a header but no rows")


def require_pyarrow() -> None:
    """Raise MissingExtraError when Parquet cannot be read here."""
    if find_spec("pyarrow") is None:
        raise MissingExtraError('.parquet files need pyarrow: pip install "gptcli[data]"')


def _read_delimited(binary: BinaryIO, source: str, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(_CELL_CHARACTERS)
    # The csv module asks for line ends as they are; strict reports what it would otherwise guess at.
    with decoded(binary, newline="") as text:
        rows = csv.reader(lines_of(text, source), delimiter=delimiter, strict=True)
        header = _read_header(rows, source)
        if header is None:
            return
        found = False
        while True:
            line = rows.line_num + 1
            try:
                cells = next(rows, None)
            except csv.Error as error:
                found = True
                yield Record(source=source, line=line, columns=dict.fromkeys(header), error=_csv_complaint(error))
                continue
            if cells is None:
                break
            if cells:
                found = True
                yield _row(header, cells, source, line)
    if not found:
        raise InputError(f"{source} has a header but no rows")


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


def _row(header: list[str], cells: list[str], source: str, line: int) -> Record:
    """Return a row with all columns of the header; where it is bad, None stands for the cells that cannot be told."""
    columns: dict[str, object] = dict.fromkeys(header)
    columns |= zip(header, cells, strict=False)
    error = None
    if len(cells) != len(header):
        error = f"has {len(cells)} {'cell' if len(cells) == 1 else 'cells'}, the header has {len(header)}"
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
