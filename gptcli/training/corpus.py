"""A corpus as one memory-mapped stream of tokens, made once from files that may be larger than memory.

Each document ends with the end-of-text token, and so does what stands before the first: EOS a b EOS c d EOS. Held-out
documents make a second stream. tokens.json beside them is written last, so that what it describes is whole.
"""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gptcli.checkpoint.files import ADDED_TOKENS, MERGES, SPECIAL_TOKENS_MAP, TOKENIZER, TOKENIZER_CONFIG, VOCAB
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.errors import InputError
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_windows import Windows, WindowSource

TOKENS = "tokens.bin"
VALIDATION = "validation.bin"
SIDECAR = "tokens.json"
_VERSION = 2
_TOKENIZER_FILES = (TOKENIZER, VOCAB, MERGES, TOKENIZER_CONFIG, SPECIAL_TOKENS_MAP, ADDED_TOKENS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What a stream of tokens holds."""

    tokens: int
    """The end-of-text tokens among them."""
    documents: int
    text_bytes: int
    """UTF-8 bytes of the documents, without what ends them."""
    digest: str
    """Of the tokens."""


@dataclass(frozen=True, slots=True, eq=False)
class TokenFile:
    """A stream of tokens on the disk."""

    tokens: NDArray[np.uint16] | NDArray[np.uint32]
    eos_id: int
    facts: StreamFacts

    def windows(self, length: int) -> WindowSource:
        """Return the stream as sequences of length inputs."""
        return WindowSource(Windows(self.tokens, length), self.eos_id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Corpus:
    """The documents to learn, those held out, and what was seen while they were read."""

    train: TokenFile
    validation: TokenFile | None
    """None where no document is held out."""
    empty: int
    unreadable: int
    first_complaint: str | None
    digest: str
    """Of the tokens and what they mean, wherever the files lie and whenever they were written: a resumed run must have
    the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusKey:
    """All that decides what the streams hold; equal keys mean equal streams."""

    sources: tuple[tuple[str, int, int], ...]
    """Each file's path, size and time of change in nanoseconds."""
    tokenizer: str
    """Hash of its files."""
    eos_id: int
    dtype: str
    validation_split: float
    column: str | None
    version: int = _VERSION


def corpus_key(
    documents: Documents, tokenizer: Tokenizer, tokenizer_directory: Path, *, validation_split: float
) -> CorpusKey:
    """Describe the streams of these documents, tokenizer and split, from the files as they are now."""
    if tokenizer.eos_id is None:
        raise InputError(f"{tokenizer_directory}: the tokenizer has no end-of-text token, which must part documents")
    digest = hashlib.blake2b(digest_size=16)
    for name in _TOKENIZER_FILES:
        path = tokenizer_directory / name
        if path.is_file():
            digest.update(name.encode() + b"\0" + hashlib.blake2b(path.read_bytes()).digest())
    return CorpusKey(
        sources=tuple(_source(path) for path in documents.files),
        tokenizer=digest.hexdigest(),
        eos_id=tokenizer.eos_id,
        dtype="uint16" if tokenizer.vocab_size <= 1 << 16 else "uint32",
        validation_split=validation_split,
        column=documents.column,
    )


def open_corpus(directory: Path) -> Corpus:
    """Map the streams of a directory; raises InputError where they are absent or not whole."""
    facts = _sidecar(directory)
    key = facts["key"]
    learned, held_out = StreamFacts(**facts["train"]), StreamFacts(**facts["validation"])
    told = repr((key["tokenizer"], key["eos_id"], learned.digest, held_out.digest))
    train = _token_file(directory / TOKENS, key, learned)
    return Corpus(
        train=train,
        validation=_token_file(directory / VALIDATION, key, held_out) if held_out.tokens else None,
        empty=facts["empty"],
        unreadable=facts["unreadable"],
        first_complaint=facts["first_complaint"],
        digest=hashlib.blake2b(told.encode(), digest_size=16).hexdigest(),
    )


def why_stale(directory: Path, key: CorpusKey) -> str | None:
    """Say why the streams of a directory cannot be used for a key; None where they can."""
    if not (directory / SIDECAR).is_file():
        return "nothing is tokenized yet"
    try:
        open_corpus(directory)
        before = _sidecar(directory)["key"]
    except InputError as error:
        return str(error)
    now = json.loads(json.dumps(asdict(key)))
    if before["sources"] != now["sources"]:
        old, new = ({path: rest for path, *rest in sources} for sources in (before["sources"], now["sources"]))
        changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
        return f"{changed[0]} has changed" if changed else "the files come in another order"
    different = [name for name in now if before.get(name) != now[name]]
    return f"another {different[0].replace('_', ' ')}" if different else None


def _source(path: Path) -> tuple[str, int, int]:
    status = path.stat()
    return str(path.resolve()), status.st_size, status.st_mtime_ns


def _sidecar(directory: Path) -> dict[str, Any]:
    """Read tokens.json; raises InputError where it makes no sense."""
    path = directory / SIDECAR
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts["key"]["version"] != _VERSION:
            raise InputError(f"{path} is of another version: tokenize again")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; tokenize again") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"{path} is damaged: tokenize again") from error
    return facts


def _token_file(path: Path, key: dict[str, Any], facts: StreamFacts) -> TokenFile:
    """Map a stream, whose length must be what its description says."""
    dtype = np.dtype(key["dtype"]).newbyteorder("<")
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; tokenize again") from error
    if size != facts.tokens * dtype.itemsize:
        raise InputError(f"{path} holds {size:,} bytes, expected {facts.tokens * dtype.itemsize:,}: tokenize again")
    tokens = np.memmap(path, dtype=dtype, mode="r") if size else np.zeros(0, dtype)
    return TokenFile(tokens, key["eos_id"], facts)
