"""Open a file that may be compressed: .gz, .xz or .zst."""

import gzip
import io
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, cast

from gptcli.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

COMPRESSIONS = (".gz", ".xz", ".zst")
_CHUNK_BYTES = 1 << 17


def inner_suffix(path: str) -> str:
    """Return the suffix of a file, without that of its compression, in lower case."""
    stem, suffix = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if suffix in COMPRESSIONS else suffix


def is_compressed(path: str) -> bool:
    """Return whether the file's name says that it is compressed."""
    return path.lower().endswith(COMPRESSIONS)


def require_decompressor(path: str) -> None:
    """Raise MissingExtraError when a file cannot be decompressed here."""
    if path.lower().endswith(".zst") and find_spec("zstandard") is None:
        raise MissingExtraError('.zst files need zstandard: pip install "gptcli[data]"')


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Open a file and yield its content, decompressed; raises InputError where that is damaged, and OSError."""
    with open(path, "rb") as file, decompressed(file, path) as content:
        yield content


@contextmanager
def decompressed(file: BinaryIO, path: str) -> Iterator[BinaryIO]:
    """Yield the content of an open file, whose position tells how far the reading is; raises as opened does."""
    with ExitStack() as stack:
        content = file
        match os.path.splitext(path.lower())[1]:
            case ".gz":
                content = cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=file)))
            case ".xz":
                content = cast(BinaryIO, stack.enter_context(lzma.LZMAFile(file)))
            case ".zst":
                require_decompressor(path)
                content = stack.enter_context(io.BufferedReader(_Zstandard(file), _CHUNK_BYTES))
        try:
            yield content
        except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            why = str(error).rstrip(".") or "its end is missing"
            raise InputError(f"{path} is damaged, {why}: compress or download it again") from error


class _Zstandard(io.RawIOBase):
    """Decompressed bytes of one or more frames; raises EOFError where the last is cut short."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        self._file = file
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._damage = zstandard.ZstdError
        self._begun = False
        self._held = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill the buffer as far as the next bytes go; 0 is the end."""
        while not self._held:
            chunk = self._frame.unused_data if self._frame.eof else b""
            chunk = chunk or self._file.read(_CHUNK_BYTES)
            if not chunk:
                if self._begun and not self._frame.eof:
                    raise EOFError("it ends within a frame")
                return 0
            self._begun = True
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
            try:
                self._held = memoryview(self._frame.decompress(chunk))
            except self._damage as error:
                raise EOFError(str(error)) from error
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._held))
        target[:count] = self._held[:count]
        self._held = self._held[count:]
        return count
