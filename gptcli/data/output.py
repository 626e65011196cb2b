"""An output file that can be killed at any moment and continued without a duplicate or a gap."""

import errno
import os
from collections.abc import Mapping

from gptcli.data.journal import (
    FAILED,
    Journal,
    changed_options,
    is_of_another_command,
    journal_path,
    lock,
    read_journal,
    refuse_if_running,
    start_journal,
)
from gptcli.errors import ConfigError, OutputError

_REMEDIES = {
    errno.ENOENT: "make its directory",
    errno.EACCES: "choose another place",
    errno.EROFS: "choose another place",
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "raise the limit on file sizes",
}


class OutputFile:
    """A file that grows by rows; until it is finished, a journal beside it knows which of them are whole."""

    def __init__(self, path: str, journal: Journal | None) -> None:
        """Take over a file that create or resume has made ready; no journal means that it is complete."""
        self._path = path
        self._state = journal.state if journal else {}
        self._rows_done = journal.rows_done if journal else 0
        self._rows_failed = journal.rows_failed if journal else 0
        self._size = journal.output_bytes if journal else os.path.getsize(path)
        self._complete = journal is None
        self._descriptors: tuple[int, int] | None = None
        if journal:
            journal_file = os.open(journal_path(path), os.O_WRONLY | os.O_APPEND)
            lock(journal_file, path)
            os.ftruncate(journal_file, journal.journal_bytes)
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            os.ftruncate(file, journal.output_bytes)
            self._descriptors = file, journal_file

    @classmethod
    def create(cls, path: str, *, state: Mapping[str, object], overwrite: bool) -> "OutputFile":
        """Begin a file; raise ConfigError when it exists and is not to be overwritten."""
        exists = _exists(path)
        if exists and not overwrite:
            raise ConfigError(f"{path} exists: replace it with --overwrite, or continue it with --resume")
        try:
            refuse_if_running(path)
            if exists:
                # What cannot be written must not get a journal, which says that its rows are not whole.
                os.close(os.open(path, os.O_WRONLY))
            # The journal comes first: a file without one is a complete file.
            return cls(path, start_journal(path, state))
        except OSError as error:
            raise cannot_write(path, error) from error

    @classmethod
    def resume(cls, path: str, *, state: Mapping[str, object]) -> "OutputFile":
        """Continue a file behind its last whole row, or begin it when there is none.

        Raises ConfigError when the run was started with other options, or by another command, and OutputError when
        finished rows are missing; the file is then left as it was.
        """
        exists = _exists(path)
        try:
            refuse_if_running(path)
            journal = read_journal(path)
            if journal is None:
                return cls(path, None) if exists else cls.create(path, state=state, overwrite=False)
            _refuse_other_command(path, journal.state, state)
            _refuse_changes(path, journal.state, state)
            size = os.path.getsize(path) if exists else 0
            if size < journal.output_bytes:
                raise OutputError(
                    f"{path} has lost finished rows: {size} bytes are left of {journal.output_bytes}; "
                    "begin again with --overwrite"
                )
            return cls(path, journal)
        except OSError as error:
            raise cannot_write(path, error) from error

    @property
    def complete(self) -> bool:
        """Whether the file is finished, by this run or by an earlier one."""
        return self._complete

    @property
    def state(self) -> Mapping[str, object]:
        """The state that the run was started with, its seed among it; empty when the file is complete."""
        return self._state

    @property
    def rows_done(self) -> int:
        """The rows committed, those of an earlier run too; 0 when the file is complete."""
        return self._rows_done

    @property
    def rows_failed(self) -> int:
        """Of the rows done, those that failed; 0 when the file is complete."""
        return self._rows_failed

    @property
    def size(self) -> int:
        """The bytes of the file; none means that its header has yet to be written."""
        return self._size

    def write(self, data: bytes) -> None:
        """Append to the file; what stands behind the last commit is dropped by the next resume."""
        file, _ = self._opened()
        self._append(file, data)
        self._size += len(data)

    def require(self, state: Mapping[str, object]) -> None:
        """Raise ConfigError when the run was started with another state than this part of it."""
        _refuse_changes(self._path, self._state, state)

    def commit_row(self, *, failed: bool = False) -> None:
        """Note that all of one more row has been written, be it nothing."""
        _, journal = self._opened()
        self._append(journal, b"%d%b\n" % (self._size, FAILED if failed else b""))
        self._rows_done += 1
        self._rows_failed += failed

    def finish(self) -> None:
        """Make the file safe on disk, remove its journal and close it."""
        file, _ = self._opened()
        try:
            os.fsync(file)
            os.unlink(journal_path(self._path))
        except OSError as error:
            raise _interrupted(self._path, error) from error
        self._complete = True
        self.close()

    def close(self) -> None:
        """Close the file; unless it was finished, its journal stays for a resume."""
        if self._descriptors is not None:
            for descriptor in self._descriptors:
                os.close(descriptor)
            self._descriptors = None

    def _opened(self) -> tuple[int, int]:
        if self._descriptors is None:
            raise ValueError(f"{self._path} is closed")
        return self._descriptors

    def _append(self, descriptor: int, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            raise _interrupted(self._path, error) from error


def refuse_existing(path: str, *, overwrite: bool) -> None:
    """Raise ConfigError for a file that exists and is not to be replaced; OutputError where none can be written."""
    if _exists(path) and not overwrite:
        raise ConfigError(f"{path} exists: replace it with --overwrite")
    refuse_unwritable(path)


def refuse_unwritable(path: str) -> None:
    """Raise OutputError when it can be seen beforehand that a file cannot be written, or replaced, there."""
    directory = os.path.dirname(path) or "."
    for place, exists in ((path, _exists(path)), (directory, True)):
        if exists and not os.path.exists(place):
            raise cannot_write(path, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)))
        if exists and not os.access(place, os.W_OK):
            raise cannot_write(path, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))


