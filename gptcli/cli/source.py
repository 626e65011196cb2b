"""Where rows come from: the command line, a file, or standard input."""

import os
import shlex
import stat
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from gptcli.cli.console import Console
from gptcli.cli.options import SourceFlags
from gptcli.data.compression import is_compressed
from gptcli.data.readers import read_records
from gptcli.data.records import Record
from gptcli.errors import ConfigError, InputError, UsageError

BLOCK_BYTES = 1 << 20
MOST_BAD_ROWS = 1000

RecordGenerator = Generator[Record, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The rows of a run, read as they are asked for; to be closed, since a file may be open behind them."""

    records: RecordGenerator
    count: int | None
    """How many; None where only reading them all would tell."""
    single_text: str | None = None
    """The text of the only row, where there is one by the way it was asked for."""
    path: str | None = None
    """The file that they are read from; "-" is standard input, None are arguments."""

    def peeked(self) -> tuple[tuple[str, ...], Iterator[Record]]:
        """Return the columns of the first row that has any, and all of the rows; raises InputError if none soon has."""
        read: list[Record] = []
        for record in self.records:
            read.append(record)
            if record.columns:
                break
            if len(read) == MOST_BAD_ROWS:
                raise InputError(f"{record.source}: none of the first {MOST_BAD_ROWS} rows can be read: {record.error}")
        return tuple(read[-1].columns), chain(read, self.records)

    def count_lines(self, console: Console) -> int | None:
        """Return how many lines the input has, where that can be seen without reading it up."""
        if self.path is None or self.path.lower().endswith(".parquet") or is_compressed(self.path):
            return None
        if self.path != "-" and not os.path.isfile(self.path):
            return None  # to open a named pipe and close it again would end its writer
        try:
            descriptor = console.stdin.fileno() if self.path == "-" else os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            return _count_lines(descriptor)
        finally:
            if self.path != "-":
                os.close(descriptor)

    def close(self) -> None:
        """Let go of what is being read."""
        with suppress(ValueError):  # another thread may be waiting inside for a line that nobody will type
            self.records.close()


def open_rows(flags: SourceFlags, console: Console, usage: str) -> Rows:
    """Return the rows that the flags name; standard input is touched only when they name nothing else.

    Raises InputError where they cannot be read, and UsageError with the usage where there are none to read.
    """
    prompts = flags.arguments
    if prompts:
        single = prompts[0] if len(prompts) == 1 else None
        if single is not None and os.path.isfile(single):
            called = flags.ARGUMENT.lower()
            path = shlex.quote(single)
            console.warn(f"{single} is also a file: its name is taken as the {called}; -i {path} reads it")
        return Rows(records=_of_arguments(prompts, flags.ARGUMENT.lower()), count=len(prompts), single_text=single)
    _refuse_nothing(flags, console, usage)
    path = flags.input or "-"
    if path == "-" and console.stdin.isatty():
        what = "the text" if flags.whole else "a line"
        console.tell(f"type {what}; Ctrl-D at the beginning of a line ends the input")
    records = _closable(read_records(path, console.stdin, whole=flags.whole))
    if not flags.whole:
        return Rows(records=records, count=None, path=path)
    with closing(records):
        whole = next(records)
    return Rows(records=_closable(iter([whole])), count=1, single_text=str(whole.columns.get("text", "")))


def copyable_stdin(console: Console, *, flags: SourceFlags, usage: str) -> BinaryIO | None:
    """Return standard input where rows come from it, so that several processes can be given copies; else None.

    Raises UsageError with the usage where there are no rows, and ConfigError for a file that can be read only once.
    """
    if flags.arguments:
        return None
    _refuse_nothing(flags, console, usage)
    if flags.input is None or flags.input == "-":
        return console.stdin
    refuse_read_once(flags.input, f"-i {flags.input}")
    return None


def refuse_read_once(path: str, spelled: str) -> None:
    """Raise ConfigError for a pipe or a device, which several processes would part among themselves as it comes."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise ConfigError(f"{spelled} can be read only once, and not by several processes: save it to a file")


def _refuse_nothing(flags: SourceFlags, console: Console, usage: str) -> None:
    if flags.input is None and not flags.prompts and console.stdin.isatty():
        raise UsageError(usage)


def _count_lines(descriptor: int) -> int | None:
    """Return the lines of a regular file, its position left as it is; None for a pipe."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return None
    lines, offset = 0, 0
    while block := os.pread(descriptor, BLOCK_BYTES, offset):
        lines += block.count(b"\n")
        offset += len(block)
    return lines


def _of_arguments(prompts: Sequence[str], column: str) -> RecordGenerator:
    for number, prompt in enumerate(prompts, start=1):
        bad = not prompt.isascii() and _bad_character(prompt)
        error = f"is not UTF-8: byte 0x{ord(bad) & 0xFF:02x}" if bad else None
        yield Record(source="argument", line=number, columns={column: prompt}, error=error)


def _bad_character(prompt: str) -> str | None:
    """Return the first byte that is no text; Python reads such an argument as half of a surrogate pair."""
    return next((character for character in prompt if "\ud800" <= character <= "\udfff"), None)


def _closable(records: Iterator[Record]) -> RecordGenerator:
    """Pass rows on; closing this closes what they come from."""
    yield from records
