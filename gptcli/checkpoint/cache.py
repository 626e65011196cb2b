"""Keep what was built from a checkpoint in the user's cache directory, so that it is built once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from gptcli.checkpoint.directory import write_directory
from gptcli.errors import ModelError, OutputError


def cache_directory() -> Path:
    """Return the directory of everything that gptcli can build again."""
    chosen = os.environ.get("GPTCLI_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "gptcli"


def identity(files: Iterable[Path], scheme: str) -> str:
    """Return a key that changes when a file changes, or the scheme, which names what is built of them."""
    digest = hashlib.sha256(scheme.encode())
    for path in files:
        resolved = path.resolve()
        status = resolved.stat()
        digest.update(f"\0{resolved}\0{status.st_size}\0{status.st_mtime_ns}".encode(errors="surrogateescape"))
    return digest.hexdigest()


def cached(key: str, name: str, build: Callable[[Path], None]) -> Path:
    """Return the file called name under this key, built by build(temporary path) where it is absent.

    The file appears whole or not at all. Processes that build it at once each write their own and the last
    one wins, which is safe because the same key means the same bytes. Raises ModelError when it cannot be
    written.
    """
    path = cache_directory() / key / name
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary_name = tempfile.mkstemp(prefix=f"{name}.", suffix=".partial", dir=path.parent)
        os.close(descriptor)
        temporary = Path(temporary_name)
        try:
            build(temporary)
            _flush_to_disk(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(f"{path}: cannot be written ({reason}); set GPTCLI_CACHE to a directory with room") from error
    return path


def cached_directory(owner: Path, key: str, fill: Callable[[Path], None]) -> Path:
    """Return the directory under this key, made by fill(temporary directory) where it is absent.

    It takes the place of those that were made for the same owner under other keys. Raises ModelError when it
    cannot be written.
    """
    siblings = cache_directory() / identity((), scheme=f"owner-1\0{owner.resolve()}")
    path = siblings / key
    if not path.is_dir():
        try:
            write_directory(path, fill, replace=False)
        except OutputError as error:
            if not path.is_dir():  # else another process was quicker
                raise ModelError(f"{error}; set GPTCLI_CACHE to a directory with room") from error
        for other in siblings.iterdir():
            if other != path and not other.name.startswith("."):
                shutil.rmtree(other, ignore_errors=True)
    return path


def _flush_to_disk(path: Path) -> None:
    """Make sure that the bytes are on disk before the name points to them."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
