"""Tokenize a corpus once, in constant memory, into the streams that corpus.py maps."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.data.atomic import write_atomically
from gptcli.data.splits import HASH_BYTES, row_hasher
from gptcli.errors import InputError, OutputError
from gptcli.training.corpus import SIDECAR, TOKENS, VALIDATION, CorpusKey, StreamFacts
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_pieces import pieces

_BATCH_CHARACTERS = 1 << 21
"""Text encoded at once: enough for every thread, about 100 MB of tokens on their way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusProgress:
    """How far the tokenizing is."""

    bytes_read: int
    """Of the files as they lie on the disk."""
    bytes_total: int
    documents: int
    tokens: int


def tokenize_corpus(
    documents: Documents, tokenizer: Tokenizer, key: CorpusKey, directory: Path
) -> Iterator[CorpusProgress]:
    """Write the streams into a directory, yielding progress; they appear whole or not at all.

    Raises InputError where a source cannot be read or changes meanwhile, OutputError where nothing can be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / SIDECAR).unlink(missing_ok=True)
        train, held_out = (_Stream(directory / name, key) for name in (TOKENS, VALIDATION))
        try:
            yield from _write(documents, tokenizer, (train, held_out), key.validation_split)
            _check_unchanged(key)
            facts = {
                "key": asdict(key),
                "train": asdict(train.facts()),
                "validation": asdict(held_out.facts()),
                "empty": documents.empty,
                "unreadable": documents.unreadable,
                "first_complaint": documents.first_complaint,
            }
            train.keep()
            held_out.keep()
            write_atomically(str(directory / SIDECAR), json.dumps(facts, indent=1).encode() + b"\n")
        finally:
            train.discard()
            held_out.discard()
    except OSError as error:
        raise OutputError(f"cannot write tokens to {directory}: {error.strerror or error}; make room") from error


def is_held_out(text: str, share: float) -> bool:
    """Tell whether a document is held out: its text alone decides, so that it stays where it is for ever."""
    return int.from_bytes(row_hasher()(text.encode()), "big") < share * 2.0 ** (8 * HASH_BYTES)


class _Stream:
    """A stream being written under a temporary name."""

    def __init__(self, path: Path, key: CorpusKey) -> None:
        self.documents = self.text_bytes = self.tokens = 0
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._dtype = np.dtype(key.dtype).newbyteorder("<")
        self._eos_id = key.eos_id
        self._hash = hashlib.blake2b(digest_size=16)
        self._file = self._partial.open("wb")

    def write(self, ids: list[int]) -> None:
        """Append tokens; the first of the stream stand behind an end of text."""
        if self.tokens == 0:
            ids = [self._eos_id, *ids]
        data = np.array(ids, self._dtype).tobytes()
        self._file.write(data)
        self._hash.update(data)
        self.tokens += len(ids)

    def end_document(self) -> None:
        """Append the end of text."""
        self.write([self._eos_id])
        self.documents += 1

    def facts(self) -> StreamFacts:
        """Return what is written so far."""
        return StreamFacts(
            tokens=self.tokens,
            documents=self.documents,
            text_bytes=self.text_bytes,
            digest=self._hash.hexdigest(),
        )

    def keep(self) -> None:
        """Put what is written on the disk and give it its name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._path)

    def discard(self) -> None:
        """Remove what was not kept."""
        with suppress(OSError):  # a full disk refuses the last bytes once more
            self._file.close()
        self._partial.unlink(missing_ok=True)


def _write(
    documents: Documents, tokenizer: Tokenizer, streams: tuple[_Stream, _Stream], share: float
) -> Iterator[CorpusProgress]:
    """Encode the documents into the streams, some at once."""
    queue: list[tuple[_Stream, str | None]] = []
    characters = 0
    unfinished: _Stream | None = None
    at_newlines = not tokenizer.adds_space
    for document in documents:
        stream = streams[is_held_out(document.text, share)]
        if unfinished not in (None, stream):  # the document goes on in the other stream
            queue.append((unfinished, None))
        queue.extend((stream, piece) for piece in pieces(document.text, at_newlines=at_newlines))
        if document.ends:
            queue.append((stream, None))
        unfinished = None if document.ends else stream
        characters += len(document.text)
        if characters >= _BATCH_CHARACTERS:
            _encode(queue, tokenizer)
            yield _progress(documents, streams)
            queue, characters = [], 0
    _encode(queue, tokenizer)
    yield _progress(documents, streams)


def _encode(queue: list[tuple[_Stream, str | None]], tokenizer: Tokenizer) -> None:
    """Write what is queued: pieces of text, and None where a document ends."""
    encoded = iter(tokenizer.encode_batch([piece for _, piece in queue if piece is not None]))
    for stream, piece in queue:
        if piece is None:
            stream.end_document()
        else:
            stream.text_bytes += len(piece.encode())
            stream.write(next(encoded))


def _progress(documents: Documents, streams: tuple[_Stream, _Stream]) -> CorpusProgress:
    return CorpusProgress(
        bytes_read=documents.bytes_read,
        bytes_total=documents.bytes_total,
        documents=sum(stream.documents for stream in streams),
        tokens=sum(stream.tokens for stream in streams),
    )


def _check_unchanged(key: CorpusKey) -> None:
    """Raise InputError for a source that is no longer what it was when the reading began."""
    for name, size, changed in key.sources:
        path = Path(name)
        if not path.is_file() or (path.stat().st_size, path.stat().st_mtime_ns) != (size, changed):
            raise InputError(f"{name} has changed while it was read: start again when nothing writes to it")