def has_begun(path: str) -> bool:
    """Return whether there is anything of a file that a run could continue; raise OutputError for what is no file."""
    return _exists(path) or os.path.exists(journal_path(path))


def cannot_write(path: str, error: OSError) -> OutputError:
    """Return the error that says that a file cannot be written, why, and what to do."""
    remedy = _REMEDIES.get(error.errno or 0)
    return OutputError(f"cannot write {path}: {error.strerror}" + (f"; {remedy}" if remedy else ""))


def _exists(path: str) -> bool:
    """Return whether there is such a file; raise OutputError for what is not one."""
    if not os.path.exists(path):
        return False
    if os.path.isdir(path):
        raise OutputError(f"cannot write {path}: it is a directory; give a file")
    if not os.path.isfile(path):
        raise OutputError(f"cannot write {path}: it is not a regular file; write to standard output instead")
    return True


def _refuse_other_command(path: str, before: Mapping[str, object], state: Mapping[str, object]) -> None:
    """Raise ConfigError when a run of another command would be continued."""
    if is_of_another_command(before, state):
        raise ConfigError(
            f"{path} was begun by another command: continue it with that one, or begin again with --overwrite"
        )


def _refuse_changes(path: str, before: Mapping[str, object], state: Mapping[str, object]) -> None:
    """Raise ConfigError when a run would be continued with other options."""
    changed = changed_options(before, state)
    if changed:
        raise ConfigError(
            f"{path} was started with other options: {', '.join(changed)}; "
            "give the same, or begin again with --overwrite"
        )


def _interrupted(path: str, error: OSError) -> OutputError:
    """Return the error of a run that can be continued."""
    remedy = _REMEDIES.get(error.errno or 0)
    again = f"{remedy} and run again" if remedy else "run again"
    return OutputError(f"cannot write {path}: {error.strerror}; {again} with --resume")
