"""From text to a corpus that can be learned: its tokenizer, trained or taken, and its tokens, made once and kept."""

import fcntl
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from gptcli.checkpoint.cache import cache_directory
from gptcli.checkpoint.config import read_config
from gptcli.checkpoint.files import CONFIG, copy_tokenizer
from gptcli.checkpoint.tokenizer import Tokenizer
from gptcli.checkpoint.tokenizer_files import build_tokenizer
from gptcli.data.atomic import write_atomically
from gptcli.data.words import counted
from gptcli.errors import OutputError
from gptcli.training.corpus import corpus_key, why_stale
from gptcli.training.corpus_documents import Documents
from gptcli.training.corpus_writing import tokenize_corpus
from gptcli.training.tokenizer_training import SAMPLE_BYTES, train_tokenizer

_TOKENIZER = "tokenizer"
_TOKENS = "tokens"
_COMPLETE = "complete"
_LOCK = ".lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a corpus lies in the cache."""

    directory: Path

    @property
    def tokenizer(self) -> Path:
        """Return the directory of the tokenizer's files."""
        return self.directory / _TOKENIZER

    @property
    def tokens(self) -> Path:
        """Return the directory of the streams."""
        return self.directory / _TOKENS


def place_of(documents: Documents, *, tokenizer: str, vocab_size: int, validation_split: float) -> Place:
    """Return where the corpus of these files lies, now and the next time that the same is asked for."""
    said = repr((documents.files, documents.column, tokenizer, vocab_size, validation_split))
    digest = hashlib.sha256(said.encode(errors="surrogateescape")).hexdigest()
    return Place(directory=cache_directory() / "corpora" / digest[:32])


def claim(place: Place, stack: ExitStack) -> Iterator[str]:
    """Keep other runs out until the stack closes, and yield that one is waited for; raises OutputError."""
    try:
        place.directory.mkdir(parents=True, exist_ok=True)
        lock = stack.enter_context((place.directory / _LOCK).open("ab"))
    except OSError as error:
        raise _unwritable(place, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield "waiting for another run that reads the same text"
        fcntl.flock(lock, fcntl.LOCK_EX)


def prepare_tokenizer(documents: Documents, place: Place, *, source: Path | None, vocab_size: int) -> Iterator[str]:
    """Train a tokenizer on the documents, or copy that of a model's directory; yield what is being done.

    Raises InputError for what cannot be read, ModelError for a tokenizer that is damaged, OutputError for no room.
    """
    state = _state_of(documents)
    try:
        place.tokenizer.mkdir(parents=True, exist_ok=True)
        if source is not None:
            copy_tokenizer(source, place.tokenizer)
            if (source / CONFIG).is_file():
                shutil.copyfile(source / CONFIG, place.tokenizer / CONFIG)
            return
        marker = place.tokenizer / _COMPLETE
        if marker.is_file() and marker.read_text() == state:
            return
        marker.unlink(missing_ok=True)
        yield f"training a tokenizer of {vocab_size:,} tokens"
        train_tokenizer(documents.sample(SAMPLE_BYTES), vocab_size, place.tokenizer)
        write_atomically(str(marker), state.encode())
    except OSError as error:
        raise _unwritable(place, error) from error


def open_tokenizer(place: Place) -> Tokenizer:
    """Return the corpus's tokenizer; raises ModelError."""
    config = place.tokenizer / CONFIG
    size = read_config(place.tokenizer).vocab_size if config.is_file() else _UNBOUNDED
    return Tokenizer(build_tokenizer(place.tokenizer, model_vocab_size=size))


def prepare_tokens(
    documents: Documents, tokenizer: Tokenizer, place: Place, *, validation_split: float
) -> Iterator[str]:
    """Tokenize the documents where that is not done; yield how far it is."""
    key = corpus_key(documents, tokenizer, place.tokenizer, validation_split=validation_split)
    why = why_stale(place.tokens, key)
    if why is None:
        return
    yield f"tokenizing: {why}"
    for report in tokenize_corpus(documents, tokenizer, key, place.tokens):
        share = report.bytes_read / max(1, report.bytes_total)
        read = counted(report.documents, "document")
        yield f"tokenizing: {share:.0%}, {read}, {report.tokens:,} tokens"


_UNBOUNDED = 1 << 31


def _unwritable(place: Place, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write to {place.directory}: {error.strerror}; make room, or name another place in GPTCLI_CACHE"
    )


def _state_of(documents: Documents) -> str:
    """Return what changes when a file does."""
    states = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in documents.files]
    return hashlib.sha256(repr(states).encode(errors="surrogateescape")).hexdigest()
