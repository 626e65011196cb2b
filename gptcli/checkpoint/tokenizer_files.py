"""Build a tokenizer of the tokenizers library from a checkpoint's files, as GPT2Tokenizer builds its own.

tokenizer.json gives the vocabulary and the merges where it exists, else vocab.json and merges.txt do.
Truncation and padding that tokenizer.json may ask for are never applied.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from gptcli.checkpoint.added_tokens import AddedTokens, read_added_tokens
from gptcli.checkpoint.files import (
    MERGES,
    TOKENIZER,
    TOKENIZER_CONFIG,
    VOCAB,
    JsonObject,
    has_tokenizer,
    read_json,
    read_json_if_present,
)
from gptcli.errors import ModelError

Merges = list[str] | list[list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltTokenizer:
    """A tokenizer of the tokenizers library and what it does not say itself."""

    backend: tokenizers.Tokenizer
    eos_id: int | None
    special_ids: frozenset[int]
    vocab_size: int
    adds_space: bool


def build_tokenizer(directory: Path, *, model_vocab_size: int) -> BuiltTokenizer:
    """Build the tokenizer; raises ModelError when files are absent or damaged, or it is too large."""
    if not has_tokenizer(directory):
        raise ModelError(f"{directory}: has no tokenizer ({TOKENIZER}, or {VOCAB} and {MERGES})")
    settings = read_json_if_present(directory / TOKENIZER_CONFIG)
    document = read_json_if_present(directory / TOKENIZER)
    source = directory / (TOKENIZER if document else VOCAB)
    vocab, merges = _from_document(document, source) if document else _from_vocab_files(directory)
    try:
        # Older files write a merge as "a b", newer ones as ["a", "b"].
        pairs = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in merges]
        backend = tokenizers.Tokenizer(models.BPE(vocab=vocab, merges=cast(list[tuple[str, str]], pairs)))
        if document:
            backend.post_processor = _post_processor(document)
    # The tokenizers library raises nothing more specific.
    except Exception as error:
        raise ModelError(f"{source}: not a BPE tokenizer ({error}); download the model again") from error
    adds_space = bool(settings.get("add_prefix_space"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=adds_space)
    backend.decoder = decoders.ByteLevel()
    free_ids = range(max(vocab.values(), default=-1) + 1, model_vocab_size)
    added = read_added_tokens(directory, settings, document, vocab=vocab, free_ids=free_ids)
    backend.add_tokens(added.tokens)
    backend.encode_special_tokens = bool(settings.get("split_special_tokens"))
    if not document:
        _add_ends(backend, settings, added)
    largest = max([*vocab.values(), *backend.get_added_tokens_decoder()], default=-1)
    if largest >= model_vocab_size:
        raise ModelError(
            f"{source}: the tokenizer's largest id is {largest}, but vocab_size in config.json is"
            f" {model_vocab_size}; they are not of the same checkpoint"
        )
    return BuiltTokenizer(
        backend=backend,
        eos_id=None if added.eos is None else backend.token_to_id(added.eos),
        special_ids=frozenset(cast(int, backend.token_to_id(content)) for content in added.special),
        vocab_size=largest + 1,
        adds_space=adds_space,
    )


def _from_document(document: JsonObject, path: Path) -> tuple[dict[str, int], Merges]:
    """Take the vocabulary and the merges out of tokenizer.json; refuse a pipeline that is not GPT-2's."""
    model = document.get("model")
    if not isinstance(model, dict) or not isinstance(model.get("vocab"), dict):
        raise ModelError(f"{path}: its model is not byte-level BPE, which is all that GPT-2 uses here")
    pre_tokenizer, decoder = document.get("pre_tokenizer"), document.get("decoder")
    for name, part in (("pre_tokenizer", pre_tokenizer), ("decoder", decoder)):
        if part is not None and (not isinstance(part, dict) or part.get("type") != "ByteLevel"):
            kind = part.get("type") if isinstance(part, dict) else part
            raise ModelError(f"{path}: its {name} is {kind}, expected GPT-2's ByteLevel")
    if document.get("normalizer") is not None:
        raise ModelError(f"{path}: has a normalizer, which GPT-2's tokenizer does not")
    return model["vocab"], model.get("merges", [])


def _from_vocab_files(directory: Path) -> tuple[dict[str, int], Merges]:
    """Read vocab.json and merges.txt."""
    vocab = cast(dict[str, int], read_json(directory / VOCAB))
    path = directory / MERGES
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); download the model again") from error
    return vocab, [line for line in lines if line and not line.startswith("#version")]


def _post_processor(document: JsonObject) -> Any:
    """Make the step of tokenizer.json that puts special tokens around a text, if it has one."""
    empty_model = {"type": "BPE", "vocab": {}, "merges": []}
    small = document | {"model": empty_model, "added_tokens": [], "truncation": None, "padding": None}
    return tokenizers.Tokenizer.from_str(json.dumps(small)).post_processor


def _add_ends(backend: tokenizers.Tokenizer, settings: JsonObject, added: AddedTokens) -> None:
    """Put tokens around every text where tokenizer_config.json asks for it, as tokenizer.json does itself."""
    first = added.bos if settings.get("add_bos_token") else None
    last = added.eos if settings.get("add_eos_token") else None
    ends = [token for token in (first, last) if token is not None]
    if ends:
        template = [*([first] if first else []), "$A", *([last] if last else [])]
        special = [(token, backend.token_to_id(token)) for token in dict.fromkeys(ends)]
        backend.post_processor = processors.TemplateProcessing(single=template, special_tokens=special)
