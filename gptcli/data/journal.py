"""The journal beside an output file: how its run was started, and how much of the file is whole.

The first line is the run's state as JSON; each further line is the file's length after one more finished row,
with a mark behind it where the row failed. The running process holds a lock on it.
"""

import fcntl
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from gptcli.data.atomic import write_atomically
from gptcli.errors import OutputError

CONTENTS = "the contents of"
"""What stands in a state before the name of a file that was read: no option, and another name with another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What a journal says."""

    state: Mapping[str, object]
    rows_done: int
    rows_failed: int
    """Of the rows done, those that could not be."""
    output_bytes: int
    """Length of the output file after its last finished row."""
    journal_bytes: int
    """Length of the journal up to its last whole line; a killed run may have torn the line behind it."""


FAILED = b" failed"


def journal_path(output: str) -> str:
    """Return the path of the journal of an output file."""
    return f"{output}.resume"


def start_journal(output: str, state: Mapping[str, object]) -> Journal:
    """Write a journal of no rows; raise OSError where that fails."""
    first_line = json.dumps(state).encode() + b"\n"
    write_atomically(journal_path(output), first_line)
    return Journal(state=_as_json(state), rows_done=0, rows_failed=0, output_bytes=0, journal_bytes=len(first_line))


def read_journal(output: str) -> Journal | None:
    """Read the journal, or return None when there is none; raise OutputError when it makes no sense."""
    path = journal_path(output)
    if not os.path.exists(path):
        return None
    rows_done = rows_failed = output_bytes = 0
    try:
        with open(path, "rb") as file:
            first_line = file.readline()
            state = dict(json.loads(first_line))
            journal_bytes = len(first_line)
            for line in file:
                if line.endswith(b"\n"):
                    length = line.rstrip(b"\n")
                    output_bytes = int(length.removesuffix(FAILED))
                    rows_failed += length.endswith(FAILED)
                    rows_done += 1
                    journal_bytes += len(line)
    except (ValueError, TypeError) as error:
        raise OutputError(f"{path} is damaged: begin again with --overwrite") from error
    return Journal(
        state=state,
        rows_done=rows_done,
        rows_failed=rows_failed,
        output_bytes=output_bytes,
        journal_bytes=journal_bytes,
    )


def refuse_if_running(output: str) -> None:
    """Raise OutputError while another process writes the file."""
    if not os.path.exists(journal_path(output)):
        return
    descriptor = os.open(journal_path(output), os.O_WRONLY)
    try:
        lock(descriptor, output)
    finally:
        os.close(descriptor)


def lock(descriptor: int, output: str) -> None:
    """Hold the journal until it is closed; raise OutputError when another process does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OutputError(f"another run is writing {output}: wait for it, or give another -o FILE") from error


def changed_options(before: Mapping[str, object], state: Mapping[str, object]) -> list[str]:
    """Name what differs from the run that is to be continued; its seed may, for the journal's is used."""
    now = _as_json(state)
    missing = object()
    return [name for name in sorted(now.keys() - {"seed"}) if before.get(name, missing) != now[name]]


def is_of_another_command(before: Mapping[str, object], state: Mapping[str, object]) -> bool:
    """Return whether a run has options that the one before it did not know; a command's state names all of its own."""
    return any(name not in before for name in state if not name.startswith(CONTENTS))


def _as_json(state: Mapping[str, object]) -> Mapping[str, object]:
    """Return the state as it reads back, a tuple as a list for instance."""
    return dict(json.loads(json.dumps(state)))
