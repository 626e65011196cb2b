"""Write a file so that it is never seen half written."""

import os
from contextlib import suppress


def write_atomically(path: str, data: bytes) -> None:
    """Write under a temporary name in the same directory, then rename; raise OSError where that fails."""
    directory, name = os.path.split(path)
    temporary = os.path.join(directory, f".{name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
