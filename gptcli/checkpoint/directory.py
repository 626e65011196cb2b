"""Write a directory so that it is never seen half written, whatever ends the program.

It is filled under a name of its own beside the place, made safe on disk, and renamed. Until then it is locked:
one that is not is what a killed program left behind, and the next write to the same place removes it.
"""

import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from gptcli.errors import OutputError

_PARTIAL = "partial"
_OLD = "old"
_READABLE = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH


def write_directory(path: Path, fill: Callable[[Path], None], *, replace: bool) -> None:
    """Make a directory of what fill(temporary directory) writes; it appears whole or not at all.

    A directory with files in it is replaced only where replace says so, and is whole until the new one is in its
    place. Raises OutputError where that cannot be done; then nothing is left behind and what was there stays.
    """
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.parent):
            _clear_up(path)
            temporary = _beside(path, _PARTIAL)
            temporary.mkdir()
            lock = _lock(temporary)
        try:
            _refuse_existing(path, replace=replace)
            fill(temporary)
            fsync_tree(temporary)
            with _locked(path.parent):
                _put_in_place(temporary, path, replace=replace)
        finally:
            os.close(lock)
            shutil.rmtree(temporary, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{path}: cannot be written ({reason_of(error)}); nothing was changed") from error


def fsync_tree(directory: Path) -> None:
    """Make sure that every file below a directory, and every name, is on disk; raises OSError.

    Whoever may read the folder may read its files, too: safetensors writes for the owner alone.
    """
    for folder, _, names in os.walk(directory, topdown=False, onerror=_raise):
        readable = os.stat(folder).st_mode & _READABLE
        for name in names:
            path = os.path.join(folder, name)
            mode = stat.S_IMODE(os.stat(path).st_mode)
            if mode | readable != mode:
                os.chmod(path, mode | readable)
            _fsync(path)
        _fsync(folder)


def reason_of(error: OSError | SafetensorError) -> str:
    """Return why, in the system's words; safetensors hides them in a sentence of its own."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"{error.strerror}: free some space"
        return error.strerror or str(error)
    return str(error).removeprefix("Error while serializing: ").removeprefix("I/O error: ")


def _put_in_place(temporary: Path, path: Path, *, replace: bool) -> None:
    """Rename a finished directory, what was there before out of its way first and back if that fails."""
    old = _beside(path, _OLD)
    moved = replace and path.exists()
    if moved:
        path.rename(old)
    try:
        temporary.rename(path)
    except OSError:
        if moved:
            old.rename(path)
        raise
    _fsync(path.parent)
    if moved:
        shutil.rmtree(old, ignore_errors=True)


def _refuse_existing(path: Path, *, replace: bool) -> None:
    """Raise OutputError for what may not be replaced."""
    if path.is_dir() and (replace or not any(path.iterdir())):
        return
    if os.path.lexists(path):
        raise OutputError(f"{path}: is there already; give another directory, or --overwrite to replace it")


def _clear_up(path: Path) -> None:
    """Remove what killed programs left of this directory, and put back the old one that they had moved away."""
    for left in path.parent.glob(f".{_escaped(path.name)}.*.{_OLD}"):
        if not path.exists():
            left.rename(path)
        else:
            shutil.rmtree(left, ignore_errors=True)
    for left in path.parent.glob(f".{_escaped(path.name)}.*.{_PARTIAL}"):
        with suppress(BlockingIOError, FileNotFoundError):
            os.close(_lock(left))
            shutil.rmtree(left, ignore_errors=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{suffix}")


def _escaped(name: str) -> str:
    """Return a name as a pattern that matches only itself."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep other writers out while a directory is there and not yet locked, or moved and not yet replaced."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(directory: Path) -> int:
    """Lock a directory until the descriptor is closed; raises BlockingIOError where another program has it."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _fsync(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _raise(error: OSError) -> None:
    raise error
