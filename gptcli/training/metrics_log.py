"""metrics.jsonl: a JSON object a line for every report of a run, the same lines in a resumed run as in an unbroken one.

What depends on the clock or the machine stands last in its line, under the names in VOLATILE.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Self

from gptcli.data.atomic import write_atomically
from gptcli.data.formats import Jsonl
from gptcli.errors import OutputError
from gptcli.training.events import EvalReport, SampleReport, StepReport

FILE_NAME = "metrics.jsonl"
VOLATILE = ("seconds", "tokens_per_second", "memory_bytes", "seconds_left")
"""Keys whose values are not the same in the same run twice."""

Record = dict[str, object]
Loggable = StepReport | EvalReport | SampleReport
_TYPES: Mapping[type[Loggable], str] = {StepReport: "step", EvalReport: "eval", SampleReport: "sample"}


class MetricsLog:
    """Writes reports as they come; each line is handed to the system before write returns."""

    def __init__(self, path: Path, resume_step: int | None) -> None:
        """Begin a new file, or go on behind the lines of the steps up to resume_step; raises OutputError."""
        self._path = path
        try:
            if resume_step is None:
                write_atomically(str(path), b"")
            else:
                _cut_back(path, resume_step)
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise _unwritable(path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def write(self, event: Loggable) -> None:
        """Append a report; raises OutputError where that fails."""
        left = memoryview(_line(event))
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def read_metrics(path: Path) -> list[Record]:
    """Return the records of a file, in its order; a line that a killed run has torn is left out."""
    try:
        return [record for _, record in _whole_lines(path.read_bytes())]
    except OSError as error:
        raise OutputError(f"{path} cannot be read: {error.strerror}") from error


def _cut_back(path: Path, step: int) -> None:
    """Leave the lines of the steps up to one."""
    data = path.read_bytes() if path.exists() else b""
    kept = b"".join(line for line, record in _whole_lines(data) if _step_of(record) <= step)
    write_atomically(str(path), kept)


def _whole_lines(data: bytes) -> Iterator[tuple[bytes, Record]]:
    for line in data.split(b"\n")[:-1]:  # behind the last line end stands nothing, or a torn line
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict):
            yield line + b"\n", record


def _step_of(record: Record) -> float:
    """Return a line's step; a line without one is nobody's, and past every step."""
    step = record.get("step")
    return step if isinstance(step, int) else math.inf


def _line(event: Loggable) -> bytes:
    values: Record = {"type": _TYPES[type(event)]}
    values |= {field.name: getattr(event, field.name) for field in fields(event)}
    volatile = {name: values.pop(name) for name in VOLATILE if name in values}
    return Jsonl().row(values | volatile, first=False)


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"{path} cannot be written: {error.strerror}")
