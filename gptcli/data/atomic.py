"""Write a file so that it is never seen half written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO


@contextmanager
def atomic_file(path: str) -> Iterator[BinaryIO]:
    """Yield a file of a temporary name in the same directory, and rename it at the end; raise OSError, and leave none.

    Where the block raises, nothing is left either, and what was at the path before stays.
    """
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)


def write_atomically(path: str, data: bytes) -> None:
    """Write a whole file as atomic_file does; raise OSError where that fails."""
    with atomic_file(path) as file:
        file.write(data)
