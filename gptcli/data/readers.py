"""Read rows from a file or standard input, whatever their format."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import BinaryIO

from gptcli.data.compression import inner_suffix, is_compressed, opened, require_decompressor
from gptcli.data.encodings import HEAD_BYTES, refuse_binary
from gptcli.data.json_array import read_json_array
from gptcli.data.records import Record
from gptcli.data.tables import read_csv, read_parquet, read_tsv, require_pyarrow
from gptcli.data.text import read_json_lines, read_lines, read_whole
from gptcli.errors import ConfigError, InputError, NoRowsError

Reader = Callable[[BinaryIO, str], Iterator[Record]]

READERS: dict[str, Reader] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json_array,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
}


def read_records(path: str, stdin: BinaryIO, *, whole: bool = False) -> Iterator[Record]:
    """Return the rows of a file by its suffix, or of standard input for "-"; text has a row a line.

    whole makes all of a text one row. A row that cannot be read is a record with an error. Raises InputError
    at once for a file that cannot be opened, or is not text, and NoRowsError in place of the first row if there is
    none. Holds one row.
    """
    suffix = inner_suffix(path)
    if whole and suffix in READERS:
        raise ConfigError(f"--whole reads text: it does not go with the {suffix} file {path}")
    if path == "-":
        return _records(nullcontext(stdin), "standard input", read_whole if whole else read_lines)
    check_readable(path)
    _refuse_binary(path, suffix)
    return _records(opened(path), path, READERS.get(suffix, read_whole if whole else read_lines))


def check_readable(path: str) -> None:
    """Raise early for what cannot be opened, or needs an extra; opening it twice would break a named pipe."""
    try:
        os.stat(path)
    except OSError as error:
        raise InputError(cannot_read(path, error)) from error
    if os.path.isdir(path):
        raise InputError(f"cannot read {path}: it is a directory; give a file")
    if not os.access(path, os.R_OK):
        raise InputError(f"cannot read {path}: Permission denied; check who may read it")
    require_decompressor(path)
    if inner_suffix(path) == ".parquet":
        if is_compressed(path):
            raise InputError(f"cannot read {path}: Parquet is compressed inside; decompress the file around it")
        require_pyarrow()


def _refuse_binary(path: str, suffix: str) -> None:
    """Raise InputError for a file that is not text, whose every line would be a bad row."""
    # A second look at a pipe, or at what is open already, would take from the first.
    if suffix == ".parquet" or not os.path.isfile(path) or os.path.abspath(path).startswith("/dev/"):
        return
    head = b""
    with suppress(InputError, OSError), opened(path) as binary:  # its reader tells damage, behind the rows before it
        head = binary.read(HEAD_BYTES)
    refuse_binary(head, path)


def _records(opened: AbstractContextManager[BinaryIO], source: str, read: Reader) -> Iterator[Record]:
    empty = True
    try:
        with opened as binary:
            for record in read(binary, source):
                empty = False
                yield record
    except OSError as error:
        raise InputError(cannot_read(source, error)) from error
    if empty:
        raise NoRowsError(f"{source} is empty")


def cannot_read(source: str, error: OSError) -> str:
    """Say that a file cannot be read, and why."""
    remedy = "; check the path" if isinstance(error, FileNotFoundError) else ""
    return f"cannot read {source}: {error.strerror or error}{remedy}"
