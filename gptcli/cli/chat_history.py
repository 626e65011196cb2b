"""What a person has typed, kept across runs: a JSON string a line, readable by nobody else."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from gptcli.data.atomic import write_atomically

KEPT = 1000
"""Entries that are kept when the file has twice as many."""


class History:
    """The entries of earlier runs and of this one, the oldest first; without a file, those of this run."""

    def __init__(self, path: Path | None, warn: Callable[[str], None]) -> None:
        """Read the file; what is wrong with it is told once, and a conversation goes on without."""
        self._path = path
        self._warn = warn
        self.entries: list[str] = []
        self._trying(self._read)

    def add(self, entry: str) -> None:
        """Remember what was typed, unless it was typed just before."""
        if self.entries[-1:] != [entry]:
            self.entries.append(entry)
            self._trying(partial(_append, entry))

    def _trying(self, access: Callable[[Path], None]) -> None:
        if self._path is None:
            return
        try:
            access(self._path)
        except OSError as error:
            self._warn(f"{self._path}: {error.strerror}: what you type is not remembered")
            self._path = None

    def _read(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        self.entries = [entry for entry in map(_entry, lines[-KEPT:]) if entry is not None]
        if len(lines) > 2 * KEPT:
            _rewrite(path, lines[-KEPT:])


def history_path(environment: Mapping[str, str]) -> Path | None:
    """Return the file in the XDG state directory, where there is a home to have one in."""
    state = environment.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):  # the specification has a relative one ignored
        home = environment.get("HOME", "")
        state = os.path.join(home, ".local", "state") if os.path.isabs(home) else ""
    return Path(state) / "gptcli" / "chat_history" if state else None


def _append(entry: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, json.dumps(entry).encode() + b"\n")  # in one piece: other chats append too
    finally:
        os.close(descriptor)


def _rewrite(path: Path, lines: Sequence[bytes]) -> None:
    mask = os.umask(0o077)
    try:
        write_atomically(str(path), b"".join(line + b"\n" for line in lines))
    finally:
        os.umask(mask)


def _entry(line: bytes) -> str | None:
    """Return an entry; None for a line that another program, or a full disk, has spoiled."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, str) else None
