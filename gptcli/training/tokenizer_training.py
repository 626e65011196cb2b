"""Train a byte-level BPE, GPT-2's kind of tokenizer, on the text that a model will learn from."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from gptcli.checkpoint.files import MERGES, TOKENIZER, TOKENIZER_CONFIG, VOCAB
from gptcli.data.atomic import write_atomically
from gptcli.errors import ConfigError, OutputError
from gptcli.training.corpus_pieces import pieces

END_OF_TEXT = "<|endoftext|>"
"""Token 0: the beginning, the end and the unknown of GPT-2."""
SAMPLE_BYTES = 200_000_000
"""The merges of a small vocabulary do not change with more text; counting its words takes half a minute."""
_SMALLEST = 257
"""All bytes and the end of text."""
_LEAST_COUNT = 2
"""Times that a pair must stand in the text to become a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedTokenizer:
    """What a tokenizer was made of."""

    vocab_size: int
    """Below the one asked for where the text is too short to fill it."""
    documents: int
    text_bytes: int


def train_tokenizer(documents: Iterable[str], vocab_size: int, directory: Path) -> TrainedTokenizer:
    """Train on the documents, SAMPLE_BYTES of them at best, and write the tokenizer's files as transformers does.

    Raises ConfigError for a vocabulary too small for all bytes, OutputError where nothing can be written.
    """
    if vocab_size < _SMALLEST:
        raise ConfigError(f"--vocab-size must be at least {_SMALLEST}: all bytes and {END_OF_TEXT}, not {vocab_size}")
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=_LEAST_COUNT,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    sample = _Counted(documents)
    backend.train_from_iterator(iter(sample), trainer=trainer)
    try:
        _write(backend, directory)
    except OSError as error:
        raise OutputError(f"cannot write a tokenizer to {directory}: {error.strerror or error}") from error
    return TrainedTokenizer(
        vocab_size=backend.get_vocab_size(),
        documents=sample.documents,
        text_bytes=sample.text_bytes,
    )


class _Counted:
    """The documents in pieces, and how much they are."""

    def __init__(self, documents: Iterable[str]) -> None:
        self.documents = self.text_bytes = 0
        self._source = documents

    def __iter__(self) -> Iterator[str]:
        for document in self._source:
            self.documents += 1
            for part in document.split(END_OF_TEXT):  # which is a token already, and no word to learn merges from
                for piece in pieces(part, at_newlines=True):
                    self.text_bytes += len(piece.encode())
                    yield piece


def _write(backend: tokenizers.Tokenizer, directory: Path) -> None:
    """Write tokenizer.json, vocab.json, merges.txt and tokenizer_config.json."""
    directory.mkdir(parents=True, exist_ok=True)
    document = json.loads(backend.to_str())
    model = document["model"]
    by_id = dict(sorted(model["vocab"].items(), key=lambda item: item[1]))
    merges = "".join(f"{first} {second}\n" for first, second in model["merges"])
    settings = {
        "add_prefix_space": False,
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "errors": "replace",
        "pad_token": None,
        "tokenizer_class": "GPT2Tokenizer",
        "unk_token": END_OF_TEXT,
    }
    for name, text in {
        VOCAB: json.dumps(by_id, ensure_ascii=False),
        MERGES: f"#version: 0.2\n{merges}",
        TOKENIZER: backend.to_str(pretty=True),
        TOKENIZER_CONFIG: json.dumps(settings, indent=2) + "\n",
    }.items():
        write_atomically(str(directory / name), text.encode())
