"""Data that can be read once for each model: files as they are, standard input and pipes kept in temporary files."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from gptcli.data.contents import STANDARD_INPUT, Content, expand_paths, open_content, stream_content
from gptcli.data.readers import cannot_read, check_readable
from gptcli.errors import InputError

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file, or a pipe, as it was when it was first read."""

    name: str
    size: int
    """In bytes."""
    sha256: str
    """As `sha256sum` tells it."""


class Rereadable:
    """The files of a run; as a context manager it removes what it kept."""

    def __init__(self, paths: Sequence[str], stdin: BinaryIO) -> None:
        """Find the files, and read each to its end once; raises InputError where that cannot be done."""
        self._paths = expand_paths(paths)
        self._kept: dict[str, BinaryIO] = {}
        self._stack = ExitStack()
        try:
            for path in self._paths:
                if _is_read_once(path):
                    self._kept[path] = self._stack.enter_context(_copied(path, stdin))
            self.files = tuple(map(self._described, self._paths))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def contents(self) -> Iterator[Content]:
        """Yield the content of each file, open until the next is asked for; raises InputError as open_content does."""
        for path in self._paths:
            with self._opened(path) as content:
                yield content

    def verify(self) -> None:
        """Raise InputError where a file is not what it was at first."""
        for path, file in zip(self._paths, self.files, strict=True):
            if self._described(path) != file:
                raise InputError(f"{path} has changed while it was read: start again when nothing writes to it")

    @contextmanager
    def _opened(self, path: str) -> Iterator[Content]:
        kept = self._kept.get(path)
        if kept is None:
            with open_content(path) as content:
                yield content
        else:
            kept.seek(0)
            yield stream_content(kept, _name(path))

    def _described(self, path: str) -> DataFile:
        kept = self._kept.get(path)
        try:
            if kept is not None:
                return _described(kept, path)
            with open(path, "rb") as file:
                return _described(file, path)
        except OSError as error:
            raise InputError(cannot_read(_name(path), error)) from error


def _is_read_once(path: str) -> bool:
    """Return whether this is standard input or a pipe; raises InputError for what cannot be read at all."""
    if path != "-":
        check_readable(path)
    return path == "-" or not os.path.isfile(path)


@contextmanager
def _copied(path: str, stdin: BinaryIO) -> Iterator[BinaryIO]:
    """Yield a copy, in a file without a name, of what can be read only once."""
    with ExitStack() as stack:
        try:
            source = stdin if path == "-" else stack.enter_context(open(path, "rb"))
            copy = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(source, copy)
            copy.flush()
        except OSError as error:
            place = tempfile.gettempdir()
            told = f"cannot keep {_name(path)} in {place}: {error.strerror}; set TMPDIR to a place with room"
            raise InputError(told) from error
        yield copy


def _described(file: BinaryIO, path: str) -> DataFile:
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
        size += len(block)
    return DataFile(name=_name(path), size=size, sha256=digest.hexdigest())


def _name(path: str) -> str:
    return STANDARD_INPUT if path == "-" else path
